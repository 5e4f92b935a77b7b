export interface IsoEntry {
  /** The boot image; it is placed behind the catalogue. */
  readonly image: Uint8Array;
  /** 0x88 boots, anything else does not. */
  readonly indicator?: number;
  /** 0 no emulation, 1 to 3 floppies, 4 hard disk. */
  readonly mediaType?: number;
  readonly sectorCount?: number;
}

export interface IsoOptions {
  /** The default entry. */
  readonly entries: readonly IsoEntry[];
  /** Entries that follow section headers (platform, entries). */
  readonly sections?: readonly { readonly platform: number; readonly entries: readonly IsoEntry[] }[];
  readonly volumeBlocks?: number;
  readonly isChecksumRight?: boolean;
}

const BLOCK_BYTES = 2048;
const CATALOGUE_BLOCK = 19;
const HEADER_MORE = 0x90;
const HEADER_LAST = 0x91;

/** Writes an ISO 9660 image with an El Torito catalogue and nothing else (ECMA-119; El Torito 1.0). */
export function buildIso({ entries, sections = [], volumeBlocks, isChecksumRight = true }: IsoOptions): Buffer {
  const catalogue = Buffer.alloc(BLOCK_BYTES);
  catalogue.set([1], 0);
  catalogue.set([0x55, 0xaa], 30);
  catalogue.writeUInt16LE((0x10000 - 0xaa55 - 1 + (isChecksumRight ? 0 : 1)) & 0xffff, 28);
  const images: Buffer[] = [];
  let block = CATALOGUE_BLOCK + 1;
  let place = 32;
  const putEntry = ({ image, indicator = 0x88, mediaType = 0, sectorCount = 0 }: IsoEntry): void => {
    const padded = Buffer.alloc(Math.ceil(image.length / BLOCK_BYTES) * BLOCK_BYTES);
    padded.set(image);
    images.push(padded);
    catalogue.set([indicator, mediaType], place);
    catalogue.writeUInt16LE(sectorCount, place + 6);
    catalogue.writeUInt32LE(block, place + 8);
    block += padded.length / BLOCK_BYTES;
    place += 32;
  };
  entries.forEach(putEntry);
  sections.forEach(({ platform, entries: own }, index) => {
    catalogue.set([index === sections.length - 1 ? HEADER_LAST : HEADER_MORE, platform], place);
    catalogue.writeUInt16LE(own.length, place + 2);
    place += 32;
    own.forEach(putEntry);
  });
  const descriptor = (type: number): Buffer => {
    const bytes = Buffer.alloc(BLOCK_BYTES);
    bytes.writeUInt8(type, 0);
    bytes.write("CD001\x01", 1, "latin1");
    return bytes;
  };
  const primary = descriptor(1);
  primary.writeUInt32LE(volumeBlocks ?? block, 80);
  const boot = descriptor(0);
  boot.write("EL TORITO SPECIFICATION", 7, "latin1");
  boot.writeUInt32LE(CATALOGUE_BLOCK, 71);
  return Buffer.concat([Buffer.alloc(16 * BLOCK_BYTES), primary, boot, descriptor(255), catalogue, ...images]);
}
