import { ConsoleBuffer } from "./console-buffer.ts";
import type { KeyMovement } from "./key-codes.ts";
import type { Machine, MachineHardware, MachinePower } from "./machine.ts";

let lastProcessId = 4000;

/** A machine that only pretends: it changes state at once, its guest answers from the start, its console is empty, its screen black. */
export class InstantMachine implements Machine {
  readonly console = new ConsoleBuffer(0);
  readonly exchangesDisks = true;
  #power: MachinePower = "off";
  #processId = 0;

  get power(): MachinePower {
    return this.#power;
  }

  get processId(): number {
    return this.#processId;
  }

  get guestAnswers(): boolean {
    return this.#power === "running";
  }

  async start(_hardware: MachineHardware): Promise<void> {
    if (this.#power !== "off") throw new Error("The machine is already running.");
    lastProcessId += 4;
    this.#processId = lastProcessId;
    this.#power = "running";
    this.console.begin(null);
  }

  async turnOff(): Promise<void> {
    this.#power = "off";
    this.#processId = 0;
    this.console.end();
  }

  async save(): Promise<void> {
    this.#require();
    await this.turnOff();
  }

  restore(hardware: MachineHardware): Promise<void> {
    return this.start(hardware);
  }

  async reset(): Promise<void> {
    this.#require();
    this.#power = "running";
  }

  async pause(): Promise<void> {
    this.#require();
    this.#power = "paused";
  }

  async resume(): Promise<void> {
    this.#require();
    this.#power = "running";
  }

  async type(_movements: readonly KeyMovement[]): Promise<void> {
    this.#require();
  }

  async picture(widthPixels: number, heightPixels: number): Promise<Uint8Array | null> {
    return this.#power === "off" ? null : new Uint8Array(widthPixels * heightPixels * 2);
  }

  #require(): void {
    if (this.#power === "off") throw new Error("The machine is off.");
  }
}
