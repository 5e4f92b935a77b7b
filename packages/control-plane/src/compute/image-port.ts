import type { ImageReport } from "@signet/secure-boot";
import type { HostId, ImageId } from "../ids.ts";
import type { HostImage } from "../ports.ts";

/** An image as the compute service needs it. The image service has an object of this shape. */
export interface BootImage {
  readonly id: ImageId;
  readonly name: string | null;
  readonly status: string;
  /** Additional properties, Glance's names. */
  readonly properties: Readonly<Record<string, string>>;
  /** Container format found in the data, in qemu-img's words; null before there is data. */
  readonly detectedFormat: string | null;
  readonly sizeBytes: number | null;
  readonly virtualSizeBytes: number | null;
  readonly minRamMib: number;
  readonly minDiskGib: number;
  readonly report: ImageReport | null;
  /** `os_secure_boot_signature` in force, stated or derived. */
  readonly signature: { readonly value: string; readonly source: "stated" | "derived"; readonly contradiction: string | null } | null;
}

export interface BootImages {
  /** The image, if the project may boot from it; null otherwise. */
  findForBoot(imageId: string, who: { readonly projectId: string; readonly isAdmin: boolean }): Promise<BootImage | null>;
  /** A short-lived address from which that host can fetch the image's bytes, and what they must be. */
  issueTransfer(imageId: ImageId, hostId: HostId): Promise<Pick<HostImage, "sha256" | "sizeBytes" | "sourceUrl">>;
}
