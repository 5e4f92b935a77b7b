import { KIB, MIB, type DiskFile } from "./disk-file.ts";
import type { LayerFacts } from "./disk-layer.ts";
import { blockState, blocksPerChunk, entriesNeeded, tableBytesNeeded } from "./vhdx-blocks.ts";
import { encodeVhdxFront, newBlockTableOffset, newMetadataRegion, writeVhdxRegions } from "./vhdx-headers.ts";
import { locatorOfLink } from "./vhdx-locator.ts";
import { encodeVhdxMetadata, type VhdxMetadata } from "./vhdx-metadata.ts";
import { encodeVhdFooter, encodeVhdHeader, vhdHeaderBytes, vhdSectorBytes } from "./vhd-structures.ts";

/** Blocks of a fixed VHDX, which has to have some although nobody sees them. */
const fixedBlockBytes = 32 * MIB;
const entriesPerWrite = 131_072;

/** Writes the structures of a new disk into an empty file. What no structure needs stays a hole of the file. */
export async function writeNewDisk(file: DiskFile, facts: LayerFacts): Promise<void> {
  if (facts.format === "vhdx") await writeVhdx(file, facts);
  else if (facts.type === "fixed") await file.write(facts.sizeBytes, encodeVhdFooter({ ...facts, headerOffset: 0 }));
  else await writeSparseVhd(file, facts);
  await file.sync();
}

async function writeVhdx(file: DiskFile, facts: LayerFacts): Promise<void> {
  const metadata: VhdxMetadata = {
    ...facts,
    blockSizeBytes: facts.type === "fixed" ? fixedBlockBytes : facts.blockSizeBytes,
    fixed: facts.type === "fixed",
    locator: facts.parent && locatorOfLink(facts.parent),
  };
  const blockTable = { offset: newBlockTableOffset, sizeBytes: tableBytesNeeded(metadata) };
  const blocksOffset = blockTable.offset + blockTable.sizeBytes;
  const blocks = metadata.fixed ? Math.ceil(metadata.sizeBytes / metadata.blockSizeBytes) : 0;
  await file.setSize(blocksOffset + blocks * metadata.blockSizeBytes);
  await file.write(0, encodeVhdxFront(facts.linkId));
  await writeVhdxRegions(file, { blockTable, metadata: newMetadataRegion });
  await file.write(newMetadataRegion.offset, encodeVhdxMetadata(metadata));
  if (metadata.fixed) await writeFixedTable(file, metadata, blocksOffset);
}

async function writeFixedTable(file: DiskFile, metadata: VhdxMetadata, blocksOffset: number): Promise<void> {
  const perChunk = blocksPerChunk(metadata);
  const count = entriesNeeded(metadata);
  for (let first = 0; first < count; first += entriesPerWrite) {
    const page = Buffer.alloc(Math.min(entriesPerWrite, count - first) * 8);
    for (let index = first; index < first + page.length / 8; index++) {
      // After each chunk comes the entry of a bitmap, which only differencing disks have.
      if ((index + 1) % (perChunk + 1) === 0) continue;
      const block = index - Math.floor(index / (perChunk + 1));
      page.writeBigUInt64LE(BigInt(blocksOffset + block * metadata.blockSizeBytes) | BigInt(blockState.fullyPresent), (index - first) * 8);
    }
    await file.write(newBlockTableOffset + first * 8, page);
  }
}

async function writeSparseVhd(file: DiskFile, facts: LayerFacts): Promise<void> {
  const footer = encodeVhdFooter({ ...facts, headerOffset: vhdSectorBytes });
  const entries = Math.ceil(facts.sizeBytes / facts.blockSizeBytes);
  const table = Buffer.alloc(Math.ceil((entries * 4) / vhdSectorBytes) * vhdSectorBytes, 0xff);
  const tableOffset = vhdSectorBytes + vhdHeaderBytes;
  const { header, texts } = encodeVhdHeader({ tableOffset, entries, blockSizeBytes: facts.blockSizeBytes, parent: facts.parent }, tableOffset + table.length);
  await file.write(0, Buffer.concat([footer, header, table, texts, footer]));
}

/** Block sizes that Hyper-V chooses when nobody says. */
export function defaultBlockBytes(format: "vhd" | "vhdx", type: "fixed" | "dynamic" | "differencing"): number {
  if (type === "fixed") return 0;
  return format === "vhdx" && type === "dynamic" ? 32 * MIB : 2048 * KIB;
}
