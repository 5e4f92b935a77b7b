import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { probeAcceleration, qemuProgram } from "./accelerator.ts";
import { ConsoleBuffer } from "./console-buffer.ts";
import type { KeyMovement } from "./key-codes.ts";
import type { Machine, MachineEvents, MachineHardware, MachinePower } from "./machine.ts";
import { prepareMachineStore, variableStoreFile } from "./machine-store.ts";
import { arrived, migrated, shellQuoted } from "./saved-state.ts";
import { endRecordedProcess, recordProcess } from "./process-record.ts";
import { qemuArguments, serialDescriptor } from "./qemu-arguments.ts";
import { QmpConnection } from "./qmp.ts";
import { parsePixmap, thumbnail } from "./thumbnail.ts";

// QEMU's complaint about a machine it cannot make is one line; a chatty one must not fill our memory.
const errorTextCharactersMax = 4096;
const quitTimeoutMs = 3000;
// The keyboard controller holds sixteen codes; firmware under translation fetches them slowly.
const keyIntervalMs = 10;
const setprivPath = "/usr/bin/setpriv";

/** A machine under QEMU with real firmware. It dies with this process, even when that is killed. */
export class FirmwareMachine implements Machine {
  readonly console: ConsoleBuffer;
  readonly guestAnswers = false;
  readonly exchangesDisks = false;
  #power: MachinePower = "off";
  #run: Run | null = null;
  readonly #guid: string;
  readonly #folder: string;
  readonly #events: MachineEvents;

  constructor(guid: string, folder: string, events: MachineEvents, keptConsoleBytesMax: number) {
    this.#guid = guid;
    this.#folder = folder;
    this.#events = events;
    this.console = new ConsoleBuffer(keptConsoleBytesMax);
  }

  get power(): MachinePower {
    return this.#power;
  }

  get processId(): number {
    return this.#run?.child.pid ?? 0;
  }

  async start(hardware: MachineHardware): Promise<void> {
    const store = async () => (hardware.firmware ? prepareMachineStore(this.#folder, hardware.firmware) : "");
    await this.#launch(hardware, store, []);
    await rm(this.#savedState(), { force: true });
  }

  async restore(hardware: MachineHardware): Promise<void> {
    if (!existsSync(this.#savedState())) throw new Error("The saved state is gone.");
    // The variable store is part of what was saved: it stays as it is.
    const run = await this.#launch(hardware, async () => join(this.#folder, variableStoreFile), ["-incoming", `exec:cat ${shellQuoted(this.#savedState())}`]);
    await arrived(run.qmp);
    await run.qmp.execute("cont");
    this.#power = "running";
    await rm(this.#savedState(), { force: true });
  }

  async save(): Promise<void> {
    const qmp = this.#qmp();
    await qmp.execute("stop");
    const path = `${this.#savedState()}.new`;
    await qmp.execute("migrate", { uri: `exec:cat > ${shellQuoted(path)}` });
    await migrated(qmp);
    await rename(path, this.#savedState());
    await this.turnOff();
  }

  async #launch(hardware: MachineHardware, store: () => Promise<string>, extra: readonly string[]): Promise<Run> {
    if (this.#run) throw new Error("The machine is already running.");
    await mkdir(this.#folder, { recursive: true });
    await endRecordedProcess(this.#processRecord(), `signet-${this.#guid}`);
    const run = launch([...qemuArguments(this.#guid, hardware, await probeAcceleration(), await store()), ...extra], (name) => this.#onEvent(run, name));
    this.#run = run;
    run.child.once("exit", () => this.#onExit(run));
    this.console.begin((data) => run.serial.write(data));
    run.serial.on("data", (data: Buffer) => this.console.write(data));
    if (run.child.pid !== undefined) await recordProcess(this.#processRecord(), run.child.pid);
    try {
      await run.qmp.execute("qmp_capabilities");
    } catch (cause) {
      await run.ended;
      throw new Error(`QEMU did not start: ${run.errorText().trim() || "it gave no reason"}`, { cause });
    }
    this.#power = "running";
    return run;
  }

  async turnOff(): Promise<void> {
    const run = this.#run;
    if (!run) return;
    run.expected = true;
    const timer = setTimeout(() => run.child.kill("SIGKILL"), quitTimeoutMs);
    run.qmp.execute("quit").catch(() => run.child.kill("SIGKILL"));
    await run.ended;
    clearTimeout(timer);
  }

  async reset(): Promise<void> {
    await this.#qmp().execute("system_reset");
    if (this.#power === "paused") await this.resume();
  }

  async pause(): Promise<void> {
    await this.#qmp().execute("stop");
    this.#power = "paused";
  }

  async resume(): Promise<void> {
    await this.#qmp().execute("cont");
    this.#power = "running";
  }

  async type(movements: readonly KeyMovement[]): Promise<void> {
    for (const { key, down } of movements) {
      await this.#qmp().execute("input-send-event", { events: [{ type: "key", data: { key, down } }] });
      await pause(keyIntervalMs);
    }
  }

  async picture(widthPixels: number, heightPixels: number): Promise<Uint8Array | null> {
    if (!this.#run) return null;
    const path = join(this.#folder, `screen-${Date.now()}-${Math.floor(Math.random() * 1e9)}.ppm`);
    try {
      await this.#qmp().execute("screendump", { filename: path });
      return thumbnail(parsePixmap(await readFile(path)), widthPixels, heightPixels);
    } finally {
      await rm(path, { force: true });
    }
  }

  #qmp(): QmpConnection {
    if (!this.#run) throw new Error("The machine is off.");
    return this.#run.qmp;
  }

  #onEvent(run: Run, name: string): void {
    if (run !== this.#run) return;
    if (name === "STOP") this.#power = "paused";
    if (name === "RESUME") this.#power = "running";
  }

  #onExit(run: Run): void {
    if (run !== this.#run) return;
    this.#run = null;
    const started = this.#power !== "off";
    this.#power = "off";
    this.console.end();
    void rm(this.#processRecord(), { force: true });
    run.finish();
    if (started && !run.expected) this.#events.stopped();
  }

  #savedState(): string {
    return join(this.#folder, "saved.state");
  }

  #processRecord(): string {
    return join(this.#folder, "qemu.pid");
  }
}

interface Run {
  readonly child: ChildProcess;
  readonly qmp: QmpConnection;
  readonly serial: Duplex;
  readonly ended: Promise<void>;
  /** Tells those who wait for the end that it was dealt with. */
  finish(): void;
  errorText(): string;
  expected: boolean;
}

function launch(qemu: readonly string[], onEvent: (name: string) => void): Run {
  // The kernel kills QEMU when we end in whatever way; without setpriv only the process record finds it again.
  const wrapped = existsSync(setprivPath) ? [setprivPath, "--pdeathsig", "KILL", qemuProgram, ...qemu] : [qemuProgram, ...qemu];
  const child = spawn(wrapped[0] ?? qemuProgram, wrapped.slice(1), { stdio: ["pipe", "pipe", "pipe", "pipe"] });
  const { stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) throw new Error("QEMU was started without its standard streams.");
  let text = "";
  stderr.setEncoding("utf8");
  stderr.on("data", (more: string) => {
    text = (text + more).slice(-errorTextCharactersMax);
  });
  child.on("error", (error) => {
    text += error.message;
    // A program that cannot be found never exits, since it never ran.
    if (child.pid === undefined) child.emit("exit", 127, null);
  });
  const serial = child.stdio[serialDescriptor] as Duplex;
  serial.on("error", () => { /* The machine went off while somebody typed. */ });
  const { promise: ended, resolve: finish } = Promise.withResolvers<void>();
  const qmp = new QmpConnection(stdout, stdin, ({ name }) => onEvent(name));
  return { child, qmp, serial, ended, finish, errorText: () => text, expected: false };
}
