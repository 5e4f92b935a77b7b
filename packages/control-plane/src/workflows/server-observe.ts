import { sql } from "kysely";
import { type FirmwareRecord, type FaultRecord } from "../compute/server-record.ts";
import { failServer, recordEvent, updateServer } from "../compute/server-writes.ts";
import type { HostId, MachineGuid } from "../ids.ts";
import type { ComputeHost, FirmwareReading, MachineObservation } from "../ports.ts";
import type { StepContext, WorkflowDefinition } from "./definition.ts";

export const serverObserveKind = "server-observe";

export interface ObserveInput {
  readonly hostId: HostId;
  readonly guid: MachineGuid;
}

export interface ObserveOptions {
  readonly connect: (hostId: HostId) => Promise<ComputeHost>;
  readonly durationMs?: number;
  readonly heartbeatIntervalMs?: number;
}

type Context = StepContext<ObserveInput, Record<never, never>>;

/** A boot has said what it has to say by then, also under an emulated processor; a follower costs a shell on the host. */
const OBSERVE_MS = 10 * 60_000;
const HEARTBEAT_INTERVAL_MS = 5_000;
/** A guest that answers is up; what it says in its first minute is still kept. */
const AFTER_HEARTBEAT_MS = 60_000;
/** Console text comes in small pieces; it is kept this often. */
const KEEP_INTERVAL_MS = 250;
/** Nova's own console log keeps as much. */
export const consoleTextCharactersMax = 102_400;

/** Follows a boot from outside: console text, firmware's word, heartbeat. Changes nothing on the host. */
export function serverObserve(options: ObserveOptions): WorkflowDefinition<ObserveInput, Record<never, never>> {
  return { kind: serverObserveKind, lane: "watch", attemptsMax: 5, steps: [{ name: "observe", perform: (context) => observeBoot(options, context) }] };
}

async function observeBoot(options: ObserveOptions, context: Context): Promise<void> {
  const host = await options.connect(context.input.hostId);
  const ended = new AbortController();
  const signal = AbortSignal.any([context.signal, ended.signal, AbortSignal.timeout(options.durationMs ?? OBSERVE_MS)]);
  const watch = new BootWatch(host, context);
  await watch.resume();
  const keeping = setInterval(() => watch.keep(), KEEP_INTERVAL_MS);
  try {
    const following = host.followConsole(context.input.guid, (text) => watch.hear(text), signal).then(
      // The console ends when the machine stops: nothing more will be heard.
      () => ended.abort(),
      // Without a console the heartbeat still tells whether the guest is up.
      () => {},
    );
    await Promise.all([following, watchHeartbeat(host, context.input.guid, watch, options.heartbeatIntervalMs ?? HEARTBEAT_INTERVAL_MS, ended, signal)]);
  } finally {
    clearInterval(keeping);
    await watch.finish();
  }
  context.signal.throwIfAborted();
}

async function watchHeartbeat(host: ComputeHost, guid: MachineGuid, watch: BootWatch, intervalMs: number, ended: AbortController, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const observation = await host.observe(guid, signal).catch(() => null);
    await watch.heartbeat(observation);
    if (observation?.heartbeat === "ok") setTimeout(() => ended.abort(), AFTER_HEARTBEAT_MS).unref();
    await new Promise<void>((settle) => {
      const timer = setTimeout(settle, intervalMs);
      signal.addEventListener("abort", () => { clearTimeout(timer); settle(); }, { once: true });
    });
  }
}

/** What has been heard of one boot, and what of it is kept already. */
class BootWatch {
  readonly #host: ComputeHost;
  readonly #context: Context;
  #text = "";
  #pending = "";
  #known: Pick<FirmwareRecord, "outcome" | "line" | "heartbeat"> = { outcome: "undecided", line: null, heartbeat: null };
  #keeping: Promise<void> = Promise.resolve();
  #lost: unknown = null;

  constructor(host: ComputeHost, context: Context) {
    this.#host = host;
    this.#context = context;
  }

  /** What was heard of this boot before a restart: hosts do not repeat it. */
  async resume(): Promise<void> {
    const { subjectId } = this.#context;
    await this.#context.commit(async (transaction) => {
      const said = await transaction.selectFrom("server_consoles").select("text").where("server_id", "=", subjectId).executeTakeFirst();
      const server = await transaction.selectFrom("servers").select("firmware").where("id", "=", subjectId).executeTakeFirst();
      this.#text = said?.text ?? "";
      if (server?.firmware != null) this.#known = { outcome: server.firmware.outcome, line: server.firmware.line, heartbeat: server.firmware.heartbeat };
    });
  }

  hear(text: string): void {
    this.#text = (this.#text + text).slice(-consoleTextCharactersMax);
    this.#pending += text;
  }

  keep(): void {
    if (this.#pending === "") return;
    const text = this.#pending.replaceAll("\0", "");
    this.#pending = "";
    this.#enqueue(async () => {
      await this.#context.commit(async (transaction) => {
        await sql`
          INSERT INTO server_consoles AS kept (server_id, text) SELECT id, ${text} FROM servers WHERE id = ${this.#context.subjectId} AND deleted_at IS NULL
          ON CONFLICT (server_id) DO UPDATE SET text = right(kept.text || excluded.text, ${consoleTextCharactersMax})`.execute(transaction);
      });
      const reading = this.#host.interpretConsole(this.#text);
      if (reading.outcome !== "undecided") await this.#learn({ outcome: reading.outcome, line: reading.line });
    });
  }

  heartbeat(observation: MachineObservation | null): Promise<void> {
    if (observation !== null && observation.heartbeat !== this.#known.heartbeat) {
      this.#enqueue(async () => {
        // A guest that answers was started by firmware, whether or not firmware said so on the console.
        const started = observation.heartbeat === "ok" && this.#known.outcome === "undecided";
        await this.#learn({ heartbeat: observation.heartbeat, ...(started ? { outcome: "accepted", line: null } : {}) });
      });
    }
    return this.#keeping;
  }

  async finish(): Promise<void> {
    this.keep();
    await this.#keeping;
    // A commit that failed is the failure of the step: what was heard must not be lost in silence.
    if (this.#lost !== null) throw this.#lost;
  }

  #enqueue(change: () => Promise<void>): void {
    this.#keeping = this.#keeping.then(change).catch((error: unknown) => void (this.#lost = error));
  }

  async #learn(news: Partial<Pick<FirmwareRecord, "outcome" | "line" | "heartbeat">>): Promise<void> {
    const before = this.#known;
    const now = { ...before, ...news };
    if (now.outcome === before.outcome && now.line === before.line && now.heartbeat === before.heartbeat) return;
    this.#known = now;
    const { subjectId } = this.#context;
    await this.#context.commit(async (transaction) => {
      const server = await transaction.selectFrom("servers").select(["host_name", "deleted_at"]).where("id", "=", subjectId).executeTakeFirst();
      if (server === undefined || server.deleted_at !== null) return;
      await updateServer(transaction, subjectId, { firmware: JSON.stringify({ ...now, observedAt: new Date().toISOString() } satisfies FirmwareRecord) });
      if (now.outcome !== before.outcome) await recordEvent(transaction, subjectId, `firmware ${now.outcome}`, now.line ?? "The guest answers its heartbeat.");
      if (now.outcome === "refused" && before.outcome !== "refused") await failServer(transaction, subjectId, refusedFault(now.line, server.host_name));
    });
  }
}

/** Where the machine stays: running, at the firmware's screen, as Hyper-V leaves it. */
function refusedFault(line: FirmwareReading["line"], hostName: string | null): Omit<FaultRecord, "at"> {
  return {
    code: "SIG-FIRMWARE-REFUSED", httpStatus: 500, message: `Firmware on ${hostName ?? "the host"} refused the boot loader: ${line ?? "it did not say why"}`,
    remedy: "The machine is left running at the firmware's screen. Correct the image's boot loader or template and create the server again.",
  };
}
