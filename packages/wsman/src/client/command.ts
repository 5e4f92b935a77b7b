import type { WsmanClient } from "../client.ts";
import { invalidMessage, WsmanFault } from "../faults.ts";
import { ACTION, COMMAND_STATE, NS, SHELL_RESOURCE, SIGNAL_TERMINATE } from "../namespaces.ts";
import { attribute, child, children, childText, type XmlElement } from "../xml/read.ts";
import { element, textElement } from "../xml/write.ts";

export interface CommandOptions {
  readonly signal?: AbortSignal;
  /** Given output as it comes; what is given here is also in the result unless `keepOutput` is false. */
  readonly onOutput?: (stream: "stdout" | "stderr", data: Buffer) => void;
  /** False for programs that run without end, whose output must not pile up. */
  readonly keepOutput?: boolean;
  /** Starts the program itself instead of `cmd.exe /c`. */
  readonly skipCmdShell?: boolean;
}

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

// How long one Receive may wait; the loop goes on after TimedOut, so this only bounds how long a dead connection goes unnoticed.
const receiveTimeoutMs = 20_000;
// Taking a shell down must end even when the host does not answer any more.
const cleanUpTimeoutMs = 10_000;

/** The life of one command (MS-WSMV 3.1.4): shell, command, output until it ends, and both taken down whatever happened. */
export async function runCommand(client: WsmanClient, commandLine: string, options: CommandOptions): Promise<CommandResult> {
  const shellId = await createShell(client, options.signal);
  let commandId: string | null = null;
  try {
    commandId = await startCommand(client, shellId, commandLine, options);
    return await receiveAll(client, shellId, commandId, options);
  } finally {
    await takeDown(client, shellId, commandId);
  }
}

async function createShell(client: WsmanClient, signal: AbortSignal | undefined): Promise<string> {
  const body = element("rsp:Shell", {}, textElement("rsp:InputStreams", "stdin") + textElement("rsp:OutputStreams", "stdout stderr"));
  const answer = await client.send({ action: ACTION.create, resourceUri: SHELL_RESOURCE, options: { WINRS_NOPROFILE: "TRUE", WINRS_CODEPAGE: "65001" }, body }, signal);
  const selectors = child(child(answer, NS.a, "ReferenceParameters"), NS.w, "SelectorSet");
  const id = children(selectors, NS.w, "Selector").find((one) => attribute(one, "Name") === "ShellId")?.text.trim();
  if (!id) throw invalidMessage("The answer to Create names no shell.");
  return id;
}

async function startCommand(client: WsmanClient, shellId: string, commandLine: string, options: CommandOptions): Promise<string> {
  const answer = await client.send({
    action: ACTION.command, resourceUri: SHELL_RESOURCE, selectors: { ShellId: shellId },
    options: { WINRS_CONSOLEMODE_STDIN: "TRUE", WINRS_SKIP_CMD_SHELL: options.skipCmdShell ? "TRUE" : "FALSE" },
    body: element("rsp:CommandLine", {}, textElement("rsp:Command", commandLine)),
  }, options.signal);
  const id = childText(answer, NS.rsp, "CommandId");
  if (!id) throw invalidMessage("The answer to Command names no command.");
  return id;
}

async function receiveAll(client: WsmanClient, shellId: string, commandId: string, options: CommandOptions): Promise<CommandResult> {
  const kept = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  for (;;) {
    const answer = await receive(client, shellId, commandId, options.signal);
    if (answer === null) continue;
    for (const stream of children(answer, NS.rsp, "Stream")) {
      const name = attribute(stream, "Name") === "stderr" ? "stderr" : "stdout";
      const data = Buffer.from(stream.text, "base64");
      if (data.length === 0) continue;
      options.onOutput?.(name, data);
      if (options.keepOutput !== false) kept[name].push(data);
    }
    const state = child(answer, NS.rsp, "CommandState");
    if (state && attribute(state, "State") === `${COMMAND_STATE}/Done`) {
      return { exitCode: Number(childText(state, NS.rsp, "ExitCode") ?? "0"), stdout: Buffer.concat(kept.stdout), stderr: Buffer.concat(kept.stderr) };
    }
  }
}

/** Null when nothing came in time: no output yet is the one fault that means "ask again". */
async function receive(client: WsmanClient, shellId: string, commandId: string, signal: AbortSignal | undefined): Promise<XmlElement | null> {
  const body = element("rsp:Receive", {}, textElement("rsp:DesiredStream", "stdout stderr", { CommandId: commandId }));
  try {
    return await client.send({ action: ACTION.receive, resourceUri: SHELL_RESOURCE, selectors: { ShellId: shellId }, body, operationTimeoutMs: receiveTimeoutMs }, signal) ?? null;
  } catch (error) {
    if (error instanceof WsmanFault && error.subcode === "w:TimedOut") return null;
    throw error;
  }
}

/** Runs after success, failure and abort alike, so it listens to no signal and its own failures must not hide the outcome. */
async function takeDown(client: WsmanClient, shellId: string, commandId: string | null): Promise<void> {
  const common = { resourceUri: SHELL_RESOURCE, selectors: { ShellId: shellId }, operationTimeoutMs: cleanUpTimeoutMs };
  const signal = AbortSignal.timeout(cleanUpTimeoutMs);
  if (commandId !== null) {
    const body = element("rsp:Signal", { CommandId: commandId }, textElement("rsp:Code", SIGNAL_TERMINATE));
    await client.send({ ...common, action: ACTION.signal, body }, signal).catch(() => undefined);
  }
  await client.send({ ...common, action: ACTION.delete, body: "" }, signal).catch(() => undefined);
}
