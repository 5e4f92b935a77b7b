import type { Clock } from "../clock.ts";
import type { RuntimeDisk } from "../drive/virtual-disks.ts";
import type { Machine, MachineFactory } from "../machine/machine.ts";
import { type PreparedHardware, releaseDisks } from "./machine-hardware.ts";
import { notSupported, Refusal, returnCode } from "./refusal.ts";
import type { MachineRecord } from "./machine-record.ts";
import type { StateFolder } from "./state-folder.ts";
import { Turns } from "./turns.ts";

/** `EnabledState` of Msvm_ComputerSystem. */
export const enabledState = { running: 2, off: 3, stopping: 4, saved: 6, paused: 9, starting: 10, saving: 32773, pausing: 32776, resuming: 32777 } as const;

export interface MachineSurroundings {
  readonly clock: Clock;
  readonly folder: StateFolder;
  readonly makeMachine: MachineFactory;
  readonly onBug: (error: unknown) => void;
}

/** One machine of the host: its record, which is on disk before anybody is told of a change, and the thing that runs. */
export class VirtualMachine {
  readonly guid: string;
  readonly machine: Machine;
  #record: MachineRecord;
  #transition: number | null = null;
  #disks: readonly RuntimeDisk[] = [];
  #startedMs: number | null = null;
  #retired = false;
  #changedStateMs: number;
  #changedConfigurationMs: number;
  readonly #turns = new Turns();
  readonly #surroundings: MachineSurroundings;

  constructor(record: MachineRecord, surroundings: MachineSurroundings) {
    this.guid = record.guid;
    this.#record = record;
    this.#surroundings = surroundings;
    this.#changedStateMs = record.createdMs;
    this.#changedConfigurationMs = record.createdMs;
    this.machine = surroundings.makeMachine(record.guid, surroundings.folder.machineFolder(record.guid), { stopped: () => void this.#stoppedByItself() });
  }

  get record(): MachineRecord {
    return this.#record;
  }

  get name(): string {
    return String(this.#record.settings["ElementName"] ?? "");
  }

  /** As `EnabledState` gives it, states of transition included. */
  get state(): number {
    if (this.#transition !== null) return this.#transition;
    if (this.machine.power === "running") return enabledState.running;
    if (this.machine.power === "paused") return enabledState.paused;
    return this.#record.saved ? enabledState.saved : enabledState.off;
  }

  get isOff(): boolean {
    return this.state === enabledState.off;
  }

  get upTimeMs(): number {
    return this.#startedMs === null ? 0 : this.#surroundings.clock.nowMs() - this.#startedMs;
  }

  get changedStateMs(): number {
    return this.#changedStateMs;
  }

  get changedConfigurationMs(): number {
    return this.#changedConfigurationMs;
  }

  /** One change at a time: what `work` reads stays true until it has written. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.take(work);
  }

  /** Replaces the record, on disk first. To be called in turn. */
  async keep(record: MachineRecord): Promise<void> {
    await this.#surroundings.folder.saveMachine(record);
    this.#record = record;
    this.#changedConfigurationMs = this.#surroundings.clock.nowMs();
  }

  /** Shows a state of transition until the answer is called. */
  beginTransition(state: number): () => void {
    this.#transition = state;
    return () => {
      this.#transition = null;
      this.#changedStateMs = this.#surroundings.clock.nowMs();
    };
  }

  /** Turns on, or goes on from the saved state. The disks are in use until the machine is off, whatever turns it off. */
  async start({ hardware, disks }: PreparedHardware): Promise<void> {
    this.#disks = disks;
    try {
      if (this.#retired) throw new Refusal(returnCode.systemNotAvailable, "The host is shutting down.");
      const resumes = this.#record.saved;
      await doing(() => (resumes ? this.machine.restore(hardware) : this.machine.start(hardware)), `'${this.name}' failed to start. (Virtual machine ID ${this.guid})`);
    } catch (error) {
      await this.#release();
      throw error;
    }
    this.#startedMs = this.#surroundings.clock.nowMs();
    await this.#remember({ wasRunning: true, saved: false });
  }

  /** Off at once, as by pulling the plug; a saved state is discarded. */
  async turnOff(): Promise<void> {
    await doing(() => this.machine.turnOff(), `'${this.name}' could not be turned off.`);
    await this.#wentOff({ wasRunning: false, saved: false });
  }

  async save(): Promise<void> {
    await doing(() => this.machine.save(), `'${this.name}' could not be saved.`);
    await this.#wentOff({ wasRunning: false, saved: true });
  }

  async pause(): Promise<void> {
    await doing(() => this.machine.pause(), `'${this.name}' could not be paused.`);
  }

  async resume(): Promise<void> {
    await doing(() => this.machine.resume(), `'${this.name}' could not be resumed.`);
  }

  async reset(): Promise<void> {
    await doing(() => this.machine.reset(), `'${this.name}' could not be reset.`);
    this.#startedMs = this.#surroundings.clock.nowMs();
  }

  /** Does work on the machine's disks, which are not in use meanwhile. To be called in turn. */
  async withDisksFree(work: () => Promise<void>, prepare: () => Promise<PreparedHardware>): Promise<void> {
    const isOn = this.machine.power !== "off";
    if (isOn && !this.machine.exchangesDisks) throw notSupported("The disks of a machine that is on cannot be exchanged on this host; turn it off first.");
    await this.#release();
    try {
      await work();
    } finally {
      if (isOn) this.#disks = (await prepare()).disks;
    }
  }

  /** The host goes down: the machine goes off, and its record keeps that it was on. */
  async stopWithHost(): Promise<void> {
    this.#retired = true;
    await this.#turns.take(async () => {
      await this.machine.turnOff();
      await this.#release();
    });
  }

  async #stoppedByItself(): Promise<void> {
    this.#changedStateMs = this.#surroundings.clock.nowMs();
    await this.inTurn(() => this.#wentOff({ wasRunning: false, saved: false })).catch((error: unknown) => this.#surroundings.onBug(error));
  }

  async #wentOff(facts: { readonly wasRunning: boolean; readonly saved: boolean }): Promise<void> {
    this.#startedMs = null;
    await this.#release();
    await this.#remember(facts);
  }

  async #release(): Promise<void> {
    const disks = this.#disks;
    this.#disks = [];
    await releaseDisks(disks);
  }

  async #remember(facts: { readonly wasRunning: boolean; readonly saved: boolean }): Promise<void> {
    if (this.#record.wasRunning === facts.wasRunning && this.#record.saved === facts.saved) return;
    await this.keep({ ...this.#record, ...facts });
  }
}

/** What the machine itself cannot do is told as Hyper-V tells it: general failure, with the cause in the text. */
async function doing(work: () => Promise<void>, summary: string): Promise<void> {
  try {
    await work();
  } catch (cause) {
    throw new Refusal(returnCode.failed, `${summary} ${(cause as Error).message}`, "job", { cause });
  }
}
