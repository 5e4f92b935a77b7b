import type { MethodHandler } from "../provider/invoke-method.ts";

/** Return values of Win32_Process. */
const processCode = { completed: 0, notFound: 9, invalidParameter: 21 } as const;

/** Starts and ends programs of the host without a shell. */
export const processMethods: Readonly<Record<string, MethodHandler>> = {
  "Win32_Process.Create": async ({ host, input }) => {
    const commandLine = input.text("CommandLine");
    if (commandLine === null || commandLine.trim() === "") return { ReturnValue: processCode.invalidParameter };
    return { ProcessId: host.processes.start(commandLine, host.clock.nowMs()).id, ReturnValue: processCode.completed };
  },
  "Win32_Process.Terminate": async ({ host, target }) => ({ ReturnValue: host.processes.terminate(Number(target.values["ProcessId"])) ? processCode.completed : processCode.notFound }),
};
