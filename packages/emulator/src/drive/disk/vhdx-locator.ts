import type { ParentLink } from "./disk-layer.ts";

/** The entries of a VHDX parent locator (MS-VHDX 2.6.2.6.3). Hyper-V writes GUIDs in braces and full paths in their long form. */
export function locatorOfLink(link: ParentLink): ReadonlyMap<string, string> {
  const entries = new Map<string, string>();
  const [first, second] = link.linkIds;
  if (first !== undefined) entries.set("parent_linkage", `{${first}}`);
  if (second !== undefined) entries.set("parent_linkage2", `{${second}}`);
  if (link.relativePath !== null) entries.set("relative_path", link.relativePath);
  if (link.absolutePath !== null) entries.set("absolute_win32_path", `\\\\?\\${link.absolutePath}`);
  return entries;
}

export function linkOfLocator(locator: ReadonlyMap<string, string>): ParentLink {
  const linkIds = ["parent_linkage", "parent_linkage2"].flatMap((key) => locator.get(key)?.toLowerCase().replaceAll(/[{}]/g, "") ?? []);
  return { linkIds, relativePath: locator.get("relative_path") ?? null, absolutePath: locator.get("absolute_win32_path")?.replace(/^\\\\\?\\/, "") ?? null };
}
