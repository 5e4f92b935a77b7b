import type { ByteSource } from "../byte-source.ts";
import { crc32c, crcWithoutField } from "../crc32.ts";
import { DiskImageError } from "../disk-image-error.ts";
import { Fields, isPowerOfTwo } from "../fields.ts";
import { requireInside } from "../memory-source.ts";
import { type VhdxLogPlace } from "./vhdx-log.ts";

/** The current header (MS-VHDX 2.2.2). */
export interface VhdxHeader {
  readonly dataWriteGuid: string;
  readonly log: VhdxLogPlace;
}

/** A stretch of the file. */
export interface VhdxRegion {
  readonly offset: number;
  readonly sizeBytes: number;
}

export interface VhdxRegions {
  readonly blockTable: VhdxRegion;
  readonly metadata: VhdxRegion;
}

export interface VhdxParameters {
  readonly blockSizeBytes: number;
  readonly isFixed: boolean;
  readonly hasParent: boolean;
  readonly virtualSizeBytes: number;
  readonly sectorSizeBytes: number;
  /** What the parent locator says; empty without one. */
  readonly parent: VhdxParentLocator;
}

export interface VhdxParentLocator {
  /** The DataWriteGuids that are accepted. */
  readonly linkage: readonly string[];
  /** Only to be shown: whoever made the file wrote it. */
  readonly name: string | null;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const HEADER_OFFSETS = [64 * KIB, 128 * KIB] as const;
const HEADER_BYTES = 4 * KIB;
const REGION_TABLE_OFFSETS = [192 * KIB, 256 * KIB] as const;
const REGION_TABLE_BYTES = 64 * KIB;
/** MS-VHDX 2.2.3.1. */
const REGION_ENTRIES_MAX = 2047;
/** MS-VHDX 2.6.1.1: the table of items is 64 KiB, its items behind it take at most 1 MiB. */
const METADATA_TABLE_BYTES = 64 * KIB;
const METADATA_ENTRIES_MAX = 2047;
const METADATA_ITEM_BYTES_MAX = MIB;
/** MS-VHDX 2.6.2.2. */
const VIRTUAL_SIZE_BYTES_MAX = 64 * 1024 ** 4;
const BLOCK_TABLE_REGION = "2dc27766-f623-4200-9d64-115e9bfd4a08";
const METADATA_REGION = "8b7ca206-4790-4b9a-b8fe-575f050f886e";
const ITEMS = {
  fileParameters: "caa16737-fa36-4d43-b3b6-33f0aa44e76b",
  virtualDiskSize: "2fa54224-cd1b-4876-b211-5dbed83bf4b8",
  page83: "beca12ab-b2e6-4523-93ef-c309e000c746",
  logicalSectorSize: "8141bf1d-a96f-4709-ba47-f233a8faab5f",
  physicalSectorSize: "cda348c7-445d-4471-9cc9-e9885251c556",
  parentLocator: "a8d35f2d-b30b-454d-abf7-d3d84834ab0c",
} as const;
const knownItems: ReadonlySet<string> = new Set(Object.values(ITEMS));

const damaged = (code: "DI-VHDX-HEADER" | "DI-VHDX-REGION" | "DI-VHDX-METADATA", what: string): DiskImageError => new DiskImageError(code, `The VHDX cannot be read: ${what}. Copy the file again or convert its source anew.`);

/** Takes the valid header with the higher sequence number; a blank or torn one beside it does no harm. */
export async function readVhdxHeader(source: ByteSource): Promise<VhdxHeader> {
  let current: { sequence: bigint; fields: Fields } | null = null;
  for (const offset of HEADER_OFFSETS) {
    if (offset + HEADER_BYTES > source.sizeBytes) continue;
    const fields = new Fields(await source.read(offset, HEADER_BYTES));
    if (fields.text(0, 4) !== "head" || crcWithoutField(crc32c, fields.bytes, 4) !== fields.u32(4)) continue;
    const sequence = fields.u64Exact(8);
    if (current === null || sequence > current.sequence) current = { sequence, fields };
  }
  if (current === null) throw damaged("DI-VHDX-HEADER", "neither of its two headers has a right checksum");
  const { fields } = current;
  if (fields.u16(66) !== 1) throw damaged("DI-VHDX-HEADER", `its version is ${fields.u16(66)}, and only version 1 is known`);
  return { dataWriteGuid: fields.guid(32), log: { guid: fields.guid(48), sizeBytes: fields.u32(68), offset: fields.u64(72) } };
}

export async function readVhdxRegions(source: ByteSource): Promise<VhdxRegions> {
  for (const offset of REGION_TABLE_OFFSETS) {
    if (offset + REGION_TABLE_BYTES > source.sizeBytes) continue;
    const fields = new Fields(await source.read(offset, REGION_TABLE_BYTES));
    if (fields.text(0, 4) !== "regi" || crcWithoutField(crc32c, fields.bytes, 4) !== fields.u32(4)) continue;
    return regionsOf(fields, source.sizeBytes);
  }
  throw damaged("DI-VHDX-REGION", "neither of its two region tables has a right checksum");
}

function regionsOf(fields: Fields, fileSizeBytes: number): VhdxRegions {
  const count = fields.u32(8);
  if (count > REGION_ENTRIES_MAX) throw damaged("DI-VHDX-REGION", `its region table claims ${count} entries`);
  const found = new Map<string, { offset: number; sizeBytes: number }>();
  for (let index = 0; index < count; index += 1) {
    const entry = 16 + index * 32;
    const guid = fields.guid(entry);
    const isRequired = (fields.u32(entry + 28) & 1) === 1;
    if (guid !== BLOCK_TABLE_REGION && guid !== METADATA_REGION) {
      if (isRequired) throw damaged("DI-VHDX-REGION", `it needs the region ${guid}, which is unknown`);
      continue;
    }
    if (found.has(guid)) throw damaged("DI-VHDX-REGION", `its region table names the region ${guid} twice`);
    found.set(guid, { offset: fields.u64(entry + 16), sizeBytes: fields.u32(entry + 24) });
  }
  const blockTable = found.get(BLOCK_TABLE_REGION);
  const metadata = found.get(METADATA_REGION);
  if (blockTable === undefined || metadata === undefined) throw damaged("DI-VHDX-REGION", "its region table lacks the block table or the metadata");
  for (const { offset, sizeBytes } of [blockTable, metadata]) {
    if (offset < MIB || offset % MIB !== 0 || sizeBytes === 0) throw damaged("DI-VHDX-REGION", `a region of ${sizeBytes} bytes at ${offset} is not allowed`);
    requireInside(fileSizeBytes, offset, sizeBytes);
  }
  if (overlap(blockTable, metadata)) throw damaged("DI-VHDX-REGION", "its block table and its metadata overlap");
  return { blockTable, metadata };
}

export const overlap = (one: VhdxRegion, other: VhdxRegion): boolean => one.offset < other.offset + other.sizeBytes && other.offset < one.offset + one.sizeBytes;

export async function readVhdxParameters(source: ByteSource, region: VhdxRegions["metadata"]): Promise<VhdxParameters> {
  if (region.sizeBytes < METADATA_TABLE_BYTES) throw damaged("DI-VHDX-METADATA", `its metadata has only ${region.sizeBytes} bytes`);
  const head = new Fields(await source.read(region.offset, 32));
  const count = head.u16(10);
  if (head.text(0, 8) !== "metadata" || count > METADATA_ENTRIES_MAX) throw damaged("DI-VHDX-METADATA", "its metadata table is not one");
  const table = new Fields(await source.read(region.offset + 32, count * 32));
  const items = new Map<string, { offset: number; sizeBytes: number }>();
  for (let index = 0; index < count; index += 1) {
    const guid = table.guid(index * 32);
    const item = { offset: table.u32(index * 32 + 16), sizeBytes: table.u32(index * 32 + 20) };
    const isRequired = (table.u32(index * 32 + 24) & 4) !== 0;
    if (!knownItems.has(guid)) {
      if (isRequired) throw damaged("DI-VHDX-METADATA", `it needs the metadata item ${guid}, which is unknown`);
      continue;
    }
    if (item.sizeBytes > METADATA_ITEM_BYTES_MAX || item.offset + item.sizeBytes > region.sizeBytes) throw damaged("DI-VHDX-METADATA", `the metadata item ${guid} leaves its region`);
    items.set(guid, item);
  }
  const read = async (guid: string, sizeBytes: number): Promise<Fields> => {
    const item = items.get(guid);
    if (item === undefined || item.sizeBytes < sizeBytes) throw damaged("DI-VHDX-METADATA", `the metadata item ${guid} is missing or too short`);
    return new Fields(await source.read(region.offset + item.offset, item.sizeBytes));
  };
  const parameters = await read(ITEMS.fileParameters, 8);
  const hasParent = (parameters.u32(4) & 2) !== 0;
  return validated({
    blockSizeBytes: parameters.u32(0),
    isFixed: (parameters.u32(4) & 1) !== 0,
    hasParent,
    virtualSizeBytes: (await read(ITEMS.virtualDiskSize, 8)).u64(0),
    sectorSizeBytes: (await read(ITEMS.logicalSectorSize, 4)).u32(0),
    parent: hasParent ? readLocator(await read(ITEMS.parentLocator, 20)) : { linkage: [], name: null },
  });
}

function validated(parameters: VhdxParameters): VhdxParameters {
  const { blockSizeBytes, sectorSizeBytes, virtualSizeBytes } = parameters;
  if (!isPowerOfTwo(blockSizeBytes) || blockSizeBytes < MIB || blockSizeBytes > 256 * MIB) throw damaged("DI-VHDX-METADATA", `its block size is ${blockSizeBytes} bytes`);
  if (sectorSizeBytes !== 512 && sectorSizeBytes !== 4096) throw damaged("DI-VHDX-METADATA", `its logical sector size is ${sectorSizeBytes} bytes`);
  if (virtualSizeBytes === 0 || virtualSizeBytes > VIRTUAL_SIZE_BYTES_MAX || virtualSizeBytes % sectorSizeBytes !== 0) throw damaged("DI-VHDX-METADATA", `its virtual size is ${virtualSizeBytes} bytes`);
  return parameters;
}

/** The keys are few; what is longer than any path is none. */
const LOCATOR_ENTRIES_MAX = 64;
const LOCATOR_TEXT_BYTES_MAX = 64 * KIB;
const PATH_KEYS = ["relative_path", "absolute_win32_path", "volume_path"] as const;

/** Key and value pairs (MS-VHDX 2.6.2.6). The paths are for messages alone. */
function readLocator(locator: Fields): VhdxParentLocator {
  const count = Math.min(locator.u16(18), LOCATOR_ENTRIES_MAX);
  const values = new Map<string, string>();
  for (let index = 0; index < count && 20 + (index + 1) * 12 <= locator.bytes.length; index += 1) {
    const entry = 20 + index * 12;
    const text = (offset: number, sizeBytes: number): string => new TextDecoder("utf-16le").decode(locator.bytes.subarray(offset, offset + Math.min(sizeBytes, LOCATOR_TEXT_BYTES_MAX)));
    values.set(text(locator.u32(entry), locator.u16(entry + 8)), text(locator.u32(entry + 4), locator.u16(entry + 10)));
  }
  const linkage = ["parent_linkage", "parent_linkage2"].flatMap((key) => values.get(key)?.toLowerCase().replace(/^\{|\}$/g, "") ?? []);
  const path = PATH_KEYS.find((key) => values.has(key));
  return { linkage, name: path === undefined ? null : (values.get(path) ?? null) };
}
