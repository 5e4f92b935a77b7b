import { readAbout, type AboutHost } from "./about-host.ts";
import { interpretConsole } from "./console.ts";
import { defineMachine } from "./define.ts";
import { destroyServer } from "./destroy.ts";
import { followConsole } from "./follow-console.ts";
import { HostLink, HostSession } from "./host-session.ts";
import type {
  FirmwareReading, HostConnection, HostFacts, HostImage, MachineActual, MachineObservation, MachineSpec, PictureSize, PowerAction, RootDisk,
} from "./host-types.ts";
import { ImageShelf, prepareImage } from "./image-transfer.ts";
import { observeMachine } from "./observe.ts";
import { setPower } from "./power.ts";
import { probeHost } from "./probe.ts";
import type { Quirks } from "./quirks.ts";
import { listMachines, readMachine } from "./read-machine.ts";
import { assertGuid } from "./references.ts";
import { createRootDisk } from "./root-disk.ts";
import { KeyedSlots } from "./slots.ts";
import { readThumbnail } from "./thumbnail.ts";

/**
 * A Hyper-V host, driven over WS-Management without an agent. Every method may be repeated and fails with a `HostFault`; an aborted
 * signal rejects with its reason. The type parameters are the caller's brands of ids: on the wire all are GUIDs, and a server id is
 * lower-case, a machine's upper-case, a template's lower-case.
 */
export class HyperVHost<Server extends string = string, Machine extends string = string, Template extends string = string> {
  readonly #link: HostLink;
  readonly #shelf = new ImageShelf();
  readonly #copying = new KeyedSlots();
  readonly #defining = new KeyedSlots();
  /** Machines by server, as they were last seen. */
  readonly #seen = new Map<string, string>();
  readonly #closed = new AbortController();
  #about: AboutHost | null = null;

  constructor(connection: HostConnection, options: { readonly quirks?: Partial<Quirks> } = {}) {
    this.#link = new HostLink(connection, options.quirks);
  }

  probe(signal: AbortSignal): Promise<HostFacts<Template>> {
    return this.#do("look at the host", signal, async (session) => {
      const { about, facts } = await probeHost(session);
      // The host may have been upgraded, or its folders moved.
      this.#about = about;
      return facts as HostFacts<Template>;
    });
  }

  prepareImage(image: HostImage, signal: AbortSignal): Promise<{ readonly path: string }> {
    return this.#do("prepare an image", signal, async (session) => prepareImage(session, await this.#know(session), this.#shelf, image));
  }

  createRootDisk(disk: RootDisk, signal: AbortSignal): Promise<{ readonly path: string }> {
    return this.#do("create a root disk", signal, async (session) => createRootDisk(session, await this.#know(session), this.#copying, disk));
  }

  defineMachine(spec: MachineSpec, signal: AbortSignal): Promise<Machine> {
    return this.#do("define a machine", signal, async (session) => {
      const about = await this.#know(session);
      const guid = await this.#defining.use(spec.serverId.toLowerCase(), session.signal, () => defineMachine(session, about, spec));
      this.#seen.set(spec.serverId.toLowerCase(), guid);
      return guid as Machine;
    });
  }

  readMachine(serverId: Server, signal: AbortSignal): Promise<MachineActual<Server, Machine, Template> | null> {
    return this.#do("read a machine", signal, async (session) => await readMachine(session, this.#seen, serverId) as MachineActual<Server, Machine, Template> | null);
  }

  listMachines(signal: AbortSignal): Promise<readonly MachineActual<Server, Machine, Template>[]> {
    return this.#do("list machines", signal, async (session) => await listMachines(session, this.#seen) as readonly MachineActual<Server, Machine, Template>[]);
  }

  setPower(machine: Machine, action: PowerAction, signal: AbortSignal): Promise<void> {
    return this.#doWith(machine, `${action.replace("-", " ")} a machine`, signal, (session) => setPower(session, machine, action));
  }

  destroyMachine(serverId: Server, signal: AbortSignal): Promise<void> {
    return this.#do("destroy a machine", signal, async (session) => {
      const about = await this.#know(session);
      await this.#defining.use(serverId.toLowerCase(), session.signal, () => destroyServer(session, about, this.#seen, serverId));
    });
  }

  observe(machine: Machine, signal: AbortSignal): Promise<MachineObservation> {
    return this.#doWith(machine, "observe a machine", signal, (session) => observeMachine(session, machine));
  }

  followConsole(machine: Machine, onText: (text: string) => void, signal: AbortSignal): Promise<void> {
    return this.#doWith(machine, "follow a console", signal, async (session) => followConsole(session, await this.#know(session), machine, onText)).catch((error: unknown) => {
      // Whoever aborts has heard enough; that is the ordinary end.
      if (!signal.aborted) throw error;
    });
  }

  interpretConsole(text: string): FirmwareReading {
    return interpretConsole(text);
  }

  readThumbnail(machine: Machine, size: PictureSize, signal: AbortSignal): Promise<Uint8Array> {
    return this.#doWith(machine, "take a picture", signal, (session) => readThumbnail(session, machine, size));
  }

  /** Ends what is under way; the host goes on with jobs it has begun. */
  async close(): Promise<void> {
    this.#closed.abort(new Error(`The connection to ${this.#link.name} is closed.`));
    this.#link.close();
  }

  async #know(session: HostSession): Promise<AboutHost> {
    this.#about ??= await readAbout(session);
    return this.#about;
  }

  /** Ids of machines become part of queries, so they are looked at first. */
  #doWith<Result>(machine: Machine, operation: string, signal: AbortSignal, act: (session: HostSession) => Promise<Result>): Promise<Result> {
    return this.#do(operation, signal, (session) => {
      assertGuid(machine);
      return act(session);
    });
  }

  async #do<Result>(operation: string, signal: AbortSignal, act: (session: HostSession) => Promise<Result>): Promise<Result> {
    const either = AbortSignal.any([signal, this.#closed.signal]);
    either.throwIfAborted();
    return act(new HostSession(this.#link, `${this.#link.name}, ${operation}`, either));
  }
}

/** Nothing is sent before the first operation: a host that is away can be connected to. */
export function connectHyperVHost<Server extends string = string, Machine extends string = string, Template extends string = string>(
  connection: HostConnection, options: { readonly quirks?: Partial<Quirks> } = {},
): HyperVHost<Server, Machine, Template> {
  return new HyperVHost<Server, Machine, Template>(connection, options);
}
