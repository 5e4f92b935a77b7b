export const PAGE_BYTES = 64 * 1024;
/** Half of it for what was asked for, half for what was passed on the way to it. */
const PAGES_MAX = 512;

const zeroPage = new Uint8Array(PAGE_BYTES);

/** Decoded pages: those read of late, and those passed of late. Pages of zeros cost nothing and all stay. */
export class DecodedPages {
  readonly #read = new Map<number, Uint8Array>();
  readonly #passed = new Map<number, Uint8Array>();
  readonly #zeros = new Set<number>();

  /** A page that was asked for. The last one of the content may be longer than the content. */
  get(index: number): Uint8Array | undefined {
    if (this.#zeros.has(index)) return zeroPage;
    const page = this.#read.get(index) ?? this.#passed.get(index);
    if (page === undefined) return undefined;
    this.#passed.delete(index);
    keep(this.#read, index, page);
    return page;
  }

  put(index: number, page: Uint8Array): void {
    if (isZero(page)) this.#zeros.add(index);
    else if (!this.#read.has(index)) keep(this.#passed, index, page);
  }
}

function keep(pages: Map<number, Uint8Array>, index: number, page: Uint8Array): void {
  pages.delete(index);
  pages.set(index, page);
  for (const oldest of pages.keys()) {
    if (pages.size <= PAGES_MAX / 2) break;
    pages.delete(oldest);
  }
}

function isZero(page: Uint8Array): boolean {
  const words = new Uint32Array(page.buffer, page.byteOffset, page.length >> 2);
  for (let index = 0; index < words.length; index += 1) if (words[index] !== 0) return false;
  return true;
}

/** Cuts what a decoder makes from `offset` on into whole pages. */
export class PageCutter {
  readonly #pages: DecodedPages;
  #page = new Uint8Array(PAGE_BYTES);
  #position: number;
  /** The first page of which everything passes here. */
  #first: number;

  constructor(pages: DecodedPages, offset: number) {
    this.#pages = pages;
    this.#position = offset;
    this.#first = Math.ceil(offset / PAGE_BYTES);
  }

  get position(): number {
    return this.#position;
  }
  /** From here on all pages will be whole. */
  get wholeFrom(): number {
    return Math.max(this.#first, Math.floor(this.#position / PAGE_BYTES)) * PAGE_BYTES;
  }

  put(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const index = Math.floor(this.#position / PAGE_BYTES);
      const filled = this.#position - index * PAGE_BYTES;
      const part = bytes.subarray(done, done + PAGE_BYTES - filled);
      this.#page.set(part, filled);
      done += part.length;
      this.#position += part.length;
      if (filled + part.length === PAGE_BYTES) this.#handOver(index);
    }
  }

  /** Says that nothing follows: the page begun is the last one. */
  finish(): void {
    const index = Math.floor(this.#position / PAGE_BYTES);
    const filled = this.#position - index * PAGE_BYTES;
    if (filled === 0) return;
    this.#page.fill(0, filled);
    this.#handOver(index);
  }

  #handOver(index: number): void {
    if (index < this.#first) return;
    this.#pages.put(index, this.#page);
    this.#page = new Uint8Array(PAGE_BYTES);
  }
}
