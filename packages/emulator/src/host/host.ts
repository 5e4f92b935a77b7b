import { randomUUID } from "node:crypto";
import type { Clock } from "../clock.ts";
import type { ShellPrograms } from "@signet/wsman/shell";
import type { DriveFiles } from "../drive/drive-files.ts";
import type { VirtualDisks } from "../drive/virtual-disks.ts";
import type { ConsoleBuffer } from "../machine/console-buffer.ts";
import type { PipeDirectory } from "../programs/pipe-directory.ts";
import type { Uncertainties } from "../uncertainties.ts";
import type { HostCapacity } from "./capacity.ts";
import { Jobs } from "./jobs.ts";
import type { MachineRecord } from "./machine-record.ts";
import { firstPipeOf } from "./machine-hardware.ts";
import { HostProcesses } from "./processes.ts";
import type { Release } from "./releases.ts";
import type { HostRecord, StateFolder } from "./state-folder.ts";
import { Turns } from "./turns.ts";
import { VirtualMachine, type MachineSurroundings } from "./virtual-machine.ts";

export interface HostParts {
  readonly name: string;
  readonly release: Release;
  readonly clock: Clock;
  readonly uncertainties: Uncertainties;
  readonly folder: StateFolder;
  readonly files: DriveFiles;
  readonly disks: VirtualDisks;
  readonly capacity: HostCapacity;
  readonly record: HostRecord;
  readonly machines: readonly MachineRecord[];
  readonly makeMachine: MachineSurroundings["makeMachine"];
  /** Makes the programs of the host, which read serial ports through the pipes given. */
  readonly makePrograms: (pipes: PipeDirectory) => ShellPrograms;
  readonly onBug: (error: unknown) => void;
}

// Hyper-V's own range for dynamic addresses: 00-15-5D and two bytes of the host's, then 256 machines' worth; ours is wider.
const macPrefix = "00155D";

/** Everything there is on one emulated host: what the provider shows and the services change. */
export class Host {
  readonly name: string;
  /** As Windows writes it: `__SERVER`, and the name of the host's own Msvm_ComputerSystem. */
  readonly computerName: string;
  readonly release: Release;
  readonly clock: Clock;
  readonly uncertainties: Uncertainties;
  readonly files: DriveFiles;
  readonly disks: VirtualDisks;
  readonly capacity: HostCapacity;
  readonly jobs: Jobs;
  readonly programs: ShellPrograms;
  readonly processes: HostProcesses;
  readonly bootedMs: number;
  readonly onBug: (error: unknown) => void;
  readonly #folder: StateFolder;
  readonly #machines = new Map<string, VirtualMachine>();
  readonly #surroundings: MachineSurroundings;
  #record: HostRecord;
  readonly #turns = new Turns();

  constructor(parts: HostParts) {
    this.name = parts.name;
    this.computerName = parts.name.toUpperCase();
    this.release = parts.release;
    this.clock = parts.clock;
    this.uncertainties = parts.uncertainties;
    this.files = parts.files;
    this.disks = parts.disks;
    this.capacity = parts.capacity;
    this.onBug = parts.onBug;
    this.jobs = new Jobs(parts.clock, parts.uncertainties.jobKeptMs, parts.onBug);
    this.programs = parts.makePrograms({ find: (name) => this.#findPipe(name) });
    this.processes = new HostProcesses(this.programs);
    this.bootedMs = parts.clock.nowMs();
    this.#folder = parts.folder;
    this.#record = parts.record;
    this.#surroundings = { clock: parts.clock, folder: parts.folder, makeMachine: parts.makeMachine, onBug: parts.onBug };
    for (const record of parts.machines) this.#machines.set(record.guid, new VirtualMachine(record, this.#surroundings));
  }

  get record(): HostRecord {
    return this.#record;
  }

  get machines(): Iterable<VirtualMachine> {
    return this.#machines.values();
  }

  machine(guid: string): VirtualMachine | undefined {
    return this.#machines.get(guid.toUpperCase());
  }

  /** The machine that has the GUID, or has a checkpoint with it. */
  machineOf(guid: string): VirtualMachine | undefined {
    const wanted = guid.toUpperCase();
    const direct = this.#machines.get(wanted);
    if (direct) return direct;
    for (const machine of this.#machines.values()) if (machine.record.checkpoints.some((checkpoint) => checkpoint.guid === wanted)) return machine;
    return undefined;
  }

  async addMachine(record: MachineRecord): Promise<VirtualMachine> {
    await this.#folder.saveMachine(record);
    const machine = new VirtualMachine(record, this.#surroundings);
    this.#machines.set(record.guid, machine);
    return machine;
  }

  async removeMachine(machine: VirtualMachine): Promise<void> {
    this.#machines.delete(machine.guid);
    await this.#folder.removeMachine(machine.guid);
  }

  /** Changes what the host itself remembers, one change at a time, on disk first. */
  change(edit: (record: HostRecord) => HostRecord): Promise<void> {
    return this.#turns.take(async () => {
      const edited = edit(this.#record);
      await this.#folder.saveHost(edited);
      this.#record = edited;
    });
  }

  /** The console of the machine whose COM1 leads to the pipe, while that machine is on. */
  #findPipe(name: string): ConsoleBuffer | null {
    const wanted = name.toLowerCase();
    for (const machine of this.#machines.values()) {
      if (machine.machine.power !== "off" && firstPipeOf(machine.record)?.toLowerCase() === wanted) return machine.machine.console;
    }
    return null;
  }

  /** A dynamic address that no adapter of this host had before: twelve hexadecimal digits. */
  async nextMacAddress(): Promise<string> {
    let address = "";
    await this.change((record) => {
      const next = (record.lastMacAddress + 1) & 0xffffff;
      address = macPrefix + next.toString(16).toUpperCase().padStart(6, "0");
      return { ...record, lastMacAddress: next };
    });
    return address;
  }
}

export function freshHostRecord(release: Release, nowMs: number): HostRecord {
  const guid = () => randomUUID().toUpperCase();
  const host = guid();
  return {
    hostGuid: host, release: release.name, installedMs: nowMs,
    switches: [{ guid: guid(), name: "External", notes: [], kind: "external" }, { guid: guid(), name: "Default Switch", notes: [], kind: "internal" }],
    // Two hosts hand out different addresses: the third byte from the end is the host's own.
    lastMacAddress: Number.parseInt(host.slice(0, 4), 16) << 8,
  };
}
