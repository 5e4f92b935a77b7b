import type { ImageReport, Outcome } from "@signet/secure-boot";
import type { ColumnType, Generated } from "kysely";

type Json<Value> = ColumnType<Value, string | undefined, string>;
type NullableJson<Value> = ColumnType<Value | null, string | null | undefined, string | null>;
type Bytes = ColumnType<number | null, number | null | undefined, number | null>;

export type ImageStatus = "queued" | "saving" | "active" | "deactivated";
export type ImageVisibility = "public" | "private" | "shared" | "community";

export interface ImageTable {
  id: string;
  name: string | null;
  owner: string;
  visibility: ColumnType<ImageVisibility, ImageVisibility | undefined, ImageVisibility>;
  status: ColumnType<ImageStatus, ImageStatus | undefined, ImageStatus>;
  /** As declared by the client; what the data is stands in `detected_format`. */
  disk_format: string | null;
  container_format: string | null;
  min_ram_mib: Generated<number>;
  min_disk_gib: Generated<number>;
  protected: Generated<boolean>;
  hidden: Generated<boolean>;
  tags: Json<readonly string[]>;
  properties: Json<Record<string, string>>;
  size_bytes: Bytes;
  virtual_size_bytes: Bytes;
  md5: string | null;
  sha256: string | null;
  sha512: string | null;
  /** Name of the file below the image folder; null without data. */
  file_name: string | null;
  /** The one upload that may end this `saving`, and the node whose disk holds its bytes. */
  upload_id: string | null;
  upload_node: string | null;
  detected_format: string | null;
  report: NullableJson<ImageReport>;
  judged_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
  judged_with: ColumnType<string | null, string | null | undefined, string | null>;
  /** Value of `os_secure_boot_signature` found in the data, for images that state none. */
  derived_signature: string | null;
  /** Why the stated signature cannot be the loader's; null when it can. */
  signature_contradiction: string | null;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
}

/** One row per image and trust state, so that fleets can be asked what they boot under. */
export interface ImageVerdictTable {
  image_id: string;
  trust: string;
  outcome: Outcome;
  stage: string | null;
  serviceable: boolean | null;
  survives_next_revocation: boolean | null;
}

export interface ImageMemberTable {
  image_id: string;
  project_id: string;
  status: ColumnType<"pending" | "accepted" | "rejected", "pending" | undefined, "pending" | "accepted" | "rejected">;
  created_at: Generated<Date>;
  updated_at: Generated<Date>;
}

/** A one-time address for a host to fetch an image from. */
export interface TransferTable {
  token_hash: Buffer;
  image_id: string;
  host_id: string;
  created_at: Generated<Date>;
  expires_at: Date;
}

export interface ImageTables {
  images: ImageTable;
  image_verdicts: ImageVerdictTable;
  image_members: ImageMemberTable;
  image_transfers: TransferTable;
}
