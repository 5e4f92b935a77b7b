import type { AboutHost } from "./about-host.ts";
import { readSystem } from "./find-machine.ts";
import { HostFault } from "./host-fault.ts";
import { lastLine } from "./host-files.ts";
import type { HostSession } from "./host-session.ts";
import { stateOf } from "./machine-state.ts";
import { followPipeScript, scriptCommandLine } from "./schema/host-scripts.ts";
import { pipeNameOf, readSerialPorts } from "./serial-port.ts";
import { pause } from "./slots.ts";

// Between two attempts: a pipe appears a moment after its machine starts, and a host that restarts its service needs longer.
const pausesMs = [250, 500, 1000, 2000, 5000];
// So many attempts in a row without a byte and the console is given up: another reader has the pipe, or programs cannot run.
const silentAttemptsMax = 20;

/**
 * Delivers what a machine says on COM1 until the machine stops. The reader is a program on the host; when that
 * dies while the machine runs, another one takes its place.
 * @throws HostFault when the machine has no console, or none can be reached
 */
export async function followConsole(session: HostSession, about: AboutHost, guid: string, onText: (text: string) => void): Promise<void> {
  if ((await readSystem(session, guid)) === null) throw session.fault("HV-MACHINE-UNKNOWN", `The host has no machine ${guid}.`);
  const pipe = await readPipeName(session, about, guid);
  await keepFollowing(session, guid, pipe, onText);
}

async function readPipeName(session: HostSession, about: AboutHost, guid: string): Promise<string> {
  const [first] = await readSerialPorts(session, about, guid);
  const pipe = first ? pipeNameOf(first) : null;
  if (pipe === null) throw session.fault("HV-NO-CONSOLE", "The machine's first serial port is not connected to a pipe.");
  return pipe;
}

async function keepFollowing(session: HostSession, guid: string, pipe: string, onText: (text: string) => void): Promise<void> {
  let trouble: HostFault | null = null;
  for (let silent = 0; silent < silentAttemptsMax;) {
    try {
      if (await hasStopped(session, guid)) return;
      const { isSilent, said } = await followOnce(session, pipe, onText);
      silent = isSilent ? silent + 1 : 0;
      if (said !== "") trouble = session.fault("HV-NO-CONSOLE", `The machine's console cannot be read: ${said}.`, { retry: "later" });
    } catch (error) {
      // What does not pass is told; anything else may be the host's service restarting, or a connection that broke.
      if (!(error instanceof HostFault) || error.retry === "never") throw error;
      trouble = error;
      silent += 1;
    }
    await pause(pausesMs[Math.min(silent, pausesMs.length - 1)]!, session.signal);
  }
  throw trouble ?? session.fault("HV-NO-CONSOLE", "The machine's console cannot be read: the program that reads it ends at once.", { retry: "later" });
}

async function hasStopped(session: HostSession, guid: string): Promise<boolean> {
  const system = await readSystem(session, guid);
  const state = system === null ? "off" : stateOf(system);
  return state === "off" || state === "saved";
}

/** One life of the reader. A character may come in two pieces, so bytes are decoded as one stream. */
async function followOnce(session: HostSession, pipe: string, onText: (text: string) => void): Promise<{ isSilent: boolean; said: string }> {
  const decoder = new TextDecoder("utf-8");
  let isSilent = true;
  let said = "";
  await session.run(scriptCommandLine(followPipeScript, { pipe }), {
    direct: true, keepOutput: false, slots: session.link.consoles,
    onOutput: (stream, data) => {
      if (session.signal.aborted) return;
      if (stream === "stderr") {
        said = lastLine(data) || said;
        return;
      }
      isSilent = false;
      const text = decoder.decode(data, { stream: true });
      if (text !== "") onText(text);
    },
  });
  const rest = decoder.decode();
  if (rest !== "") onText(rest);
  return { isSilent, said };
}
