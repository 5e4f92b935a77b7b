/** What the text inside a VMDK says about it (VMware, Virtual Disk Format 5.0). */
export interface VmdkDescriptor {
  /** Eight hex digits: changes with each time that the disk is written. */
  readonly contentId: string | null;
  /** The content id that the parent must have; null without a parent. */
  readonly parentContentId: string | null;
  readonly parentName: string | null;
  readonly createType: string | null;
  readonly extents: readonly { readonly type: string; readonly name: string | null }[];
}

const NO_PARENT = "ffffffff";
const EXTENT = /^(?:RW|RDONLY|NOACCESS)[ \t]+\d+[ \t]+([A-Z]+)(?:[ \t]+"([^"]*)")?/;
const FIELD = /^[ \t]*([A-Za-z]+)[ \t]*=[ \t]*"?([^"]*)"?[ \t]*$/;

export function parseVmdkDescriptor(text: string): VmdkDescriptor {
  const fields = new Map<string, string>();
  const extents: { type: string; name: string | null }[] = [];
  for (const line of text.replace(/\0.*$/su, "").split(/\r?\n/)) {
    const extent = EXTENT.exec(line);
    if (extent !== null) extents.push({ type: extent[1] ?? "", name: extent[2] ?? null });
    const field = FIELD.exec(line);
    if (field !== null) fields.set((field[1] ?? "").toLowerCase(), (field[2] ?? "").trim());
  }
  const id = (name: string): string | null => fields.get(name)?.toLowerCase().padStart(8, "0") ?? null;
  const parent = id("parentcid");
  return { contentId: id("cid"), parentContentId: parent === NO_PARENT ? null : parent, parentName: fields.get("parentfilenamehint") ?? null, createType: fields.get("createtype") ?? null, extents };
}
