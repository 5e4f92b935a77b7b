import { badSecureBoot, forbiddenImage, imageLimit, notSchema } from "./refusals.ts";

/** Glance's default `image_property_quota`. */
export const PROPERTIES_MAX = 128;
/** Glance keeps property names in a column of this width. */
const NAME_LENGTH_MAX = 255;
/** Glance keeps values as text of up to 64 KiB (MySQL's TEXT). */
const VALUE_LENGTH_MAX = 65_535;

const SECURE_BOOT_VALUES: readonly unknown[] = ["disabled", "optional", "required"];

/** What we tell about an image beside what its owner said. Never stored as properties, never taken from clients. */
export const OWN_PREFIX = "signet_";

/** Checks one additional property. Throws a `Refusal`. */
export function checkProperty(name: string, value: unknown): asserts value is string {
  if (name.startsWith("os_glance_") || name.startsWith(OWN_PREFIX)) throw forbiddenImage(`Attribute '${name}' is reserved.`);
  if (name === "" || name.length > NAME_LENGTH_MAX) throw notSchema(`the property name ${JSON.stringify(name.slice(0, 40))} must have 1 to ${NAME_LENGTH_MAX} characters`);
  if (typeof value !== "string") throw notSchema(`${JSON.stringify(value)} is not of type 'string'`);
  if (value.length > VALUE_LENGTH_MAX) throw notSchema(`the value of ${name} has ${value.length} characters, of at most ${VALUE_LENGTH_MAX}`);
  // Rule 1 of the blueprint: absent means disabled, and there are no other words.
  if (name === "os_secure_boot" && !SECURE_BOOT_VALUES.includes(value)) throw badSecureBoot(value);
}

export function checkPropertyCount(count: number): void {
  if (count > PROPERTIES_MAX) throw imageLimit(`The limit has been exceeded on the number of allowed image properties. Attempted: ${count}, Maximum: ${PROPERTIES_MAX}`);
}
