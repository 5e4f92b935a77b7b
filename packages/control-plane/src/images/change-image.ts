import { matchSignatureClaim } from "@signet/secure-boot";
import type { Caller } from "../api/http/session.ts";
import type { Store } from "../store/database.ts";
import { checkTag, checkTagCount, readOnlyAttributes, settableAttributes } from "./attributes.ts";
import { requireOwnerRights } from "./create-image.ts";
import type { ImageChange, ImageRecord } from "./image-record.ts";
import { checkProperty, checkPropertyCount } from "./properties.ts";
import { conflictingImage, forbiddenImage, imageNotFound, invalidImage } from "./refusals.ts";
import { findImage, requireWriter } from "./visibility.ts";

/** One step of a JSON patch on an image: a name at the top level, never deeper. */
export type PatchStep = { readonly op: "add" | "replace"; readonly name: string; readonly value: unknown } | { readonly op: "remove"; readonly name: string };

/** Applies all steps or none (`PATCH /v2/images/{id}`). Throws a `Refusal` in Glance's words. */
export async function changeImage(store: Store, caller: Caller, idOrName: string, steps: readonly PatchStep[]): Promise<ImageRecord> {
  return changeLocked(store, caller, idOrName, "modify_image", (image) => {
    const change: ImageChange = {};
    const properties: Record<string, string> = { ...image.properties };
    for (const step of steps) applyStep(image, change, properties, step);
    checkPropertyCount(Object.keys(properties).length);
    if (change.owner !== undefined && change.owner !== image.owner && !caller.isAdmin) throw forbiddenImage("Owner can't be updated by non admin.");
    requireOwnerRights(caller, caller.projectId, change.visibility === image.visibility ? undefined : change.visibility);
    const stated = properties["os_secure_boot_signature"];
    return {
      ...change,
      properties: JSON.stringify(properties),
      signature_contradiction: stated === undefined || image.report === null ? null : matchSignatureClaim(stated, image.report).contradiction,
    };
  });
}

export async function addTag(store: Store, caller: Caller, idOrName: string, tag: string): Promise<void> {
  checkTag(tag);
  await changeLocked(store, caller, idOrName, "modify_image", (image) => {
    const tags = [...new Set([...image.tags, tag])];
    checkTagCount(tags.length);
    return { tags: JSON.stringify(tags) };
  });
}

export async function removeTag(store: Store, caller: Caller, idOrName: string, tag: string): Promise<void> {
  await changeLocked(store, caller, idOrName, "modify_image", (image) => {
    if (!image.tags.includes(tag)) throw imageNotFound(`${image.id} with the tag ${tag}`);
    return { tags: JSON.stringify(image.tags.filter((known) => known !== tag)) };
  });
}

/** Closes an active image's data to everybody but administrators, or opens it again. Both may be repeated. */
export async function setDeactivated(store: Store, caller: Caller, idOrName: string, deactivated: boolean): Promise<void> {
  const [action, to] = deactivated ? (["deactivate", "deactivated"] as const) : (["reactivate", "active"] as const);
  await changeLocked(store, caller, idOrName, action, (image) => {
    if (image.status !== "active" && image.status !== "deactivated") throw forbiddenImage(`Not allowed to ${action} image in status '${image.status}'`);
    return { status: to };
  });
}

/** Removes the image and says which file is to go with it. */
export async function deleteImage(store: Store, caller: Caller, idOrName: string): Promise<{ readonly fileName: string | null }> {
  const image = await findImage(store, caller, idOrName);
  requireWriter(caller, image, "delete_image");
  if (image.protected) throw forbiddenImage(`Image ${image.id} is protected and cannot be deleted.`);
  const deleted = await store.deleteFrom("images").where("id", "=", image.id).where("protected", "=", false).returning("file_name").executeTakeFirst();
  if (deleted === undefined) throw imageNotFound(idOrName);
  return { fileName: deleted.file_name };
}

/** Reads the image under a lock of its row, so that two changes at once do not undo each other. */
async function changeLocked(store: Store, caller: Caller, idOrName: string, action: string, decide: (image: ImageRecord) => ImageChange): Promise<ImageRecord> {
  const found = await findImage(store, caller, idOrName);
  return store.transaction().execute(async (transaction) => {
    const image = await transaction.selectFrom("images").selectAll().where("id", "=", found.id).forUpdate().executeTakeFirst();
    if (image === undefined) throw imageNotFound(idOrName);
    requireWriter(caller, image, action);
    return transaction.updateTable("images").set({ ...decide(image), updated_at: new Date() }).where("id", "=", image.id).returningAll().executeTakeFirstOrThrow();
  });
}

function applyStep(image: ImageRecord, change: ImageChange, properties: Record<string, string>, step: PatchStep): void {
  const { name } = step;
  if (readOnlyAttributes.has(name)) throw forbiddenImage(`Attribute '${name}' is read-only.`);
  const attribute = settableAttributes[name];
  if (attribute !== undefined) {
    if (step.op === "remove") throw forbiddenImage(`Property ${name} may not be removed.`);
    if ((name === "disk_format" || name === "container_format") && image.status !== "queued") throw forbiddenImage(`Attribute ${name} can be only replaced for a queued image.`);
    Object.assign(change, attribute(step.value));
    return;
  }
  const isDerived = name === "os_secure_boot_signature" && properties[name] === undefined && image.derived_signature !== null;
  if (step.op !== "add" && properties[name] === undefined && !isDerived) throw conflictingImage(`Property ${name} does not exist.`);
  if (step.op === "remove") {
    if (isDerived) throw invalidImage(`Nobody stated ${name}: its value was found in the image's data.`, "State another value if this one is wrong.");
    delete properties[name];
    return;
  }
  checkProperty(name, step.value);
  properties[name] = step.value;
}
