import { Fields } from "../fields.ts";

export interface DirectoryEntry {
  /** Long name where there is a valid one, else the short one. */
  readonly name: string;
  readonly shortName: string;
  readonly isDirectory: boolean;
  readonly firstCluster: number;
  readonly sizeBytes: number;
}

const ENTRY_BYTES = 32;
const ATTRIBUTE_DIRECTORY = 0x10;
const ATTRIBUTE_VOLUME_LABEL = 0x08;
const ATTRIBUTE_LONG_NAME = 0x0f;
const DELETED = 0xe5;
/** Where the thirteen characters of a long-name entry lie. */
const NAME_OFFSETS = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30] as const;

interface LongNamePart {
  readonly order: number;
  readonly checksum: number;
  readonly text: string;
}

/** Reads the entries of a directory up to its end mark (Microsoft FAT specification 1.03, sections 6 and 7). */
export function parseDirectory(bytes: Uint8Array): readonly DirectoryEntry[] {
  const fields = new Fields(bytes);
  const entries: DirectoryEntry[] = [];
  let parts: LongNamePart[] = [];
  for (let offset = 0; offset + ENTRY_BYTES <= bytes.length; offset += ENTRY_BYTES) {
    const first = fields.u8(offset);
    if (first === 0) break;
    const attributes = fields.u8(offset + 11);
    if (first !== DELETED && (attributes & 0x3f) === ATTRIBUTE_LONG_NAME) {
      parts.push(longNamePart(fields, offset));
      continue;
    }
    if (first !== DELETED && (attributes & ATTRIBUTE_VOLUME_LABEL) === 0) entries.push(entryAt(fields, offset, attributes, parts));
    parts = [];
  }
  return entries;
}

function entryAt(fields: Fields, offset: number, attributes: number, parts: readonly LongNamePart[]): DirectoryEntry {
  const shortName = readShortName(fields, offset);
  return {
    name: joinLongName(parts, shortNameChecksum(fields.bytes.subarray(offset, offset + 11))) ?? shortName,
    shortName,
    isDirectory: (attributes & ATTRIBUTE_DIRECTORY) !== 0,
    firstCluster: fields.u16(offset + 26) + fields.u16(offset + 20) * 0x10000,
    sizeBytes: fields.u32(offset + 28),
  };
}

function longNamePart(fields: Fields, offset: number): LongNamePart {
  const characters = NAME_OFFSETS.map((position) => fields.u16(offset + position));
  const end = characters.indexOf(0);
  return { order: fields.u8(offset), checksum: fields.u8(offset + 13), text: String.fromCharCode(...(end < 0 ? characters : characters.slice(0, end))) };
}

/** The parts precede their entry from last to first and all carry the checksum of its short name; else the long name does not count. */
function joinLongName(parts: readonly LongNamePart[], checksum: number): string | null {
  const first = parts.findLastIndex(({ order }) => (order & 0x40) !== 0);
  if (first < 0) return null;
  const own = parts.slice(first);
  const isWhole = own.every((part, index) => (part.order & 0x3f) === own.length - index && part.checksum === checksum);
  return isWhole ? own.map(({ text }) => text).toReversed().join("") : null;
}

function shortNameChecksum(name: Uint8Array): number {
  return name.reduce((sum, byte) => (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff, 0);
}

function readShortName(fields: Fields, offset: number): string {
  const base = fields.text(offset, 8).replace(/^\x05/, "\xe5").trimEnd();
  const extension = fields.text(offset + 8, 3).trimEnd();
  return extension === "" ? base : `${base}.${extension}`;
}
