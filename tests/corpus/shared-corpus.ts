import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { type ByteSource, DiskImageError } from "@signet/disk-image";
import { parseTrustFile, type Trust } from "@signet/secure-boot/trust";

/** One image under one trust, with what real firmware did. Documented in the corpus' own README. */
export interface CorpusCase {
  readonly id: string;
  readonly category: string;
  readonly how: string;
  readonly trust: string;
  readonly image?: string;
  readonly container: string;
  readonly container_files?: readonly { readonly name: string; readonly blob: string; readonly sha256: string }[];
  readonly top?: string;
  readonly verdict: string;
  readonly stage?: string;
  readonly verdict_2026_08?: string;
  readonly loadimage_2026_08?: string;
  readonly oracle: string;
  readonly bus?: string;
  readonly logical_sector?: number;
  readonly loader?: string;
  readonly authenticode_sha256?: string;
  readonly shim_variables?: Readonly<Record<string, { readonly attributes: number; readonly data: string }>>;
}

interface TrustSet {
  readonly secure_boot_enable: boolean;
  readonly PK: string | null;
  readonly KEK: string | null;
  readonly db: string | null;
  readonly dbx: string | null;
  readonly dbt: string | null;
}

interface LoaderRecord {
  readonly id: string;
  readonly sha256: string;
  readonly path?: string;
  readonly stored?: string | null;
  readonly same_as?: string;
}

/** A loader that this machine does not have in the version that the corpus means. */
export class MissingLoader extends Error {
  override readonly name = "MissingLoader";
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** The folder with the corpus, beside the repository or where SIGNET_SHARED says; null when there is none. */
export function corpusFolder(): string | null {
  const shared = process.env["SIGNET_SHARED"] ?? fileURLToPath(new URL("../../../shared", import.meta.url));
  const folder = join(shared, "data", "secureboot");
  return existsSync(join(folder, "corpus-visible.json")) ? folder : null;
}

/** Reads cases, trusts and images of the corpus. Images are opened as sparse sources; nothing is written. */
export class SharedCorpus {
  readonly cases: readonly CorpusCase[];
  readonly #folder: string;
  readonly #trusts: Readonly<Record<string, TrustSet>>;
  readonly #records: ReadonlyMap<string, LoaderRecord>;
  readonly #loaders = new Map<string, Uint8Array>();

  constructor(folder: string, file = "corpus-visible.json") {
    this.#folder = folder;
    const document = JSON.parse(readFileSync(join(folder, file), "utf8")) as { cases: readonly CorpusCase[]; trust_sets: Readonly<Record<string, TrustSet>> };
    this.cases = document.cases;
    this.#trusts = document.trust_sets;
    const records = JSON.parse(readFileSync(join(folder, "loaders.json"), "utf8")) as readonly LoaderRecord[];
    this.#records = new Map(records.map((record) => [record.id, record]));
  }

  trustOf({ trust, shim_variables }: CorpusCase): Trust {
    const set = this.#trusts[trust];
    if (set === undefined) throw new Error(`The corpus has no trust set ${trust}.`);
    const { PK, KEK, db, dbx, dbt } = set;
    return parseTrustFile(JSON.stringify({ name: trust, secureBootEnabled: set.secure_boot_enable, variables: { PK, KEK, db, dbx, dbt }, shimVariables: shim_variables ?? {} }), trust);
  }

  /** The image to attach, and its parents where it is a differencing disk. Throws `MissingLoader`. */
  openCase(item: CorpusCase): { readonly source: ByteSource; readonly parents: readonly ByteSource[]; readonly name: string } {
    if (item.image !== undefined) return { source: this.#expand(item.image), parents: [], name: item.image };
    const files = item.container_files ?? [];
    const top = files.find(({ name }) => name === item.top);
    if (top === undefined) throw new Error(`The case ${item.id} names no file to attach.`);
    return { source: this.#expand(top.blob), parents: files.filter((file) => file !== top).map(({ blob }) => this.#expand(blob)), name: top.name };
  }

  #expand(blob: string): ByteSource {
    const bytes = gunzipSync(readFileSync(join(this.#folder, blob)));
    const end = bytes.indexOf(0x0a);
    const header = JSON.parse(bytes.subarray(0, end).toString("utf8")) as { size: number; extents: readonly [number, number][]; refs?: readonly [number, string, number, number][] };
    const source = new SparseSource(header.size);
    for (const [offset, id, start, length] of header.refs ?? []) source.put(offset, this.#loader(id).subarray(start, start + length));
    let place = end + 1;
    for (const [offset, length] of header.extents) {
      source.put(offset, bytes.subarray(place, place + length));
      place += length;
    }
    return source;
  }

  #loader(id: string): Uint8Array {
    const record = this.#records.get(id);
    if (record === undefined) throw new MissingLoader(`${id} is not in loaders.json`);
    if (record.same_as !== undefined) return this.#loader(record.same_as);
    const known = this.#loaders.get(id);
    if (known !== undefined) return known;
    const bytes = this.#readLoader(record);
    if (sha256(bytes) !== record.sha256) throw new MissingLoader(`${id}: another version is installed`);
    this.#loaders.set(id, bytes);
    return bytes;
  }

  #readLoader({ id, stored, path }: LoaderRecord): Uint8Array {
    if (typeof stored === "string") return execFileSync("xz", ["-dc", join(this.#folder, stored)], { maxBuffer: 64 * 1024 ** 2 });
    const installed = [process.env["SBCORPUS_ROOT"], "/"].flatMap((root) => (root === undefined || path === undefined ? [] : [join(root, path)])).find((file) => existsSync(file));
    if (installed === undefined) throw new MissingLoader(`${id}: ${path ?? "its file"} is not installed`);
    return readFileSync(installed);
  }
}

/** A large file of zeros with some stretches of data, later ones over earlier ones. */
class SparseSource implements ByteSource {
  readonly sizeBytes: number;
  readonly #parts: { offset: number; bytes: Uint8Array }[] = [];

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
  }

  put(offset: number, bytes: Uint8Array): void {
    this.#parts.push({ offset, bytes });
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (offset < 0 || offset + length > this.sizeBytes) throw new DiskImageError("DI-READ-OUTSIDE", `${length} bytes at ${offset} leave an image of ${this.sizeBytes} bytes.`);
    const result = new Uint8Array(length);
    for (const part of this.#parts) {
      const from = Math.max(offset, part.offset);
      const to = Math.min(offset + length, part.offset + part.bytes.length);
      if (from < to) result.set(part.bytes.subarray(from - part.offset, to - part.offset), from - offset);
    }
    return result;
  }
}
