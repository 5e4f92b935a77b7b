import { type ImageRecord, signatureOf } from "../../images/image-record.ts";
import { noDiskReason } from "../../no-disk-reason.ts";

/** An image as Glance shows it: additional properties at the top level, paths without host, times in whole seconds. What we found in the data stands beside it as `signet_…`. */
export function representImage(image: ImageRecord): Record<string, unknown> {
  return {
    ...image.properties,
    ...representFindings(image),
    name: image.name,
    disk_format: image.disk_format,
    container_format: image.container_format,
    visibility: image.visibility,
    size: image.size_bytes,
    virtual_size: image.virtual_size_bytes,
    status: image.status,
    checksum: image.md5,
    protected: image.protected,
    min_ram: image.min_ram_mib,
    min_disk: image.min_disk_gib,
    owner: image.owner,
    os_hidden: image.hidden,
    os_hash_algo: image.sha512 === null ? null : "sha512",
    os_hash_value: image.sha512,
    id: image.id,
    created_at: imageTime(image.created_at),
    updated_at: imageTime(image.updated_at),
    tags: image.tags,
    self: `/v2/images/${image.id}`,
    file: `/v2/images/${image.id}/file`,
    schema: "/v2/schemas/image",
    ...(image.file_name === null ? {} : { stores: "file" }),
  };
}

export function imageTime(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

function representFindings(image: ImageRecord): Record<string, string> {
  const signature = signatureOf(image);
  const findings: Record<string, string> = {};
  if (image.detected_format !== null) findings["signet_detected_format"] = image.detected_format;
  const noDisk = noDiskReason(image.report);
  // Uploads are not refused for what they hold; that nothing boots from it is said at once.
  if (noDisk !== null) findings["signet_problem"] = noDisk.text;
  if (signature?.source === "derived") {
    findings["os_secure_boot_signature"] = signature.value;
    findings["signet_signature_source"] = "derived";
  }
  if (signature !== null && signature.contradiction !== null) findings["signet_signature_contradiction"] = signature.contradiction;
  return findings;
}
