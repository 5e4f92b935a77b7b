import { randomUUID } from "node:crypto";
import { pathsOf, readOne, type AboutHost } from "./about-host.ts";
import { readTime } from "./cim-values.ts";
import { deleteFile, findFile, lastLine, listFiles, makeFolder, renameFile, type HostFile } from "./host-files.ts";
import type { HostSession } from "./host-session.ts";
import type { HostImage } from "./host-types.ts";
import { cimv2Namespace } from "./schema/index.ts";
import { fetchFileScript, scriptCommandLine } from "./schema/host-scripts.ts";
import { KeyedSlots } from "./slots.ts";

// Files of attempts that nobody finished are swept after this; no fetch that is still alive takes so long.
const abandonedAfterMs = 24 * 3_600_000;
// A fetch during which nothing comes for this long is given up (curl's --speed-time, in seconds).
const stalledSeconds = 120;
// Cleaning up goes on when the caller has gone, but not for ever.
const cleanUpTimeoutMs = 30_000;

/** Which images of a host are known to be whole, and who is fetching which. One for each host. */
export class ImageShelf {
  readonly fetching = new KeyedSlots();
  /** When the host had started that an image was hashed under, by the image's path. */
  readonly hashedUnder = new Map<string, number>();
}

/**
 * Makes an image present on the host, verified there. A file only gets the image's name when its digest was found to be right, so
 * afterwards its size is enough; after a restart of the host it is hashed once more, because what was written last before a power
 * cut may be blank.
 */
export async function prepareImage(session: HostSession, about: AboutHost, shelf: ImageShelf, image: HostImage): Promise<{ readonly path: string }> {
  const paths = pathsOf(session, about);
  const path = paths.image(image.sha256, image.format);
  await shelf.fetching.use(path, session.signal, async () => {
    const present = await findFile(session, path);
    if (present !== null && (await isWhole(session, shelf, present, image))) return;
    if (present !== null) await deleteFile(session, path);
    await makeFolder(session, paths.images);
    await sweepAbandoned(session, paths.images);
    await fetchImage(session, about, image, path);
  });
  return { path };
}

async function isWhole(session: HostSession, shelf: ImageShelf, file: HostFile, image: HostImage): Promise<boolean> {
  if (file.sizeBytes !== image.sizeBytes) return false;
  const startedMs = readTime(await readOne(session, cimv2Namespace, "Win32_OperatingSystem"), "LastBootUpTime")?.getTime() ?? 0;
  if (file.modifiedAt !== null && startedMs > 0 && file.modifiedAt.getTime() > startedMs) return true;
  if (shelf.hashedUnder.get(file.path) === startedMs) return true;
  if ((await hashFile(session, file.path)) !== image.sha256) return false;
  shelf.hashedUnder.set(file.path, startedMs);
  return true;
}

async function fetchImage(session: HostSession, about: AboutHost, image: HostImage, path: string): Promise<void> {
  const part = `${path}.${randomUUID()}.part`;
  try {
    await runFetch(session, about, image, part);
    const digest = await hashFile(session, part);
    if (digest !== image.sha256) throw await describeWrongBytes(session, part, image, digest);
    // False: another process published the same image meanwhile; it verified it as we did.
    if (await renameFile(session, part, path)) return;
  } catch (error) {
    await removePart(session, part);
    throw error;
  }
  await removePart(session, part);
}

async function runFetch(session: HostSession, about: AboutHost, image: HostImage, part: string): Promise<void> {
  const url = addressOf(image.sourceUrl);
  const commandLine = about.build >= session.link.quirks.curlFromBuild
    ? `curl.exe --fail --silent --show-error --retry 3 --speed-limit 1 --speed-time ${stalledSeconds} --output "${part}" "${url.href}"`
    : scriptCommandLine(fetchFileScript, { url: url.href, path: part });
  const secret = url.pathname + url.search;
  const result = await session.run(commandLine, { direct: true, slots: session.link.transfers, secret });
  if (result.exitCode === 0) return;
  // The address of a bare "/" holds no secret, and would take every slash out of what was said.
  const said = secret === "/" ? lastLine(result.stderr) : lastLine(result.stderr).replaceAll(url.href, "the address").replaceAll(secret, "(its path)");
  throw session.fault("HV-IMAGE-FETCH", `The host could not fetch the image from ${url.origin}: ${said || "it did not say why"} (exit code ${result.exitCode}). The host must be able to reach that address.`);
}

/** The address with everything escaped that has a meaning in a command line. @throws TypeError for what is no address */
function addressOf(sourceUrl: string): URL {
  const url = URL.canParse(sourceUrl) ? new URL(sourceUrl) : null;
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:") || /["\s]/.test(url.href)) throw new TypeError("The address of the image's source is not one of http or https.");
  return url;
}

async function hashFile(session: HostSession, path: string): Promise<string> {
  const result = await session.run(`certutil -hashfile "${path}" SHA256`, { direct: true, slots: session.link.transfers });
  const digest = result.exitCode === 0 ? readDigest(result.stdout.toString("utf8")) : null;
  if (digest !== null) return digest;
  throw session.fault("HV-FILE", `The host could not compute the digest of ${path}: ${lastLine(result.stderr) || lastLine(result.stdout) || "it did not say why"} (exit code ${result.exitCode}).`);
}

/** The digest in what certutil prints: the line that is 64 hex digits once blanks are taken out. Captions are localised, and older releases write blanks between the bytes. */
export function readDigest(output: string): string | null {
  const digests = output.split(/\r?\n/).map((line) => line.replace(/\s/g, "").toLowerCase()).filter((line) => /^[0-9a-f]{64}$/.test(line));
  return digests.length === 1 ? digests[0]! : null;
}

async function describeWrongBytes(session: HostSession, part: string, image: HostImage, digest: string): Promise<Error> {
  const sizeBytes = (await findFile(session, part))?.sizeBytes ?? 0;
  if (sizeBytes !== image.sizeBytes) {
    return session.fault("HV-IMAGE-DIGEST", `The host fetched ${sizeBytes} of the image's ${image.sizeBytes} bytes.`, { retry: "later" });
  }
  return session.fault("HV-IMAGE-DIGEST", `What the host fetched has the SHA-256 ${digest}; the image has ${image.sha256}. It was not kept.`);
}

async function sweepAbandoned(session: HostSession, folder: string): Promise<void> {
  const before = Date.now() - abandonedAfterMs;
  const parts = await listFiles(session, folder, "part");
  for (const { path, modifiedAt } of parts) if (modifiedAt !== null && modifiedAt.getTime() < before) await removePart(session, path);
}

/** Room for the next attempt. A file that cannot be removed now is swept later, so failures are not the caller's. */
async function removePart(session: HostSession, part: string): Promise<void> {
  await deleteFile(session.under(AbortSignal.timeout(cleanUpTimeoutMs)), part).catch(() => undefined);
}
