import { randomUUID } from "node:crypto";
import type { MachineGuid, ServerId } from "../ids.ts";
import type { ComputeHost, FirmwareReading, HostFacts, HostFaultShape, HostImage, MachineActual, MachineObservation, MachineSpec, PowerAction } from "../ports.ts";

/** A fault as hosts raise it. */
export class MemoryHostFault extends Error implements HostFaultShape {
  override readonly name = "MemoryHostFault";
  readonly code: string;
  readonly retry: "now" | "later" | "never";
  readonly where: string;

  constructor(code: string, retry: HostFaultShape["retry"], where: string, message: string) {
    super(message);
    this.code = code;
    this.retry = retry;
    this.where = where;
  }
}

type Verb = Exclude<keyof ComputeHost, "interpretConsole" | "close">;
interface Kept {
  actual: MachineActual;
  consoleText: string;
}

/** A host in memory with the manners of the port: verbs may be repeated. For tests of what is above hosts. */
export class MemoryHost implements ComputeHost {
  readonly machines = new Map<ServerId, Kept>();
  readonly images = new Set<string>();
  readonly disks = new Map<string, ServerId>();
  /** What the serial port says once a machine has started. */
  consoleText = "BdsDxe: loading Boot0001\nBdsDxe: starting Boot0001\nguest: ready\n";
  heartbeat: MachineObservation["heartbeat"] = "ok";
  /** Changes what a machine turns out to be, as a host that does not do what it was asked. */
  distort: (actual: MachineActual) => MachineActual = (actual) => actual;
  /** Called before each verb; throws to make it fail. */
  before: (verb: Verb, argument: unknown) => void | Promise<void> = () => {};
  /** Called after each verb has had its effect; throws to lose the answer. */
  afterwards: (verb: Verb) => void = () => {};
  readonly calls: Verb[] = [];
  /** An event called like the machine when it goes off: consoles end then. */
  readonly #stopped = new EventTarget();
  readonly #facts: HostFacts;

  constructor(facts: HostFacts) {
    this.#facts = facts;
  }

  probe(): Promise<HostFacts> {
    return this.#do("probe", null, () => this.#facts);
  }

  prepareImage(image: HostImage): Promise<{ path: string }> {
    return this.#do("prepareImage", image, () => {
      const path = `C:\\Images\\${image.sha256}.${image.format}`;
      this.images.add(path);
      return { path };
    });
  }

  createRootDisk(disk: { readonly serverId: ServerId; readonly imagePath: string; readonly format: "vhdx" | "vhd" }): Promise<{ path: string }> {
    return this.#do("createRootDisk", disk, () => {
      if (!this.images.has(disk.imagePath)) throw new MemoryHostFault("MH-NO-IMAGE", "never", "createRootDisk", `no image at ${disk.imagePath}`);
      const path = `C:\\Disks\\${disk.serverId}.${disk.format}`;
      this.disks.set(path, disk.serverId);
      return { path };
    });
  }

  defineMachine(spec: MachineSpec): Promise<MachineGuid> {
    return this.#do("defineMachine", spec, () => {
      const present = this.machines.get(spec.serverId);
      if (present !== undefined) return present.actual.guid;
      const guid = randomUUID().toUpperCase() as MachineGuid;
      const actual: MachineActual = {
        guid, serverId: spec.serverId, name: spec.name, state: "off", generation: spec.generation, secureBootEnabled: spec.secureBoot.enabled,
        secureBootTemplateId: spec.secureBoot.templateId, cpuCount: spec.cpuCount, memoryBytes: spec.memoryBytes, diskPaths: [spec.rootDiskPath], nics: spec.nics, bootOrder: [spec.rootDiskPath], uptimeSeconds: 0,
      };
      this.machines.set(spec.serverId, { actual: this.distort(actual), consoleText: this.consoleText });
      return guid;
    });
  }

  readMachine(serverId: ServerId): Promise<MachineActual | null> {
    return this.#do("readMachine", serverId, () => this.machines.get(serverId)?.actual ?? null);
  }

  listMachines(): Promise<readonly MachineActual[]> {
    return this.#do("listMachines", null, () => [...this.machines.values()].map(({ actual }) => actual));
  }

  setPower(machine: MachineGuid, action: PowerAction): Promise<void> {
    return this.#do("setPower", { machine, action }, () => {
      const kept = this.#find(machine);
      kept.actual = { ...kept.actual, state: action === "start" || action === "reset" ? "running" : "off" };
      if (kept.actual.state === "off") this.#stopped.dispatchEvent(new Event(machine));
    });
  }

  destroyMachine(serverId: ServerId): Promise<void> {
    return this.#do("destroyMachine", serverId, () => {
      this.machines.delete(serverId);
      for (const [path, owner] of this.disks) if (owner === serverId) this.disks.delete(path);
    });
  }

  observe(machine: MachineGuid): Promise<MachineObservation> {
    return this.#do("observe", machine, () => ({ running: this.#find(machine).actual.state === "running", heartbeat: this.heartbeat, guestOperatingSystem: null }));
  }

  async followConsole(machine: MachineGuid, onText: (text: string) => void, signal: AbortSignal): Promise<void> {
    await this.#do("followConsole", machine, () => onText(this.#find(machine).consoleText));
    if (signal.aborted) return;
    await new Promise((settle) => {
      signal.addEventListener("abort", settle, { once: true });
      this.#stopped.addEventListener(machine, settle, { once: true });
    });
  }

  interpretConsole(text: string): FirmwareReading {
    const refused = text.split("\n").findLast((line) => line.includes("Access Denied"));
    if (refused !== undefined) return { outcome: "refused", line: refused };
    const started = text.split("\n").findLast((line) => line.startsWith("BdsDxe: starting"));
    return started === undefined ? { outcome: "undecided", line: null } : { outcome: "accepted", line: started };
  }

  readThumbnail(machine: MachineGuid, size: { readonly widthPixels: number; readonly heightPixels: number }): Promise<Uint8Array> {
    return this.#do("readThumbnail", machine, () => new Uint8Array(size.widthPixels * size.heightPixels * 2));
  }

  async close(): Promise<void> {}

  #find(machine: MachineGuid): Kept {
    const kept = [...this.machines.values()].find(({ actual }) => actual.guid === machine);
    if (kept === undefined) throw new MemoryHostFault("MH-NO-MACHINE", "never", "find", `no machine ${machine}`);
    return kept;
  }

  async #do<Result>(verb: Verb, argument: unknown, act: () => Result): Promise<Result> {
    this.calls.push(verb);
    await this.before(verb, argument);
    const result = act();
    this.afterwards(verb);
    return result;
  }
}
