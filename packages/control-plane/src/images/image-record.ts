import type { Insertable, Selectable, Updateable } from "kysely";
import type { ImageTable } from "../store/tables/images.ts";

/** An image as the store holds it. */
export type ImageRecord = Selectable<ImageTable>;
export type NewImage = Insertable<ImageTable>;
export type ImageChange = Updateable<ImageTable>;

/** Formats that a client may declare (Glance's default lists). The data is never refused for not being what was declared. */
export const DISK_FORMATS = ["ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"] as const;
export const CONTAINER_FORMATS = ["ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"] as const;
export const VISIBILITIES = ["community", "public", "private", "shared"] as const;

/** `os_secure_boot_signature` in force, stated or found in the data; null when neither. */
export function signatureOf(image: ImageRecord): { readonly value: string; readonly source: "stated" | "derived"; readonly contradiction: string | null } | null {
  const stated = image.properties["os_secure_boot_signature"];
  if (stated !== undefined) return { value: stated, source: "stated", contradiction: image.signature_contradiction };
  return image.derived_signature === null ? null : { value: image.derived_signature, source: "derived", contradiction: null };
}
