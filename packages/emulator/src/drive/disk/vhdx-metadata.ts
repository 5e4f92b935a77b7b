import { efiGuidBytes, efiGuidText } from "./efi-guid.ts";
import { KIB, MIB, type DiskFile } from "./disk-file.ts";
import { damaged, type Region } from "./vhdx-headers.ts";

/** What the metadata region says of a disk (MS-VHDX 2.6.2). */
export interface VhdxMetadata {
  readonly blockSizeBytes: number;
  /** Every block stays allocated: a fixed disk. */
  readonly fixed: boolean;
  readonly sizeBytes: number;
  readonly logicalSectorBytes: number;
  readonly physicalSectorBytes: number;
  readonly diskId: string;
  /** Keys and values of the parent locator; null without a parent. */
  readonly locator: ReadonlyMap<string, string> | null;
}

const tableBytes = 64 * KIB;
const entriesMax = 2047;
// Items lie behind the table; none that is known comes near this.
const itemBytesMax = MIB - tableBytes;
export const vhdxSizeBytesMax = 64 * 1024 ** 4;
const locatorType = "b04aefb7-d19e-4a81-b789-25b8e9445913";
const isVirtualDisk = 2;
const isRequired = 4;

const items = {
  fileParameters: { id: "caa16737-fa36-4d43-b3b6-33f0aa44e76b", flags: isRequired },
  size: { id: "2fa54224-cd1b-4876-b211-5dbed83bf4b8", flags: isVirtualDisk | isRequired },
  diskId: { id: "beca12ab-b2e6-4523-93ef-c309e000c746", flags: isVirtualDisk | isRequired },
  logicalSector: { id: "8141bf1d-a96f-4709-ba47-f233a8faab5f", flags: isVirtualDisk | isRequired },
  physicalSector: { id: "cda348c7-445d-4471-9cc9-e9885251c556", flags: isVirtualDisk | isRequired },
  locator: { id: "a8d35f2d-b30b-454d-abf7-d3d84834ab0c", flags: isRequired },
} as const;
const knownIds: ReadonlySet<string> = new Set(Object.values(items).map(({ id }) => id));

export async function readVhdxMetadata(file: DiskFile, region: Region): Promise<VhdxMetadata> {
  const places = await readPlaces(file, region);
  const read = async (id: string, leastBytes: number): Promise<Buffer> => {
    const place = places.get(id);
    if (!place || place.sizeBytes < leastBytes) throw damaged(file, `its metadata item ${id} is missing or too short`);
    return file.read(place.offset, place.sizeBytes);
  };
  const parameters = await read(items.fileParameters.id, 8);
  const flags = parameters.readUInt32LE(4);
  return checked(file, {
    blockSizeBytes: parameters.readUInt32LE(0),
    fixed: (flags & 1) !== 0,
    sizeBytes: Number((await read(items.size.id, 8)).readBigUInt64LE()),
    logicalSectorBytes: (await read(items.logicalSector.id, 4)).readUInt32LE(),
    physicalSectorBytes: (await read(items.physicalSector.id, 4)).readUInt32LE(),
    diskId: efiGuidText(await read(items.diskId.id, 16)),
    locator: flags & 2 ? decodeLocator(file, await read(items.locator.id, 20)) : null,
  });
}

/** Where the virtual size is written, for changing it in place: eight bytes inside one sector are written whole or not at all. */
export async function vhdxSizeOffset(file: DiskFile, region: Region): Promise<number> {
  const place = (await readPlaces(file, region)).get(items.size.id);
  if (!place) throw damaged(file, "its metadata lacks the size");
  return place.offset;
}

async function readPlaces(file: DiskFile, region: Region): Promise<ReadonlyMap<string, Region>> {
  if (region.sizeBytes < tableBytes) throw damaged(file, `its metadata has only ${region.sizeBytes} bytes`);
  const table = await file.read(region.offset, tableBytes);
  const count = table.readUInt16LE(10);
  if (table.toString("latin1", 0, 8) !== "metadata" || count > entriesMax) throw damaged(file, "its metadata table is not one");
  const places = new Map<string, Region>();
  for (let index = 0; index < count; index++) {
    const at = 32 + index * 32;
    const id = efiGuidText(table.subarray(at, at + 16));
    const offset = table.readUInt32LE(at + 16);
    const sizeBytes = table.readUInt32LE(at + 20);
    if (!knownIds.has(id)) {
      if (table.readUInt32LE(at + 24) & isRequired) throw damaged(file, `it needs the metadata item ${id}, which is not known`);
      continue;
    }
    if (sizeBytes > itemBytesMax || offset + sizeBytes > region.sizeBytes) throw damaged(file, `its metadata item ${id} leaves the region`);
    places.set(id, { offset: region.offset + offset, sizeBytes });
  }
  return places;
}

function checked(file: DiskFile, metadata: VhdxMetadata): VhdxMetadata {
  const { blockSizeBytes, logicalSectorBytes, sizeBytes } = metadata;
  if (blockSizeBytes < MIB || blockSizeBytes > 256 * MIB || (blockSizeBytes & (blockSizeBytes - 1)) !== 0) throw damaged(file, `its block size is ${blockSizeBytes} bytes`);
  if (logicalSectorBytes !== 512 && logicalSectorBytes !== 4096) throw damaged(file, `its logical sector size is ${logicalSectorBytes} bytes`);
  if (sizeBytes === 0 || sizeBytes > vhdxSizeBytesMax || sizeBytes % logicalSectorBytes !== 0) throw damaged(file, `its virtual size is ${sizeBytes} bytes`);
  return metadata;
}

function decodeLocator(file: DiskFile, bytes: Buffer): ReadonlyMap<string, string> {
  if (efiGuidText(bytes.subarray(0, 16)) !== locatorType) throw damaged(file, "its parent locator is of a kind that is not known");
  const values = new Map<string, string>();
  const count = bytes.readUInt16LE(18);
  for (let index = 0; index < count; index++) {
    const at = 20 + index * 12;
    if (at + 12 > bytes.length) throw damaged(file, "its parent locator is cut off");
    const text = (offset: number, length: number): string => {
      if (offset + length > bytes.length) throw damaged(file, "its parent locator is cut off");
      return bytes.toString("utf16le", offset, offset + length);
    };
    values.set(text(bytes.readUInt32LE(at), bytes.readUInt16LE(at + 8)), text(bytes.readUInt32LE(at + 4), bytes.readUInt16LE(at + 10)));
  }
  return values;
}

/** A metadata region of 1 MiB. */
export function encodeVhdxMetadata(metadata: VhdxMetadata): Buffer {
  const region = Buffer.alloc(MIB);
  region.write("metadata", 0, "latin1");
  const parameters = Buffer.concat([u32(metadata.blockSizeBytes), u32((metadata.fixed ? 1 : 0) | (metadata.locator ? 2 : 0))]);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(metadata.sizeBytes));
  const content: (readonly [{ readonly id: string; readonly flags: number }, Uint8Array])[] = [
    [items.fileParameters, parameters],
    [items.size, size],
    [items.diskId, efiGuidBytes(metadata.diskId)],
    [items.logicalSector, u32(metadata.logicalSectorBytes)],
    [items.physicalSector, u32(metadata.physicalSectorBytes)],
  ];
  if (metadata.locator) content.push([items.locator, encodeLocator(metadata.locator)]);
  region.writeUInt16LE(content.length, 10);
  let offset = tableBytes;
  for (const [index, [item, data]] of content.entries()) {
    const at = 32 + index * 32;
    region.set(efiGuidBytes(item.id), at);
    region.writeUInt32LE(offset, at + 16);
    region.writeUInt32LE(data.length, at + 20);
    region.writeUInt32LE(item.flags, at + 24);
    region.set(data, offset);
    offset += data.length;
  }
  return region;
}

function encodeLocator(values: ReadonlyMap<string, string>): Buffer {
  const head = Buffer.alloc(20 + values.size * 12);
  head.set(efiGuidBytes(locatorType));
  head.writeUInt16LE(values.size, 18);
  const texts: Buffer[] = [];
  let offset = head.length;
  const place = (text: string): { offset: number; length: number } => {
    const bytes = Buffer.from(text, "utf16le");
    texts.push(bytes);
    offset += bytes.length;
    return { offset: offset - bytes.length, length: bytes.length };
  };
  for (const [index, [name, value]] of [...values].entries()) {
    const at = 20 + index * 12;
    const key = place(name);
    const text = place(value);
    head.writeUInt32LE(key.offset, at);
    head.writeUInt32LE(text.offset, at + 4);
    head.writeUInt16LE(key.length, at + 8);
    head.writeUInt16LE(text.length, at + 10);
  }
  return Buffer.concat([head, ...texts]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
