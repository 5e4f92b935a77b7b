import type { ByteSource } from "../byte-source.ts";
import { requireInside } from "../memory-source.ts";
import { compressedDataError } from "./compressed-data-error.ts";
import type { DecodeBudget } from "./decode-budget.ts";
import type { Decoder } from "./decoder.ts";
import { DecodedPages, PAGE_BYTES, PageCutter } from "./decoded-pages.ts";
import { RestorePoints, type Start } from "./restore-points.ts";

/** A part of a compressed file that can be decoded by itself. */
export interface Segment {
  /** Null where only decoding tells. */
  readonly contentBytes: number | null;
  /** Whether the content may go on behind `contentBytes`; what does is not shown. */
  readonly mayGoOn?: boolean;
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

/** The content of a compressed file, read from the nearest place at which decoding can begin. */
export class DecodedSource implements ByteSource {
  readonly sizeBytes: number;
  readonly #segments: readonly Segment[];
  /** Where each segment begins in the content, and where the last one ends. */
  readonly #starts: Float64Array;
  readonly #budget: DecodeBudget;
  readonly #pages: DecodedPages;
  readonly #restorePoints: RestorePoints;
  readonly #cursors: Cursor[] = [];
  #uses = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(segments: readonly Segment[], sizes: readonly number[], budget: DecodeBudget, pages = new DecodedPages(), restorePoints = new RestorePoints()) {
    this.#segments = segments;
    this.#starts = new Float64Array(sizes.length + 1);
    for (const [index, size] of sizes.entries()) this.#starts[index + 1] = (this.#starts[index] ?? 0) + size;
    this.sizeBytes = this.#starts[sizes.length] ?? 0;
    this.#budget = budget;
    this.#pages = pages;
    this.#restorePoints = restorePoints;
  }

  /** Whether the size is what the content says of itself, and not what was seen or promised. */
  get isSizeAssumed(): boolean {
    return this.#segments.at(-1)?.mayGoOn === true;
  }

  /** How much must be decoded before the byte at `offset` is reached. */
  distanceTo(offset: number): number {
    return offset - Math.max(this.#nearestStart(offset).offset, this.#nearestCursor(offset)?.cutter.wholeFrom ?? 0);
  }

  /** Reads one after the other: a decoder stands at one place only. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    requireInside(this.sizeBytes, offset, length);
    const turn = this.#turn.then(() => this.#readInTurn(offset, length));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #readInTurn(offset: number, length: number): Promise<Uint8Array> {
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
    const end = this.#endOf(cursor.segment);
    let bytes = await cursor.decoder.next();
    if (bytes !== null && this.#segments[cursor.segment]?.mayGoOn === true) bytes = bytes.subarray(0, end - cutter.position);
    const behind = cutter.position + (bytes?.length ?? 0);
    if (bytes === null || behind > end) throw compressedDataError(`a part that ends at byte ${end} leads to ${behind}`);
    this.#budget.spend(bytes.length);
    cutter.put(bytes);
    if (behind < end) {
      this.#restorePoints.pass(behind, cursor.decoder);
      return;
    }
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
    const point = this.#restorePoints.before(offset);
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
  const points = new RestorePoints();
  const sizes: number[] = [];
  let offset = 0;
  for (const { contentBytes, open } of segments) {
    const cutter = new PageCutter(pages, offset);
    const size: number = contentBytes ?? (await measure(open(), cutter, budget, points));
    sizes.push(size);
    offset += size;
    if (contentBytes === null && sizes.length === segments.length) cutter.finish();
  }
  if (!Number.isSafeInteger(offset)) throw compressedDataError(`it promises ${offset} bytes`);
  return new DecodedSource(segments, sizes, budget, pages, points);
}

async function measure(decoder: Decoder, cutter: PageCutter, budget: DecodeBudget, points: RestorePoints): Promise<number> {
  const offset = cutter.position;
  for (let bytes = await decoder.next(); bytes !== null; bytes = await decoder.next()) {
    budget.spend(bytes.length);
    cutter.put(bytes);
    points.pass(cutter.position, decoder);
  }
  return cutter.position - offset;
}
