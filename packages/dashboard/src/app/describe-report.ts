import type { ImageReport } from "@signet/secure-boot";
import { FAMILIES, formatDiskFormat, formatSize } from "./wording.ts";

/** One line about an image: "VHDX · 10 GiB · GPT · ESP on partition 1, FAT32 · Generation 2 · Linux". */
export function describeReport({ format, layout, boot, family }: ImageReport): string {
  return [
    formatDiskFormat(format.detected),
    formatSize(format.virtualSizeBytes),
    layout.partitioning.toUpperCase(),
    layout.espIndex === null ? null : `ESP on partition ${layout.espIndex}${layout.filesystem === null ? "" : `, ${layout.filesystem.toUpperCase()}`}`,
    boot.generation === null ? null : `Generation ${boot.generation}`,
    FAMILIES[family],
  ]
    .filter(Boolean)
    .join(" · ");
}
