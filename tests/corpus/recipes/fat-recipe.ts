export interface FatOptions {
  readonly kind: "fat12" | "fat16" | "fat32";
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Default: a number that makes a volume of the kind. */
  readonly clusters?: number;
  readonly sectorsPerCluster?: number;
  /** Writes a long name beside each short one ("~1"), also where none is needed. */
  readonly hasLongNames?: boolean;
}

interface Node {
  readonly name: string;
  readonly content: Uint8Array | null;
  readonly children: Node[];
}

const SECTOR_BYTES = 512;
const ENTRY_BYTES = 32;
const ROOT_ENTRIES = 512;
const CLUSTERS = { fat12: 2000, fat16: 4200, fat32: 65_600 } as const;
const RESERVED_SECTORS = { fat12: 1, fat16: 1, fat32: 32 } as const;

/** Builds a FAT volume with these files (Microsoft FAT specification 1.03), two tables, no holes. */
export function buildFat(options: FatOptions): Buffer {
  const writer = new FatWriter(options);
  return writer.write(treeOf(options.files));
}

function treeOf(files: Readonly<Record<string, Uint8Array>>): Node {
  const root: Node = { name: "", content: null, children: [] };
  for (const [path, content] of Object.entries(files)) {
    const names = path.split(/[\\/]/).filter((name) => name !== "");
    let node = root;
    for (const [index, name] of names.entries()) {
      let child = node.children.find((item) => item.name === name);
      if (child === undefined) {
        child = { name, content: index === names.length - 1 ? content : null, children: [] };
        node.children.push(child);
      }
      node = child;
    }
  }
  return root;
}

class FatWriter {
  readonly #options: FatOptions;
  readonly #image: Buffer;
  readonly #tableOffset: number;
  readonly #tableSectors: number;
  readonly #rootOffset: number;
  readonly #dataOffset: number;
  readonly #clusterBytes: number;
  #nextCluster = 2;

  constructor(options: FatOptions) {
    this.#options = options;
    const clusters = options.clusters ?? CLUSTERS[options.kind];
    const sectorsPerCluster = options.sectorsPerCluster ?? 1;
    const bitsPerEntry = options.kind === "fat32" ? 32 : options.kind === "fat16" ? 16 : 12;
    const reserved = RESERVED_SECTORS[options.kind];
    this.#tableSectors = Math.ceil(((clusters + 2) * bitsPerEntry) / 8 / SECTOR_BYTES);
    const rootSectors = options.kind === "fat32" ? 0 : (ROOT_ENTRIES * ENTRY_BYTES) / SECTOR_BYTES;
    this.#tableOffset = reserved * SECTOR_BYTES;
    this.#rootOffset = this.#tableOffset + 2 * this.#tableSectors * SECTOR_BYTES;
    this.#dataOffset = this.#rootOffset + rootSectors * SECTOR_BYTES;
    this.#clusterBytes = sectorsPerCluster * SECTOR_BYTES;
    const totalSectors = this.#dataOffset / SECTOR_BYTES + clusters * sectorsPerCluster;
    this.#image = Buffer.alloc(totalSectors * SECTOR_BYTES);
    this.#writeBootSector(totalSectors, sectorsPerCluster, reserved);
  }

  #writeBootSector(totalSectors: number, sectorsPerCluster: number, reserved: number): void {
    const { kind } = this.#options;
    const image = this.#image;
    image.writeUInt16LE(SECTOR_BYTES, 11);
    image.writeUInt8(sectorsPerCluster, 13);
    image.writeUInt16LE(reserved, 14);
    image.writeUInt8(2, 16);
    image.writeUInt16LE(kind === "fat32" ? 0 : ROOT_ENTRIES, 17);
    image.writeUInt8(0xf8, 21);
    image.writeUInt32LE(totalSectors, 32);
    if (kind === "fat32") {
      image.writeUInt32LE(this.#tableSectors, 36);
      image.writeUInt32LE(2, 44);
    } else image.writeUInt16LE(this.#tableSectors, 22);
    image.writeUInt16LE(0xaa55, 510);
  }

  write(root: Node): Buffer {
    const { kind } = this.#options;
    this.#setEntry(0, 0xfffffff8);
    this.#setEntry(1, 0xffffffff);
    if (kind === "fat32") this.#writeDirectory(root, this.#allocate(this.#directoryBytes(root)), 0);
    else this.#image.set(this.#directoryEntries(root, 0, 0), this.#rootOffset);
    return this.#image;
  }

  #writeDirectory(node: Node, first: number, parent: number): void {
    this.#image.set(this.#directoryEntries(node, first, parent), this.#dataOffset + (first - 2) * this.#clusterBytes);
  }

  #directoryBytes(node: Node): number {
    return (2 + node.children.reduce((sum, { name }) => sum + 1 + this.#longNameParts(name).length, 0)) * ENTRY_BYTES;
  }

  /** The entries; what they name is allocated and written on the way. */
  #directoryEntries(node: Node, own: number, parent: number): Buffer {
    const dots = own === 0 || node.name === "" ? [] : [this.#entry(".          ", 0x10, own, 0), this.#entry("..         ", 0x10, parent, 0)];
    const entries = node.children.flatMap((child, index) => {
      const short = shortName(child.name, index);
      const longParts = this.#longNameParts(child.name, short);
      if (child.content !== null) {
        const first = child.content.length === 0 ? 0 : this.#allocate(child.content.length);
        if (first !== 0) this.#image.set(child.content, this.#dataOffset + (first - 2) * this.#clusterBytes);
        return [...longParts, this.#entry(short, 0x20, first, child.content.length)];
      }
      const first = this.#allocate(this.#directoryBytes(child));
      this.#writeDirectory(child, first, node.name === "" ? 0 : own);
      return [...longParts, this.#entry(short, 0x10, first, 0)];
    });
    return Buffer.concat([...dots, ...entries]);
  }

  #entry(short: string, attributes: number, cluster: number, sizeBytes: number): Buffer {
    const entry = Buffer.alloc(ENTRY_BYTES);
    entry.write(short, 0, 11, "latin1");
    entry.writeUInt8(attributes, 11);
    entry.writeUInt16LE(Math.floor(cluster / 0x10000), 20);
    entry.writeUInt16LE(cluster & 0xffff, 26);
    entry.writeUInt32LE(sizeBytes, 28);
    return entry;
  }

  #longNameParts(name: string, short = "           "): Buffer[] {
    if (this.#options.hasLongNames !== true && /^[A-Z0-9_]{1,8}(\.[A-Z0-9_]{1,3})?$/.test(name)) return [];
    const checksum = Buffer.from(short, "latin1").reduce((sum, byte) => (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff, 0);
    const characters = [...`${name}\0`].map((letter) => letter.charCodeAt(0));
    while (characters.length % 13 !== 0) characters.push(0xffff);
    const count = characters.length / 13;
    return Array.from({ length: count }, (_, index) => {
      const order = count - index;
      const part = Buffer.alloc(ENTRY_BYTES);
      part.writeUInt8(order | (index === 0 ? 0x40 : 0), 0);
      part.writeUInt8(0x0f, 11);
      part.writeUInt8(checksum, 13);
      [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30].forEach((place, position) => part.writeUInt16LE(characters[(order - 1) * 13 + position] ?? 0xffff, place));
      return part;
    });
  }

  #allocate(sizeBytes: number): number {
    const first = this.#nextCluster;
    const count = Math.max(1, Math.ceil(sizeBytes / this.#clusterBytes));
    for (let index = 0; index < count; index += 1) this.#setEntry(first + index, index === count - 1 ? 0xffffffff : first + index + 1);
    this.#nextCluster += count;
    return first;
  }

  #setEntry(cluster: number, value: number): void {
    const { kind } = this.#options;
    for (const table of [0, 1]) {
      const base = this.#tableOffset + table * this.#tableSectors * SECTOR_BYTES;
      if (kind === "fat32") this.#image.writeUInt32LE(value & 0x0fffffff, base + cluster * 4);
      else if (kind === "fat16") this.#image.writeUInt16LE(value & 0xffff, base + cluster * 2);
      else {
        const place = base + Math.floor(cluster * 1.5);
        const old = this.#image.readUInt16LE(place);
        this.#image.writeUInt16LE(cluster % 2 === 0 ? (old & 0xf000) | (value & 0xfff) : (old & 0x000f) | ((value & 0xfff) << 4), place);
      }
    }
  }
}

/** The short form of a name, eleven letters: as it is where it fits, else its first six letters and a number. */
function shortName(name: string, index: number): string {
  const upper = name.toUpperCase();
  const match = /^([A-Z0-9_]{1,8})(?:\.([A-Z0-9_]{1,3}))?$/.exec(upper);
  const [base, extension] = match === null ? [`${upper.replace(/[^A-Z0-9]/g, "").slice(0, 6)}~${index + 1}`, (/\.([A-Z0-9]{1,3})[^.]*$/.exec(upper)?.[1] ?? "")] : [match[1] ?? "", match[2] ?? ""];
  return base.padEnd(8) + extension.padEnd(3);
}
