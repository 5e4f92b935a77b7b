import { VirtualDiskError } from "../virtual-disk-error.ts";
import type { DiskFile } from "./disk-file.ts";

const pageBytes = 65_536;

/** A block table in a file, read a page at a time and written through. A table may have tens of millions of entries. */
export class EntryTable {
  readonly #file: DiskFile;
  readonly #offset: number;
  readonly #entryBytes: 4 | 8;
  readonly count: number;
  #pageIndex = -1;
  #page: Buffer = Buffer.alloc(0);

  constructor(file: DiskFile, offset: number, count: number, entryBytes: 4 | 8) {
    this.#file = file;
    this.#offset = offset;
    this.#entryBytes = entryBytes;
    this.count = count;
  }

  /** The entry's bytes: 4 big-endian (VHD) or 8 little-endian (VHDX), as a number of its own. */
  async get(index: number): Promise<bigint> {
    return this.#value(await this.#load(index));
  }

  async set(index: number, value: bigint): Promise<void> {
    const at = await this.#load(index);
    this.#put(at, value);
    await this.#file.write(this.#offset + index * this.#entryBytes, this.#page.subarray(at, at + this.#entryBytes));
  }

  /** Changes entries one after the other, a page at a time. */
  async change(first: number, end: number, change: (index: number, old: bigint) => bigint): Promise<void> {
    for (let index = first; index < end; ) {
      const from = await this.#load(index);
      let at = from;
      for (; at < this.#page.length && index < end; at += this.#entryBytes) this.#put(at, change(index++, this.#value(at)));
      await this.#file.write(this.#offset + this.#pageIndex * pageBytes + from, this.#page.subarray(from, at));
    }
  }

  #value(at: number): bigint {
    return this.#entryBytes === 8 ? this.#page.readBigUInt64LE(at) : BigInt(this.#page.readUInt32BE(at));
  }

  #put(at: number, value: bigint): void {
    if (this.#entryBytes === 8) this.#page.writeBigUInt64LE(value, at);
    else this.#page.writeUInt32BE(Number(value), at);
  }

  async #load(index: number): Promise<number> {
    if (index >= this.count) throw new VirtualDiskError("failed", `The virtual hard disk "${this.#file.name}" is damaged: its block table has ${this.count} entries, and entry ${index} is needed.`);
    const at = index * this.#entryBytes;
    const page = Math.floor(at / pageBytes);
    if (page !== this.#pageIndex) {
      const start = page * pageBytes;
      this.#page = await this.#file.read(this.#offset + start, Math.min(pageBytes, this.count * this.#entryBytes - start));
      this.#pageIndex = page;
    }
    return at % pageBytes;
  }
}
