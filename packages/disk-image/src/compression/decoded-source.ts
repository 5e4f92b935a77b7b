import type { ByteSource } from "../byte-source.ts";
import { requireInside } from "../memory-source.ts";
import { compressedDataError } from "./compressed-data-error.ts";
import type { DecodeBudget } from "./decode-budget.ts";
import type { Decoder } from "./decoder.ts";
import { DecodedPages, PAGE_BYTES, PageCutter } from "./decoded-pages.ts";

/** A part of a compressed file that can be decoded by itself. */
export interface Segment {
  /** Null where only decoding tells. */
  readonly contentBytes: number | null;
  open(): Decoder;
}

/** A place of the content at which decoding can begin. */
interface Start {
  readonly offset: number;
  open(): Decoder;
}

/** A decoder that stands somewhere in the content. */
interface Cursor {
  decoder: Decoder;
  segment: number;
  readonly cutter: PageCutter;
  lastUse: number;
}

/** So that a walk that goes back and forth does not begin anew each time. Each holds a window. */
const CURSORS_MAX = 3;
/** Where a decoder can be restored, a point is kept this often at first, then ever more seldom. */
const RESTORE_EVERY_BYTES = 8 * 1024 * 1024;
const RESTORE_POINTS_MAX = 256;

/** The content of a compressed file, read from the nearest place at which decoding can begin. */
export class DecodedSource implements ByteSource {
  readonly sizeBytes: number;
  readonly #segments: readonly Segment[];
  /** Where each segment begins in the content, and where the last one ends. */
  readonly #starts: Float64Array;
  readonly #budget: DecodeBudget;
  readonly #pages: DecodedPages;
  readonly #restorePoints: readonly Start[];
  readonly #cursors: Cursor[] = [];
  #uses = 0;

  constructor(segments: readonly Segment[], sizes: readonly number[], budget: DecodeBudget, pages = new DecodedPages(), restorePoints: readonly Start[] = []) {
    this.#segments = segments;
    this.#starts = new Float64Array(sizes.length + 1);
    for (const [index, size] of sizes.entries()) this.#starts[index + 1] = (this.#starts[index] ?? 0) + size;
    this.sizeBytes = this.#starts[sizes.length] ?? 0;
    this.#budget = budget;
    this.#pages = pages;
    this.#restorePoints = restorePoints;
  }

  /** How much must be decoded before the byte at `offset` is reached. */
  distanceTo(offset: number): number {
    return offset - Math.max(this.#nearestStart(offset).offset, this.#nearestCursor(offset)?.cutter.wholeFrom ?? 0);
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    requireInside(this.sizeBytes, offset, length);
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const index = Math.floor((offset + done) / PAGE_BYTES);
      const page = this.#pages.get(index) ?? (await this.#decodePage(index));
      const from = offset + done - index * PAGE_BYTES;
      const part = page.subarray(from, Math.min(page.length, from + length - done));
      bytes.set(part, done);
      done += part.length;
    }
    return bytes;
  }

  /** Decodes from the nearest place in front of the page to its end. Pages that are passed on the way are kept as long as there is room. */
  async #decodePage(index: number): Promise<Uint8Array> {
    const start = index * PAGE_BYTES;
    const end = Math.min(start + PAGE_BYTES, this.sizeBytes);
    const cursor = this.#cursorFor(start);
    cursor.lastUse = this.#uses += 1;
    try {
      while (cursor.cutter.position < end) await this.#advance(cursor);
    } catch (error) {
      this.#forget(cursor);
      throw error;
    }
    const page = this.#pages.get(index);
    if (page === undefined) throw compressedDataError(`nothing was decoded for byte ${start}`);
    return page;
  }

  async #advance(cursor: Cursor): Promise<void> {
    const { cutter } = cursor;
    const bytes = await cursor.decoder.next();
    const behind = cutter.position + (bytes?.length ?? 0);
    if (bytes === null || behind > this.#endOf(cursor.segment)) throw compressedDataError(`a part that ends at byte ${this.#endOf(cursor.segment)} leads to ${behind}`);
    this.#budget.spend(bytes.length);
    cutter.put(bytes);
    if (behind < this.#endOf(cursor.segment)) return;
    // Segments without content are passed over.
    let next = cursor.segment + 1;
    while (next < this.#segments.length && behind >= this.#endOf(next)) next += 1;
    if (next < this.#segments.length) Object.assign(cursor, { decoder: this.#openSegment(next), segment: next });
    else {
      cutter.finish();
      this.#forget(cursor);
    }
  }

  #forget(cursor: Cursor): void {
    const place = this.#cursors.indexOf(cursor);
    if (place >= 0) this.#cursors.splice(place, 1);
  }

  #endOf(segment: number): number {
    return this.#starts[segment + 1] ?? this.sizeBytes;
  }

  #cursorFor(offset: number): Cursor {
    const start = this.#nearestStart(offset);
    const standing = this.#nearestCursor(offset);
    if (standing !== undefined && standing.cutter.wholeFrom >= start.offset) return standing;
    const cursor = { decoder: start.open(), segment: this.#segmentAt(start.offset), cutter: new PageCutter(this.#pages, start.offset), lastUse: 0 };
    if (this.#cursors.length >= CURSORS_MAX) this.#forget(this.#cursors.reduce((least, one) => (one.lastUse < least.lastUse ? one : least)));
    this.#cursors.push(cursor);
    return cursor;
  }

  #nearestCursor(offset: number): Cursor | undefined {
    return this.#cursors.filter(({ cutter }) => cutter.wholeFrom <= offset).toSorted((one, other) => other.cutter.wholeFrom - one.cutter.wholeFrom)[0];
  }

  #nearestStart(offset: number): Start {
    const segment = this.#segmentAt(offset);
    const start: Start = { offset: this.#starts[segment] ?? 0, open: () => this.#openSegment(segment) };
    const point = this.#restorePoints.findLast((one) => one.offset <= offset);
    return point !== undefined && point.offset > start.offset ? point : start;
  }

  #openSegment(index: number): Decoder {
    const segment = this.#segments[index];
    if (segment === undefined) throw compressedDataError("it has no content");
    return segment.open();
  }

  /** The last segment that begins at or in front of the byte, by halving. */
  #segmentAt(offset: number): number {
    let low = 0;
    let high = this.#segments.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/**
 * Opens the content of segments. Where one does not say how much it gives, everything is decoded once, and places to begin from are kept on
 * the way. Throws `DI-COMPRESSED-DATA` and `-BUDGET`.
 */
export async function openDecoded(segments: readonly Segment[], budget: DecodeBudget): Promise<DecodedSource> {
  const pages = new DecodedPages();
  const points: Start[] = [];
  const sizes: number[] = [];
  let offset = 0;
  for (const { contentBytes, open } of segments) {
    const cutter = new PageCutter(pages, offset);
    const size: number = contentBytes ?? (await measure(open(), cutter, budget, points));
    sizes.push(size);
    offset += size;
    if (contentBytes === null && sizes.length === segments.length) cutter.finish();
  }
  return new DecodedSource(segments, sizes, budget, pages, points);
}

async function measure(decoder: Decoder, cutter: PageCutter, budget: DecodeBudget, points: Start[]): Promise<number> {
  const offset = cutter.position;
  let every = RESTORE_EVERY_BYTES;
  for (let bytes = await decoder.next(); bytes !== null; bytes = await decoder.next()) {
    budget.spend(bytes.length);
    cutter.put(bytes);
    if (decoder.restorePoint === undefined || cutter.position - (points.at(-1)?.offset ?? 0) < every) continue;
    points.push({ offset: cutter.position, open: decoder.restorePoint() });
    if (points.length < RESTORE_POINTS_MAX) continue;
    // Every second one goes; from here on they lie twice as far apart.
    every *= 2;
    points.splice(0, points.length, ...points.filter((_, index) => index % 2 === 1));
  }
  return cutter.position - offset;
}
