import type { ImageChange } from "./image-record.ts";
import { CONTAINER_FORMATS, DISK_FORMATS, VISIBILITIES } from "./image-record.ts";
import { imageLimit, notSchema } from "./refusals.ts";

/** Base attributes that clients may set, by Glance's names: how each is checked and in which column it lies. */

const NAME_MAX = 255;
const TAG_MAX = 255;
/** Glance's default `image_tag_quota`. */
export const TAGS_MAX = 128;
/** Largest value of the store's integer column. */
const INTEGER_MAX = 2_147_483_647;

type Check = (value: unknown) => ImageChange;

export const settableAttributes: Readonly<Record<string, Check>> = {
  name: (value) => ({ name: checkNullableText(value, NAME_MAX) }),
  visibility: (value) => ({ visibility: checkChoice(value, VISIBILITIES) }),
  disk_format: (value) => ({ disk_format: value === null ? null : checkChoice(value, DISK_FORMATS, [null]) }),
  container_format: (value) => ({ container_format: value === null ? null : checkChoice(value, CONTAINER_FORMATS, [null]) }),
  min_ram: (value) => ({ min_ram_mib: checkInteger(value) }),
  min_disk: (value) => ({ min_disk_gib: checkInteger(value) }),
  protected: (value) => ({ protected: checkBoolean(value) }),
  os_hidden: (value) => ({ hidden: checkBoolean(value) }),
  tags: (value) => ({ tags: JSON.stringify(checkTags(value)) }),
  owner: (value) => ({ owner: checkText(value, NAME_MAX) }),
};

/** What the service itself says about an image. */
export const readOnlyAttributes: ReadonlySet<string> = new Set([
  "id", "status", "size", "virtual_size", "checksum", "os_hash_algo", "os_hash_value", "created_at", "updated_at", "self", "file", "schema", "first", "next", "direct_url", "locations", "stores",
]);

export function checkTag(tag: unknown): string {
  const text = checkText(tag, TAG_MAX);
  if (text === "") throw notSchema("'' is too short");
  return text;
}

export function checkTagCount(count: number): void {
  if (count > TAGS_MAX) throw imageLimit(`The limit has been exceeded on the number of allowed image tags. Attempted: ${count}, Maximum: ${TAGS_MAX}`);
}

function checkTags(value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw notType(value, "array");
  const tags = [...new Set((value as unknown[]).map(checkTag))];
  checkTagCount(tags.length);
  return tags;
}

function checkText(value: unknown, lengthMax: number): string {
  if (typeof value !== "string") throw notType(value, "string");
  if (value.length > lengthMax) throw notSchema(`${JSON.stringify(value)} is too long`);
  return value;
}

function checkNullableText(value: unknown, lengthMax: number): string | null {
  return value === null ? null : checkText(value, lengthMax);
}

function checkChoice<Choice extends string>(value: unknown, choices: readonly Choice[], also: readonly null[] = []): Choice {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw notSchema(`${JSON.stringify(value)} is not one of ${JSON.stringify([...also, ...choices])}`);
  return found;
}

function checkInteger(value: unknown): number {
  if (typeof value !== "number" || !Number.isInteger(value)) throw notType(value, "integer");
  if (value < 0) throw notSchema(`${value} is less than the minimum of 0`);
  if (value > INTEGER_MAX) throw notSchema(`${value} is greater than the maximum of ${INTEGER_MAX}`);
  return value;
}

function checkBoolean(value: unknown): boolean {
  if (typeof value !== "boolean") throw notType(value, "boolean");
  return value;
}

function notType(value: unknown, type: string): Error {
  return notSchema(`${JSON.stringify(value)} is not of type '${type}'`);
}
