import { buildGptDisk, buildMbrDisk } from "../../corpus/recipes/disk-recipe.ts";
import { buildFat } from "../../corpus/recipes/fat-recipe.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface GeneratedDisk {
  readonly bytes: Buffer;
  readonly told: readonly string[];
}

const PATHS = ["EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/BOOTX64.EFI", "efi/boot/bootx64.efi", "Efi/Boot/BootX64.efi", "EFI/BOOT/BOOTIA32.EFI", "EFI/BOOT/BOOTX64.EFI/x"] as const;
/** Bytes that are flipped lie in the tables and the first directories, not in the middle of the program. */
const TABLE_BYTES = 40 * 512;

/** A disk around a program. Most are ordinary; some have another layout, and some have bits flipped in their tables. */
export function generateDisk(random: SeededRandom, program: Uint8Array): GeneratedDisk {
  const told: string[] = [];
  const kind = random.chance(0.9) ? random.pick(["fat12", "fat16"] as const) : ("fat32" as const);
  const path = random.chance(0.85) ? PATHS[0] : random.pick(PATHS);
  const hasLongNames = random.chance(0.3);
  const volume = buildFat({ kind, files: { "README.TXT": Buffer.from("generated"), [path]: program }, hasLongNames, sectorsPerCluster: kind === "fat32" ? 1 : random.pick([1, 2, 8]) });
  told.push(`${kind}${path === PATHS[0] ? "" : ` ${path}`}${hasLongNames ? " long names" : ""}`);
  let disk = layOut(random, volume, told);
  if (random.chance(0.12)) {
    const flips = random.between(1, 3);
    disk = Buffer.from(disk);
    for (let count = 0; count < flips; count += 1) {
      const at = random.between(0, Math.min(TABLE_BYTES, disk.length) - 1);
      const bit = random.between(0, 7);
      disk.writeUInt8(disk.readUInt8(at) ^ (1 << bit), at);
      told.push(`bit ${bit} of byte ${at} flipped`);
    }
  }
  return { bytes: disk, told };
}

function layOut(random: SeededRandom, volume: Buffer, told: string[]): Buffer {
  const layout = random.chance(0.7) ? "gpt" : random.pick(["mbr", "none", "gpt other type", "gpt second", "gpt hidden", "mbr other type"] as const);
  told.push(layout);
  switch (layout) {
    case "gpt": return buildGptDisk({ partitions: [{ content: volume }] });
    case "gpt other type": return buildGptDisk({ partitions: [{ content: volume, type: "a2a0d0ebe5b9334487c068b6b72699c7" }] });
    case "gpt second": return buildGptDisk({ partitions: [{ content: Buffer.alloc(512 * 64) }, { content: volume }] });
    case "gpt hidden": return buildGptDisk({ partitions: [{ content: volume, attributes: random.pick([1n, 2n, 4n, 1n << 62n]) }] });
    case "mbr": return buildMbrDisk([{ type: 0xef, content: volume }]);
    case "mbr other type": return buildMbrDisk([{ type: random.pick([0x06, 0x0c, 0x83, 0xee]), content: volume }], random.chance(0.5));
    default: return volume;
  }
}
