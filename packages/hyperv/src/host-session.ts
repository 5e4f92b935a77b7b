import { WMI, WsmanFault } from "@signet/wsman";
import type { CimInstance, CimParameters, CimReference } from "@signet/wsman/cim";
import { type CommandOptions, type CommandResult, type MethodResult, WsmanClient, WsmanTransportError } from "@signet/wsman/client";
import { explainWireFailure, HostFault, type HostFaultCode, type Retry } from "./host-fault.ts";
import type { HostConnection } from "./host-types.ts";
import { defaultQuirks, type Quirks } from "./quirks.ts";
import { pause, Slots } from "./slots.ts";

// As many requests as a host is asked at a time: WMI answers them one after the other all the same.
const requestsMax = 8;
// Copies of whole images at a time: more would only share the same disk and network.
const transfersMax = 4;
// Serial ports followed at a time. Each is a shell, and WinRM gives one user 30 of them (MaxShellsPerUser).
const consolesMax = 20;
// A short command besides those.
const commandsMax = 4;
// A read may be repeated at will: so often, with these pauses, before a passing trouble becomes a fault.
const readPausesMs = [200, 1000];

/** What all operations on one host share. */
export class HostLink {
  readonly name: string;
  readonly quirks: Quirks;
  readonly client: WsmanClient;
  /** Programs on the host hold a connection while they run, so they have their own: requests must not queue behind consoles. */
  readonly programs: WsmanClient;
  readonly requests = new Slots(requestsMax);
  readonly transfers = new Slots(transfersMax);
  readonly consoles = new Slots(consolesMax);
  readonly commands = new Slots(commandsMax);

  constructor(connection: HostConnection, quirks: Partial<Quirks> = {}) {
    this.name = connection.name;
    this.quirks = { ...defaultQuirks, ...quirks };
    const { url, user, password, tlsFingerprint, authentication, clientCertificate } = connection;
    const reach = { url, user, password, tlsFingerprint, authentication, clientCertificate };
    this.client = new WsmanClient({ ...reach, connectionsMax: requestsMax });
    this.programs = new WsmanClient({ ...reach, connectionsMax: transfersMax + consolesMax + commandsMax });
  }

  close(): void {
    this.client.close();
    this.programs.close();
  }
}

export interface ProgramOptions extends Pick<CommandOptions, "onOutput" | "keepOutput"> {
  /** A text in the command line that must appear nowhere else. */
  readonly secret?: string;
  /** True starts the program itself; false goes through cmd.exe, for what is built into that. */
  readonly direct: boolean;
  readonly slots: Slots;
}

/** One operation on one host: every request it makes, and the faults, which say where they happened. */
export class HostSession {
  readonly link: HostLink;
  readonly where: string;
  readonly signal: AbortSignal;

  constructor(link: HostLink, where: string, signal: AbortSignal) {
    this.link = link;
    this.where = where;
    this.signal = signal;
  }

  /** The same operation under another signal. */
  under(signal: AbortSignal): HostSession {
    return new HostSession(this.link, this.where, signal);
  }

  /** All instances that a WQL text selects. Repeated when trouble may pass. */
  async query(namespace: string, wql: string): Promise<readonly CimInstance[]> {
    for (const pauseMs of readPausesMs) {
      try {
        return await this.link.requests.use(this.signal, () => this.link.client.query(namespace, wql, this.signal));
      } catch (error) {
        if (this.signal.aborted || !mayPass(error)) throw this.explain(error);
      }
      await pause(pauseMs, this.signal);
    }
    return this.#wire(this.link.requests, () => this.link.client.query(namespace, wql, this.signal));
  }

  /** One call of a method. Never repeated here: whether it was heard is not known. */
  invoke(target: CimReference, method: string, parameters: CimParameters): Promise<MethodResult> {
    return this.#wire(this.link.requests, () => this.link.client.invoke(target, method, parameters, this.signal));
  }

  /** Runs a program on the host to its end, whatever its exit code. */
  async run(commandLine: string, options: ProgramOptions): Promise<CommandResult> {
    const { secret, direct, slots, ...output } = options;
    try {
      return await slots.use(this.signal, () => this.link.programs.runCommand(commandLine, { ...output, skipCmdShell: direct, signal: this.signal }));
    } catch (error) {
      if (this.signal.aborted) throw error;
      const explained = this.explain(error);
      // A host may repeat the command line in its answer.
      const tells = secret !== undefined && error instanceof Error && (error.message.includes(secret) || error.message.includes(commandLine));
      throw tells && explained instanceof HostFault ? this.fault(explained.code, "The host did not run the program that fetches the image.", { retry: explained.retry }) : explained;
    }
  }

  fault(code: HostFaultCode, message: string, options: { readonly retry?: Retry; readonly cause?: unknown } = {}): HostFault {
    return new HostFault(code, this.where, message, options);
  }

  /** A failure on the wire as a fault; an abort stays the abort it is. */
  explain(error: unknown): unknown {
    return this.signal.aborted ? error : explainWireFailure(error, this.where);
  }

  async #wire<Result>(slots: Slots, act: () => Promise<Result>): Promise<Result> {
    try {
      return await slots.use(this.signal, act);
    } catch (error) {
      throw this.explain(error);
    }
  }
}

function mayPass(error: unknown): boolean {
  if (error instanceof WsmanTransportError) return error.kind === "unreachable" || error.httpStatus === 503;
  return error instanceof WsmanFault && (error.wmiCode === WMI.rpcUnavailable || error.subcode === "n:InvalidEnumerationContext");
}
