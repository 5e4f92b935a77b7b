import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ExitError, exitCodes } from "./exit.ts";

/** Version of the folder's layout. A program that finds a higher number than its own must not touch the folder. */
const LAYOUT_VERSION = 1;

export interface DataDirectory {
  readonly path: string;
  release(): Promise<void>;
}

/** Opens a data folder for one running program: makes it, checks its version, refuses a second program on the same folder. */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  const absolute = resolve(path);
  try {
    await mkdir(absolute, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw new ExitError(exitCodes.cannotCreate, `the data folder ${absolute} cannot be made (${(error as Error).message}). Choose another with --data.`, { cause: error });
  }
  await checkVersion(absolute);
  const lock = await takeLock(absolute);
  return { path: absolute, release: () => rm(lock, { force: true }) };
}

async function checkVersion(path: string): Promise<void> {
  const file = join(path, "layout.json");
  const text = await readFile(file, "utf8").catch(() => null);
  if (text === null) {
    await writeFile(file, `${JSON.stringify({ layout: LAYOUT_VERSION })}\n`);
    return;
  }
  const found = (JSON.parse(text) as { layout?: unknown }).layout;
  if (typeof found === "number" && found <= LAYOUT_VERSION) return;
  throw new ExitError(exitCodes.newerData, `the data folder ${path} was made by a newer version of Signet (layout ${String(found)}, this one knows ${LAYOUT_VERSION}). Update Signet, or choose another folder with --data.`);
}

/** The lock holds the process id: one left behind by a killed program is taken over. */
async function takeLock(path: string): Promise<string> {
  const file = join(path, "signet.pid");
  const holder = Number(await readFile(file, "utf8").catch(() => "0"));
  if (holder > 0 && holder !== process.pid && (await isSignet(holder))) {
    throw new ExitError(exitCodes.cannotCreate, `the data folder ${path} is in use by process ${holder}. Stop it, or choose another folder with --data.`);
  }
  await writeFile(file, String(process.pid));
  return file;
}

/** Process ids are used again: only a process that runs our program counts. */
async function isSignet(processId: number): Promise<boolean> {
  const commandLine = await readFile(`/proc/${processId}/cmdline`, "utf8").catch(() => "");
  return commandLine.includes("packages/cli/src/main.ts") || commandLine.includes("signet");
}

/** Reads a secret kept beside the data, or makes one; readable by its owner only. */
export async function keepSecret(path: string): Promise<string> {
  const known = await readFile(path, "utf8").catch(() => null);
  if (known !== null) return known.trim();
  const secret = randomBytes(18).toString("base64url");
  await writePrivateFile(path, `${secret}\n`);
  return secret;
}

export async function writePrivateFile(path: string, text: string): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
