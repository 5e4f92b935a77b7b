import { setTimeout as sleep } from "node:timers/promises";
import type { ConsoleBuffer } from "../../machine/console-buffer.ts";
import { printLine, type ProgramContext } from "../program.ts";

// NamedPipeClientStream.Connect(10000) in the script.
const connectTimeoutMs = 10_000;
const connectRetryMs = 50;
const failedExitCode = 2;

/** A machine's worker serves its pipe to one reader at a time; a second one waits for the first to go. */
const connected = new WeakSet<ConsoleBuffer>();

/** What `followPipeScript` does: the serial port's text to standard output until the machine closes the pipe. */
export async function followPipe(context: ProgramContext, values: Readonly<Record<string, string>>): Promise<number> {
  const pipe = await connect(context, values["pipe"] ?? "");
  if (!pipe) {
    await printLine(context.stderr, "The operation has timed out.");
    return failedExitCode;
  }
  connected.add(pipe);
  try {
    await follow(context, pipe);
    return 0;
  } finally {
    connected.delete(pipe);
  }
}

async function connect(context: ProgramContext, name: string): Promise<ConsoleBuffer | null> {
  for (let waitedMs = 0; ; waitedMs += connectRetryMs) {
    const pipe = context.host.pipes.find(name);
    if (pipe && !connected.has(pipe)) return pipe;
    if (waitedMs >= connectTimeoutMs) return null;
    await sleep(connectRetryMs, undefined, { signal: context.signal });
  }
}

function follow(context: ProgramContext, pipe: ConsoleBuffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = () => {
      detach();
      context.signal.removeEventListener("abort", finish);
      if (context.signal.aborted) reject(context.signal.reason);
      else resolve();
    };
    const detach = pipe.attach({ data: (data) => void context.stdout.write(data), ended: () => queueMicrotask(finish) });
    context.signal.addEventListener("abort", finish);
  });
}
