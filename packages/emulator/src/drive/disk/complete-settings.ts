import { randomUUID } from "node:crypto";
import type { NewDiskSettings } from "../disk-settings.ts";
import { VirtualDiskError } from "../virtual-disk-error.ts";
import { relativeWindowsPath, windowsFolderOf } from "../windows-path.ts";
import { KIB, MIB } from "./disk-file.ts";
import type { LayerFacts, ParentLink } from "./disk-layer.ts";
import type { DiskPlace } from "./open-chain.ts";
import { vhdSectorBytes, vhdSizeBytesMax } from "./vhd-structures.ts";
import { vhdxSizeBytesMax } from "./vhdx-metadata.ts";
import { defaultBlockBytes } from "./write-new-disk.ts";

// CreateVirtualDisk makes no smaller ones.
const sizeBytesMin = 3 * MIB;

/** What a new disk is to be in every detail. `based` is the parent of a differencing disk, or the source of a conversion. @throws VirtualDiskError for what Hyper-V refuses */
export function completeSettings(settings: NewDiskSettings, place: DiskPlace, based: LayerFacts | null, link: ParentLink | null): LayerFacts {
  const { format, type } = settings;
  if (format !== place.format) throw invalid(`"${place.path}" is not a name for the format ${format.toUpperCase()}. Its ending has to be .${format}.`);
  const facts: LayerFacts = {
    format,
    type,
    sizeBytes: settings.sizeBytes || based?.sizeBytes || 0,
    blockSizeBytes: (type === "fixed" ? 0 : settings.blockSizeBytes) || defaultBlockBytes(format, type),
    logicalSectorBytes: settings.logicalSectorBytes || based?.logicalSectorBytes || vhdSectorBytes,
    physicalSectorBytes: format === "vhd" ? vhdSectorBytes : settings.physicalSectorBytes || based?.physicalSectorBytes || 4 * KIB,
    diskId: randomUUID(),
    linkId: randomUUID(),
    parent: link,
  };
  if (format === "vhdx") checkVhdx(facts);
  else checkVhd(facts);
  if (based) checkAgainst(facts, based, place.path);
  // A VHD's children know it by its identity.
  return format === "vhd" ? { ...facts, linkId: facts.diskId } : facts;
}

function checkVhdx({ sizeBytes, blockSizeBytes, logicalSectorBytes, physicalSectorBytes }: LayerFacts): void {
  if (![512, 4096].includes(logicalSectorBytes) || ![512, 4096].includes(physicalSectorBytes)) throw invalid("The sector sizes of a VHDX are 512 or 4096 bytes.");
  if (physicalSectorBytes < logicalSectorBytes) throw invalid("The physical sector size cannot be smaller than the logical one.");
  if (!isInside(sizeBytes, vhdxSizeBytesMax, logicalSectorBytes)) throw invalid(`A VHDX virtual hard disk has 3 MiB to 64 TiB in whole sectors; ${sizeBytes} bytes were asked for.`);
  if (blockSizeBytes !== 0 && !isPowerOfTwo(blockSizeBytes, MIB, 256 * MIB)) throw invalid(`The block size of a VHDX is a power of two from 1 MiB to 256 MiB; ${blockSizeBytes} bytes were asked for.`);
}

function checkVhd({ sizeBytes, blockSizeBytes, logicalSectorBytes }: LayerFacts): void {
  if (logicalSectorBytes !== vhdSectorBytes) throw invalid("A VHD has sectors of 512 bytes. Use the VHDX format.");
  if (!isInside(sizeBytes, vhdSizeBytesMax, vhdSectorBytes)) throw invalid(`A VHD virtual hard disk has 3 MiB to 2040 GiB in whole sectors; ${sizeBytes} bytes were asked for.`);
  if (blockSizeBytes !== 0 && blockSizeBytes !== 512 * KIB && blockSizeBytes !== 2 * MIB) throw invalid(`The block size of a VHD is 512 KiB or 2 MiB; ${blockSizeBytes} bytes were asked for.`);
}

function checkAgainst(facts: LayerFacts, based: LayerFacts, path: string): void {
  if (facts.logicalSectorBytes !== based.logicalSectorBytes) throw invalid(`"${path}" cannot have sectors of ${facts.logicalSectorBytes} bytes, since what it is made from has sectors of ${based.logicalSectorBytes}.`);
  if (facts.parent && facts.format !== based.format) throw invalid(`The parent of "${path}" has the format ${based.format.toUpperCase()}; a differencing disk has the format of its parent.`);
  if (facts.sizeBytes < based.sizeBytes) throw invalid(`"${path}" cannot be smaller than what it is made from (${based.sizeBytes} bytes).`);
}

/** How a child records its parent. */
export function linkTo(parent: DiskPlace, linkId: string, child: DiskPlace): ParentLink {
  return { linkIds: [linkId], relativePath: relativeWindowsPath(windowsFolderOf(child.path), parent.path), absolutePath: parent.path };
}

function isInside(sizeBytes: number, mostBytes: number, sectorBytes: number): boolean {
  return Number.isSafeInteger(sizeBytes) && sizeBytes >= sizeBytesMin && sizeBytes <= mostBytes && sizeBytes % sectorBytes === 0;
}

function isPowerOfTwo(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most && (value & (value - 1)) === 0;
}

function invalid(message: string): VirtualDiskError {
  return new VirtualDiskError("invalidParameter", message);
}
