import { randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";

/** Names this data folder among several control planes on one database: what is on its disk, and which work it held before a restart. */
export async function keepNodeId(path: string): Promise<string> {
  const known = await readFile(path, "utf8").catch(() => "");
  if (known.trim() !== "") return known.trim();
  const id = randomUUID();
  await writeFile(path, `${id}\n`, { mode: 0o600 });
  return id;
}
