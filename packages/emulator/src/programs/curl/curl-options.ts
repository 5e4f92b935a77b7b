import { CurlError } from "./curl-error.ts";

/** What a command line asks of curl. */
export interface CurlOptions {
  readonly urls: readonly string[];
  /** Where each address' answer goes, in order; those without one go to standard output. */
  readonly outputs: readonly CurlOutput[];
  readonly fail: boolean;
  readonly silent: boolean;
  readonly showError: boolean;
  readonly location: boolean;
  readonly insecure: boolean;
  readonly head: boolean;
  readonly createFolders: boolean;
  readonly retries: number;
  readonly retryDelayMs: number;
  readonly retryMaxTimeMs: number;
  readonly retryAllErrors: boolean;
  readonly retryConnectionRefused: boolean;
  readonly connectTimeoutMs: number;
  readonly maxTimeMs: number;
  /** Bytes a second, below which for `speedTimeMs` the transfer is given up; 0 never. */
  readonly speedLimitBytes: number;
  readonly speedTimeMs: number;
  readonly maxRedirects: number;
  readonly authorityFile: string | null;
  readonly headers: readonly string[];
  readonly method: string | null;
  readonly uploadFile: string | null;
  readonly user: string | null;
  readonly userAgent: string | null;
  readonly writeOut: string;
  readonly glob: boolean;
  readonly version: boolean;
}

export type CurlOutput = { readonly kind: "file"; readonly path: string } | { readonly kind: "remote-name" };

type Draft = { -readonly [K in keyof CurlOptions]: CurlOptions[K] extends readonly (infer T)[] ? T[] : CurlOptions[K] };
type Setter = { readonly short?: string } & ({ readonly flag: (draft: Draft) => void } | { readonly value: (draft: Draft, value: string) => void });

const settings: Readonly<Record<string, Setter>> = {
  fail: { short: "f", flag: (draft) => { draft.fail = true; } },
  silent: { short: "s", flag: (draft) => { draft.silent = true; } },
  "show-error": { short: "S", flag: (draft) => { draft.showError = true; } },
  location: { short: "L", flag: (draft) => { draft.location = true; } },
  insecure: { short: "k", flag: (draft) => { draft.insecure = true; } },
  head: { short: "I", flag: (draft) => { draft.head = true; } },
  globoff: { short: "g", flag: (draft) => { draft.glob = false; } },
  version: { short: "V", flag: (draft) => { draft.version = true; } },
  "remote-name": { short: "O", flag: (draft) => { draft.outputs.push({ kind: "remote-name" }); } },
  "create-dirs": { flag: (draft) => { draft.createFolders = true; } },
  "retry-all-errors": { flag: (draft) => { draft.retryAllErrors = true; } },
  "retry-connrefused": { flag: (draft) => { draft.retryConnectionRefused = true; } },
  // What we do anyway, or what is of no consequence here.
  "no-progress-meter": { flag: () => {} },
  "no-buffer": { short: "N", flag: () => {} },
  "http1.1": { flag: () => {} },
  ipv4: { short: "4", flag: () => {} },
  "ssl-no-revoke": { flag: () => {} },
  output: { short: "o", value: (draft, path) => { draft.outputs.push({ kind: "file", path }); } },
  url: { value: (draft, url) => { draft.urls.push(url); } },
  header: { short: "H", value: (draft, header) => { draft.headers.push(header); } },
  request: { short: "X", value: (draft, method) => { draft.method = method; } },
  "upload-file": { short: "T", value: (draft, path) => { draft.uploadFile = path; } },
  user: { short: "u", value: (draft, user) => { draft.user = user; } },
  "user-agent": { short: "A", value: (draft, agent) => { draft.userAgent = agent; } },
  "write-out": { short: "w", value: (draft, format) => { draft.writeOut = format; } },
  cacert: { value: (draft, path) => { draft.authorityFile = path; } },
  retry: { value: (draft, value) => { draft.retries = count("--retry", value); } },
  "retry-delay": { value: (draft, value) => { draft.retryDelayMs = seconds("--retry-delay", value); } },
  "retry-max-time": { value: (draft, value) => { draft.retryMaxTimeMs = seconds("--retry-max-time", value); } },
  "connect-timeout": { value: (draft, value) => { draft.connectTimeoutMs = seconds("--connect-timeout", value); } },
  "max-time": { short: "m", value: (draft, value) => { draft.maxTimeMs = seconds("--max-time", value); } },
  "speed-limit": { short: "Y", value: (draft, value) => { draft.speedLimitBytes = count("--speed-limit", value); } },
  "speed-time": { short: "y", value: (draft, value) => { draft.speedTimeMs = seconds("--speed-time", value); } },
  "max-redirs": { value: (draft, value) => { draft.maxRedirects = count("--max-redirs", value); } },
};
const byShort = new Map(Object.entries(settings).flatMap(([name, { short }]) => (short === undefined ? [] : [[short, name] as const])));

/** @throws CurlError with curl's own words for what it cannot use */
export function parseCurlOptions(words: readonly string[]): CurlOptions {
  const draft: Draft = {
    urls: [], outputs: [], headers: [], fail: false, silent: false, showError: false, location: false, insecure: false, head: false, createFolders: false, retries: 0, retryDelayMs: 0, retryMaxTimeMs: 0,
    retryAllErrors: false, retryConnectionRefused: false, connectTimeoutMs: 0, maxTimeMs: 0, speedLimitBytes: 0, speedTimeMs: 30_000, maxRedirects: 50, authorityFile: null, method: null, uploadFile: null, user: null, userAgent: null,
    writeOut: "", glob: true, version: false,
  };
  const rest = [...words];
  let onlyUrls = false;
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (onlyUrls || word === "-" || !word.startsWith("-")) draft.urls.push(word);
    else if (word === "--") onlyUrls = true;
    else if (word.startsWith("--")) apply(draft, word, word.slice(2), rest);
    else applyShort(draft, word, rest);
  }
  if (draft.speedLimitBytes === 0) draft.speedTimeMs = 0;
  return draft;
}

function apply(draft: Draft, written: string, name: string, rest: string[]): void {
  const setter = Object.hasOwn(settings, name) ? settings[name] : undefined;
  if (!setter) throw new CurlError("usage", `option ${written}: is unknown to the curl of this emulated host`);
  if ("flag" in setter) return setter.flag(draft);
  const value = rest.shift();
  if (value === undefined) throw new CurlError("usage", `option ${written}: requires parameter`);
  setter.value(draft, value);
}

/** `-fsSL`, and `-oFILE` or `-o FILE`. */
function applyShort(draft: Draft, word: string, rest: string[]): void {
  for (let at = 1; at < word.length; at++) {
    const name = byShort.get(word[at] ?? "");
    const takesValue = name !== undefined && "value" in (settings[name] ?? {});
    if (takesValue && at + 1 < word.length) return apply(draft, word, name, [word.slice(at + 1)]);
    apply(draft, word, name ?? word, rest);
  }
}

function count(option: string, value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw new CurlError("usage", `option ${option}: expected a proper numerical parameter`);
  return Number(value);
}

function seconds(option: string, value: string): number {
  if (!/^\d{1,10}(\.\d+)?$/.test(value)) throw new CurlError("usage", `option ${option}: expected a proper numerical parameter`);
  return Math.round(Number(value) * 1000);
}
