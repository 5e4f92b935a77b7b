import { deflateRawSync, gzipSync, zstdCompressSync } from "node:zlib";
import { compressWith, mixedBytes } from "./compressed-recipe.ts";
import { buildGptDisk, buildMbrDisk } from "./disk-recipe.ts";
import { buildFat } from "./fat-recipe.ts";
import { buildIso } from "./iso-recipe.ts";
import type { Checksum, Sample, Stretch } from "./mutation-recipe.ts";
import { buildParallels, buildQcow, buildQed } from "./older-formats-recipe.ts";
import { buildQcow2, qcow2TailOffset } from "./qcow2-recipe.ts";
import { buildVdi } from "./vdi-recipe.ts";
import { buildVhd } from "./vhd-recipe.ts";
import { buildVhdx, vhdxBlockOffset } from "./vhdx-recipe.ts";
import { buildCowd, buildVmdk } from "./vmdk-recipe.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const files = { "EFI/BOOT/BOOTX64.EFI": mixedBytes(9000, 1), "EFI/debian/grub-configuration.cfg": Buffer.from("set timeout=0\n") };
const fat = (kind: "fat12" | "fat16" | "fat32"): Buffer => buildFat({ kind, files, hasLongNames: true });
/** Small, so that many changed copies can be read in little time. */
const disk = buildGptDisk({ partitions: [{ content: buildFat({ kind: "fat12", files, hasLongNames: true, clusters: 400 }) }, { content: mixedBytes(8 * KIB, 2) }] });
const stretch = (offset: number, length: number): Stretch => ({ offset, length });

const COMPRESSED = 1n << 62n;

/** A header of 112 bytes with extensions, an L1 table and an L2 table. */
const qcow2Stretches = (clusterBytes: number, entryBytes: number, clusters: number): readonly Stretch[] => [stretch(0, 160), stretch(0, 112), stretch(3 * clusterBytes, 16), stretch(4 * clusterBytes, clusters * entryBytes)];

function qcow2Samples(): readonly Sample[] {
  const clusterBytes = 64 * KIB;
  const clusters = Math.ceil(disk.length / clusterBytes);
  const stored = Array.from({ length: clusters }, (_, index) => disk.subarray(index * clusterBytes, (index + 1) * clusterBytes)).filter((bytes) => bytes.some((byte) => byte !== 0)).length;
  const first = Buffer.alloc(clusterBytes);
  first.set(disk.subarray(0, clusterBytes));
  const compressed = (compressionType: 0 | 1): Sample => {
    const tail = compressionType === 0 ? deflateRawSync(first) : zstdCompressSync(first);
    const offset = qcow2TailOffset(stored);
    const sectors = BigInt(Math.ceil(tail.length / 512));
    const bytes = buildQcow2({ content: disk, compressionType, incompatible: compressionType === 1 ? 8n : 0n, entries: { 0: COMPRESSED | (sectors << 54n) | BigInt(offset) }, tail });
    return { name: `qcow2 with a cluster compressed by ${compressionType === 0 ? "zlib" : "zstd"}`, bytes, stretches: [...qcow2Stretches(clusterBytes, 8, clusters), stretch(offset, tail.length), stretch(offset, 64)] };
  };
  return [
    { name: "qcow2 of small clusters", bytes: buildQcow2({ content: disk, clusterBits: 9, version: 2 }), stretches: qcow2Stretches(512, 8, 512) },
    compressed(0),
    compressed(1),
    { name: "qcow2 with subclusters, over a backing file", bytes: buildQcow2({ content: disk, hasSubclusters: true, incompatible: 16n, backing: { name: "base.qcow2", format: "qcow2" } }), stretches: qcow2Stretches(clusterBytes, 16, clusters), parents: [buildQcow2({ content: disk })] },
  ];
}

function vhdxSamples(): readonly Sample[] {
  const region = (at: number): Checksum => ({ kind: "crc32c", at: at + 4, offset: at, length: 64 * KIB });
  const header = (at: number): Checksum => ({ kind: "crc32c", at: at + 4, offset: at, length: 4 * KIB });
  const log: Checksum = { kind: "crc32c", at: MIB + 4, offset: MIB, length: 8 * KIB };
  const stretches = [stretch(64 * KIB, 80), stretch(128 * KIB, 80), stretch(192 * KIB, 80), stretch(256 * KIB, 80), stretch(MIB, 128), stretch(MIB + 4096, 4096), stretch(2 * MIB, 200), stretch(2 * MIB + 64 * KIB, 200), stretch(3 * MIB, 32)];
  const identity = "00000000-1111-2222-3333-444444444444";
  const parent = { identity, ownSectors: (sector: number): boolean => sector % 3 > 0 };
  return [
    { name: "VHDX with a pending log", bytes: buildVhdx({ content: disk, log: [{ fileOffset: vhdxBlockOffset(0) + 4096, data: disk.subarray(4096, 8192) }] }), stretches, checksums: [header(64 * KIB), header(128 * KIB), region(192 * KIB), region(256 * KIB), log] },
    { name: "VHDX over its parent", bytes: buildVhdx({ content: disk, parent }), stretches, checksums: [header(64 * KIB), header(128 * KIB)], parents: [buildVhdx({ content: disk, identity })] },
  ];
}

function vhdSamples(): readonly Sample[] {
  const checksums: readonly Checksum[] = [{ kind: "vhd", at: 64, offset: 0, length: 512 }, { kind: "vhd", at: 512 + 36, offset: 512, length: 1024 }];
  const identity = "0a".repeat(16);
  const parent = { identity, name: "parent.vhd", ownSectors: (sector: number): boolean => sector % 3 > 0 };
  const sample = (name: string, bytes: Buffer, parents: readonly Buffer[]): Sample => {
    const end = bytes.length - 512;
    return { name, bytes, stretches: [stretch(0, 88), stretch(512, 64), stretch(1536, 16), stretch(end, 88), stretch(2048, 512)], checksums: [...checksums, { kind: "vhd", at: end + 64, offset: end, length: 512 }], parents };
  };
  return [sample("VHD, dynamic", buildVhd({ content: disk, kind: "dynamic" }), []), sample("VHD over its parent", buildVhd({ content: disk, kind: "differencing", parent }), [buildVhd({ content: disk, kind: "dynamic", identity })])];
}

function vmdkSamples(): readonly Sample[] {
  const content = disk.subarray(0, 256 * KIB);
  const sparse = buildVmdk({ content, parent: { contentId: "cafe0001", name: "base.vmdk" } });
  const stream = buildVmdk({ content, isStream: true });
  const cowd = buildCowd(content, 8);
  return [
    { name: "VMDK over its parent", bytes: sparse, stretches: [stretch(0, 80), stretch(512, 400), stretch(sparse.length - 1024, 520), stretch(sparse.length - 2560, 32)], parents: [buildVmdk({ content, contentId: "cafe0001" })] },
    { name: "VMDK as a stream", bytes: stream, stretches: [stretch(0, 80), stretch(21 * 512, 200), stretch(stream.length - 1536, 1536), stretch(stream.length - 2048, 8), stretch(stream.length - 4096, 32)] },
    { name: "VMDK of an ESX snapshot", bytes: cowd, stretches: [stretch(0, 32), stretch(2048, 8), stretch(2560, 512)] },
  ];
}

function compressedSamples(): readonly Sample[] {
  const gzip = gzipSync(disk);
  const zstd = zstdCompressSync(disk);
  const whole = (name: string, bytes: Buffer, checksums: readonly Checksum[] = []): Sample => ({ name, bytes, stretches: [stretch(0, 64), stretch(0, bytes.length), stretch(bytes.length - 40, 40)], checksums });
  const samples = [whole("gzip", gzip), whole("gzip with fixed codes", gzipSync(disk, { strategy: 4 })), whole("zstd", zstd), whole("zstd of two frames", Buffer.concat([zstd, zstd]))];
  const xz = compressWith("xz", ["-T1", "--block-size=131072"], disk);
  if (xz === null) return samples;
  const indexBytes = (xz.readUInt32LE(xz.length - 8) + 1) * 4;
  const index = xz.length - 12 - indexBytes;
  const headBytes = (xz.readUInt8(12) + 1) * 4;
  const checksums: readonly Checksum[] = [
    { kind: "crc32", at: 8, offset: 6, length: 2 },
    { kind: "crc32", at: 12 + headBytes - 4, offset: 12, length: headBytes - 4 },
    { kind: "crc32", at: xz.length - 16, offset: index, length: indexBytes - 4 },
    { kind: "crc32", at: xz.length - 12, offset: xz.length - 8, length: 6 },
  ];
  return [...samples, { ...whole("xz", xz, checksums), stretches: [stretch(12, headBytes + 40), stretch(index, indexBytes + 12), stretch(0, xz.length)] }];
}

function diskSamples(): readonly Sample[] {
  const gpt = (at: number): readonly Checksum[] => [{ kind: "crc32", at: at + 88, offset: disk.readUInt32LE(at + 72) * 512, length: 128 * 128 }, { kind: "crc32", at: at + 16, offset: at, length: 92 }];
  const boot = stretch(34 * 512, 64);
  const volume = (kind: "fat12" | "fat16" | "fat32", tableBytes: number): Sample => {
    const bytes = fat(kind);
    const reserved = bytes.readUInt16LE(14) * 512;
    const tables = (bytes.readUInt16LE(22) || bytes.readUInt32LE(36)) * 2 * 512;
    return { name: kind.toUpperCase(), bytes, stretches: [stretch(0, 64), stretch(reserved, tableBytes), stretch(reserved + tables, 16 * KIB)] };
  };
  const extended = Buffer.alloc(32 * 512);
  extended.writeUInt8(0x0c, 446 + 4);
  extended.writeUInt32LE(4, 446 + 8);
  extended.writeUInt32LE(8, 446 + 12);
  extended.writeUInt16LE(0xaa55, 510);
  const mbr = buildMbrDisk([{ type: 0xef, content: fat("fat12") }, { type: 0x05, content: extended }]);
  const iso = buildIso({ entries: [{ image: Buffer.alloc(2048) }], sections: [{ platform: 0xef, entries: [{ image: fat("fat12") }] }] });
  return [
    { name: "GPT", bytes: disk, stretches: [stretch(446, 66), stretch(512, 92), stretch(1024, 256), stretch(disk.length - 512, 92), boot], checksums: [...gpt(512), ...gpt(disk.length - 512)] },
    { name: "boot record with an extended partition", bytes: mbr, stretches: [stretch(446, 66), stretch(mbr.length - 33 * 512 + 446, 66)] },
    { name: "ISO image", bytes: iso, stretches: [stretch(16 * 2048, 200), stretch(17 * 2048, 80), stretch(19 * 2048, 160)], checksums: [{ kind: "el-torito", at: 19 * 2048 + 28, offset: 19 * 2048, length: 32 }] },
    volume("fat12", 64),
    volume("fat16", 64),
    volume("fat32", 128),
  ];
}

function olderSamples(): readonly Sample[] {
  const tables = [stretch(0, 64), stretch(64, 400), stretch(1024, 16), stretch(4096, 512), stretch(8192, 400)];
  return [
    { name: "qcow, compressed, over a backing file", bytes: buildQcow(disk, { isCompressed: true, backing: "base" }), stretches: tables, parents: [disk] },
    { name: "QED", bytes: buildQed(disk), stretches: tables },
    { name: "Parallels", bytes: buildParallels(disk), stretches: tables.slice(0, 2) },
  ];
}

/** A valid image of every format that is read, with the places where its structure lies. */
export function fuzzSamples(): readonly Sample[] {
  const vdi = buildVdi({ content: disk, kind: "dynamic" });
  return [...diskSamples(), ...qcow2Samples(), ...vhdxSamples(), ...vhdSamples(), ...vmdkSamples(), ...olderSamples(), { name: "VDI", bytes: vdi, stretches: [stretch(0x40, 0x190), stretch(512, 8)] }, ...compressedSamples()];
}
