import type { BootImage, BootImages } from "../compute/image-port.ts";
import type { ImageId } from "../ids.ts";
import { Refusal } from "../refusal.ts";
import type { Store } from "../store/database.ts";
import { signatureOf } from "./image-record.ts";
import { issueTransfer } from "./transfers.ts";
import { findImage } from "./visibility.ts";

/** Images as the compute service asks for them. `baseUrl` is where hosts reach this service. */
export function bootImages(store: Store, baseUrl: () => Promise<string>): BootImages {
  return {
    async findForBoot(imageId, who) {
      try {
        return describe(await findImage(store, who, imageId));
      } catch (error) {
        if (error instanceof Refusal && error.httpStatus === 404) return null;
        throw error;
      }
    },
    async issueTransfer(imageId, hostId) {
      const { token, sha256, sizeBytes } = await issueTransfer(store, imageId, hostId);
      return { sha256, sizeBytes, sourceUrl: `${await baseUrl()}/signet/v1/transfers/${token}` };
    },
  };
}

function describe(image: Awaited<ReturnType<typeof findImage>>): BootImage {
  return {
    id: image.id as ImageId,
    name: image.name,
    status: image.status,
    properties: image.properties,
    detectedFormat: image.detected_format,
    sizeBytes: image.size_bytes,
    virtualSizeBytes: image.virtual_size_bytes,
    minRamMib: image.min_ram_mib,
    minDiskGib: image.min_disk_gib,
    report: image.report,
    signature: signatureOf(image),
  };
}
