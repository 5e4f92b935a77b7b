import { randomBytes } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { dashboardRootDir } from "./page-folder.ts";
import { matchPageRoute } from "./page-routes.ts";

/** An answer to GET; for HEAD leave the body out. */
export interface DashboardAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Written into the page by vite.config.ts wherever a nonce belongs. */
const NONCE_PLACEHOLDER = "SIGNET_PAGE_NONCE";

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
  ".woff2": "font/woff2",
};

/** Kept in memory: a built page is under 2 MiB. */
interface BuiltPage {
  readonly builtAtMs: number;
  readonly files: ReadonlyMap<string, Buffer>;
  readonly index: string;
}

const pages = new Map<string, BuiltPage>();

/**
 * The answer to a GET of `path` (with or without a query), or null when the page has nothing there and another room may answer.
 * Only files found in the built folder are served, by exact name, so no path can lead out of it. `rootDir` is for tests.
 */
export async function serveDashboard(path: string, rootDir: string = dashboardRootDir()): Promise<DashboardAnswer | null> {
  const plain = path.split(/[?#]/, 1)[0] ?? "/";
  const isPage = plain === "/index.html" || matchPageRoute(plain) !== null;
  const page = await readBuiltPage(rootDir);
  if (page === null) return isPage ? answerNotBuilt() : null;
  if (isPage) return answerPage(page.index);
  const body = page.files.get(plain);
  if (body === undefined) return null;
  return {
    status: 200,
    headers: {
      "content-type": CONTENT_TYPES[extname(plain)] ?? "application/octet-stream",
      // Names under /assets/ change with their content.
      "cache-control": plain.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "public, max-age=3600",
      ...commonHeaders("default-src 'none'"),
    },
    body,
  };
}

function answerPage(index: string): DashboardAnswer {
  const nonce = randomBytes(16).toString("base64");
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
  return {
    status: 200,
    headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store", ...commonHeaders(policy) },
    body: Buffer.from(index.replaceAll(NONCE_PLACEHOLDER, nonce)),
  };
}

function answerNotBuilt(): DashboardAnswer {
  return {
    status: 503,
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store", ...commonHeaders("default-src 'none'") },
    body: Buffer.from("The page has not been built yet. Run `npm run build --workspace @signet/dashboard`, then load this again. The APIs answer without it.\n"),
  };
}

function commonHeaders(policy: string): Record<string, string> {
  return {
    "content-security-policy": policy,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
  };
}

async function readBuiltPage(rootDir: string): Promise<BuiltPage | null> {
  const indexPath = join(rootDir, "index.html");
  const builtAtMs = await stat(indexPath).then((found) => found.mtimeMs, () => null);
  if (builtAtMs === null) return null;
  const known = pages.get(rootDir);
  if (known?.builtAtMs === builtAtMs) return known;
  const files = new Map<string, Buffer>();
  for (const entry of await readdir(rootDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    files.set(`/${relative(rootDir, file).split(sep).join("/")}`, await readFile(file));
  }
  const page = { builtAtMs, files, index: (files.get("/index.html") ?? Buffer.alloc(0)).toString("utf8") };
  pages.set(rootDir, page);
  return page;
}
