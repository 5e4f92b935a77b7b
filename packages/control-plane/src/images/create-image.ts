import { randomUUID } from "node:crypto";
import type { Caller } from "../api/http/session.ts";
import type { Store } from "../store/database.ts";
import { isUniqueViolation } from "../store/violations.ts";
import { readOnlyAttributes, settableAttributes } from "./attributes.ts";
import type { ImageRecord, NewImage } from "./image-record.ts";
import { checkProperty, checkPropertyCount } from "./properties.ts";
import { conflictingImage, forbiddenImage, notSchema } from "./refusals.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Registers an image without data (`POST /v2/images`). Throws a `Refusal` in Glance's words. */
export async function createImage(store: Store, caller: Caller, body: Readonly<Record<string, unknown>>): Promise<ImageRecord> {
  if (!caller.isAdmin && !caller.roles.includes("member")) throw forbiddenImage("You are not authorized to complete add_image action.");
  const image: NewImage = { id: randomUUID(), owner: caller.projectId };
  const properties: Record<string, string> = {};
  for (const [name, value] of Object.entries(body)) {
    if (name === "id") image.id = checkId(value);
    else if (readOnlyAttributes.has(name)) throw forbiddenImage(`Attribute '${name}' is read-only.`);
    else if (settableAttributes[name] !== undefined) Object.assign(image, settableAttributes[name](value));
    else {
      checkProperty(name, value);
      properties[name] = value;
    }
  }
  checkPropertyCount(Object.keys(properties).length);
  requireOwnerRights(caller, image.owner, image.visibility);
  try {
    return await store.insertInto("images").values({ ...image, properties: JSON.stringify(properties) }).returningAll().executeTakeFirstOrThrow();
  } catch (error) {
    throw isUniqueViolation(error) ? conflictingImage(`Image ID ${image.id} already exists!`) : error;
  }
}

/** Only administrators give images away or show them to everybody. */
export function requireOwnerRights(caller: Caller, owner: string, visibility: string | undefined): void {
  if (caller.isAdmin) return;
  if (owner !== caller.projectId) throw forbiddenImage(`You are not permitted to create images owned by '${owner}'.`);
  if (visibility === "public") throw forbiddenImage("You are not authorized to complete publicize_image action.");
}

function checkId(value: unknown): string {
  if (typeof value !== "string" || !UUID.test(value)) throw notSchema(`${JSON.stringify(value)} does not match '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$'`);
  return value.toLowerCase();
}
