import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { MachineRecord } from "./machine-record.ts";

/** A virtual switch: `external` leads to the network card, `internal` to the host itself, `private` to machines only. */
export interface SwitchRecord {
  /** Upper-case GUID: `Msvm_VirtualEthernetSwitch.Name`. */
  readonly guid: string;
  readonly name: string;
  readonly notes: readonly string[];
  readonly kind: "external" | "internal" | "private";
}

/** What the host itself remembers. */
export interface HostRecord {
  readonly hostGuid: string;
  readonly release: string;
  readonly installedMs: number;
  readonly switches: readonly SwitchRecord[];
  /** The last of the dynamic MAC addresses that was given away. */
  readonly lastMacAddress: number;
}

/**
 * The host's memory on disk: `state.json` for the host, `machines/<GUID>/machine.json` for each machine. A file is replaced as a
 * whole: written under another name, synced, renamed, so that a crash leaves the old or the new one.
 */
export class StateFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async open(fresh: () => HostRecord): Promise<{ host: HostRecord; machines: MachineRecord[] }> {
    await mkdir(join(this.path, "machines"), { recursive: true });
    const text = await readFile(join(this.path, "state.json"), "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return null;
      throw error;
    });
    const host = text === null ? fresh() : JSON.parse(text) as HostRecord;
    if (text === null) await this.saveHost(host);
    return { host, machines: await this.#readMachines() };
  }

  machineFolder(guid: string): string {
    return join(this.path, "machines", guid);
  }

  async saveHost(host: HostRecord): Promise<void> {
    await writeDurably(join(this.path, "state.json"), JSON.stringify(host, null, 1));
  }

  async saveMachine(record: MachineRecord): Promise<void> {
    const folder = this.machineFolder(record.guid);
    if ((await mkdir(folder, { recursive: true })) !== undefined) await syncFolder(join(folder, ".."));
    await writeDurably(join(folder, "machine.json"), encode(record));
  }

  async removeMachine(guid: string): Promise<void> {
    // The record goes first: a folder without one is what a crash left of a removal, and is swept at the next opening.
    await rm(join(this.machineFolder(guid), "machine.json"), { force: true });
    await rm(this.machineFolder(guid), { recursive: true, force: true });
  }

  async #readMachines(): Promise<MachineRecord[]> {
    const records: MachineRecord[] = [];
    for (const guid of await readdir(join(this.path, "machines"))) {
      const text = await readFile(join(this.machineFolder(guid), "machine.json"), "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return null;
        throw error;
      });
      if (text === null) await rm(this.machineFolder(guid), { recursive: true, force: true });
      else records.push(decode(text));
    }
    return records;
  }
}

/** JSON in which 64-bit integers are `{"uint64": "…"}`; datetimes and references are plain objects already. */
function encode(record: MachineRecord): string {
  return JSON.stringify(record, (_key, value: unknown) => (typeof value === "bigint" ? { uint64: value.toString() } : value));
}

function decode(text: string): MachineRecord {
  return JSON.parse(text, (_key, value: unknown) => {
    const integer = typeof value === "object" && value !== null && "uint64" in value ? value.uint64 : undefined;
    return typeof integer === "string" ? BigInt(integer) : value;
  }) as MachineRecord;
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(`${path}.new`, "w");
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  await syncFolder(join(path, ".."));
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
