import { randomUUID } from "node:crypto";
import type { WsmanRequest } from "../envelope.ts";
import { actionNotSupported, invalidParameter, quotaLimit, shellNotFound, timedOut } from "../faults.ts";
import { ACTION, ANONYMOUS, COMMAND_STATE, NS, SHELL_RESOURCE, SIGNAL_CTRL_C, SIGNAL_TERMINATE } from "../namespaces.ts";
import type { ShellCommand, ShellPrograms } from "../provider.ts";
import { millisecondsFromDuration } from "../date-time.ts";
import { attribute, child, children, childText, type XmlElement } from "../xml/read.ts";
import { element, textElement } from "../xml/write.ts";
import { RunningCommand, type CommandOutput } from "./running-command.ts";

// WinRM's defaults: MaxShellsPerUser, MaxProcessesPerShell, IdleTimeout and its least value.
export const shellsMax = 30;
export const commandsPerShellMax = 25;
const idleTimeoutDefaultMs = 7_200_000;
const idleTimeoutMinMs = 60_000;
// cmd.exe reads no longer line.
export const commandLineCharactersMax = 8191;

interface Shell {
  readonly id: string;
  readonly owner: string;
  readonly idleTimeoutMs: number;
  /** What every command of the shell starts with. */
  readonly surroundings: Pick<ShellCommand, "workingDirectory" | "environment">;
  lastUsedMs: number;
  readonly commands: Map<string, RunningCommand>;
}

/** The answer's action suffix and body. */
export interface ShellAnswer {
  readonly action: string;
  readonly body: string;
}

/** The cmd shell resource (MS-WSMV 3.1.4.5): shells, their commands and the streams between. */
export class Shells {
  readonly #programs: ShellPrograms;
  readonly #shells = new Map<string, Shell>();

  constructor(programs: ShellPrograms) {
    this.#programs = programs;
  }

  async answer(request: WsmanRequest, user: string, signal: AbortSignal): Promise<ShellAnswer> {
    this.#sweep();
    switch (request.action) {
      case ACTION.create: return { action: `${NS.x}/CreateResponse`, body: this.#create(request, user) };
      case ACTION.delete: return { action: `${NS.x}/DeleteResponse`, body: this.#delete(request, user) };
      case ACTION.command: return { action: `${NS.rsp}/CommandResponse`, body: this.#command(request, user) };
      case ACTION.send: return { action: `${NS.rsp}/SendResponse`, body: this.#send(request, user) };
      case ACTION.receive: return { action: `${NS.rsp}/ReceiveResponse`, body: await this.#receive(request, user, signal) };
      case ACTION.signal: return { action: `${NS.rsp}/SignalResponse`, body: this.#signal(request, user) };
      default: throw actionNotSupported(request.action);
    }
  }

  close(): void {
    for (const shell of this.#shells.values()) this.#end(shell);
  }

  #create(request: WsmanRequest, owner: string): string {
    const mine = [...this.#shells.values()].filter((one) => one.owner === owner);
    if (mine.length >= shellsMax) throw quotaLimit(`The user already has ${shellsMax} shells. Delete those that are not used.`);
    const wanted = attribute(request.body ?? emptyElement, "ShellId");
    const id = wanted !== undefined && /^[0-9a-f-]{36}$/i.test(wanted) && !this.#shells.has(wanted.toUpperCase()) ? wanted.toUpperCase() : randomUUID().toUpperCase();
    const idleMs = millisecondsFromDuration(childText(request.body, NS.rsp, "IdleTimeOut") ?? "") ?? idleTimeoutDefaultMs;
    this.#shells.set(id, { id, owner, idleTimeoutMs: Math.max(idleMs, idleTimeoutMinMs), surroundings: readSurroundings(request.body), lastUsedMs: Date.now(), commands: new Map() });
    const selectors = element("w:SelectorSet", {}, textElement("w:Selector", id, { Name: "ShellId" }));
    const parameters = element("a:ReferenceParameters", {}, textElement("w:ResourceURI", SHELL_RESOURCE) + selectors);
    const description = textElement("rsp:ShellId", id) + textElement("rsp:ResourceUri", SHELL_RESOURCE) + textElement("rsp:Owner", owner);
    return element("x:ResourceCreated", {}, textElement("a:Address", ANONYMOUS) + parameters) + element("rsp:Shell", { "xmlns:rsp": NS.rsp }, description);
  }

  #delete(request: WsmanRequest, user: string): string {
    this.#end(this.#shell(request, user));
    return "";
  }

  #command(request: WsmanRequest, user: string): string {
    const shell = this.#shell(request, user);
    if (shell.commands.size >= commandsPerShellMax) throw quotaLimit(`The shell already runs ${commandsPerShellMax} commands.`);
    const line = childText(request.body, NS.rsp, "Command") ?? "";
    if (line === "") throw invalidParameter("rsp:Command is empty.");
    const commandLine = [line, ...children(request.body, NS.rsp, "Arguments").map((one) => one.text)].join(" ");
    if (commandLine.length > commandLineCharactersMax) throw invalidParameter(`The command line has ${commandLine.length} characters; cmd.exe reads ${commandLineCharactersMax}.`);
    const skipCmdShell = request.options.WINRS_SKIP_CMD_SHELL?.toUpperCase() === "TRUE";
    const id = randomUUID().toUpperCase();
    shell.commands.set(id, new RunningCommand(this.#programs, { ...shell.surroundings, commandLine, skipCmdShell }));
    return element("rsp:CommandResponse", { "xmlns:rsp": NS.rsp }, textElement("rsp:CommandId", id));
  }

  #send(request: WsmanRequest, user: string): string {
    const shell = this.#shell(request, user);
    for (const stream of children(request.body, NS.rsp, "Stream")) {
      const end = attribute(stream, "End")?.toLowerCase() === "true";
      this.#find(shell, attribute(stream, "CommandId")).writeInput(Buffer.from(stream.text, "base64"), end);
    }
    return element("rsp:SendResponse", { "xmlns:rsp": NS.rsp }, "");
  }

  async #receive(request: WsmanRequest, user: string, signal: AbortSignal): Promise<string> {
    const shell = this.#shell(request, user);
    const desired = child(request.body, NS.rsp, "DesiredStream");
    const commandId = desired && attribute(desired, "CommandId");
    const command = this.#find(shell, commandId);
    // Base64 grows by a third, and every chunk has its element around it.
    const bytesMax = Math.max(1024, Math.floor(request.envelopeBytesMax / 2));
    const output = await command.receive(bytesMax, request.operationTimeoutMs, signal);
    shell.lastUsedMs = Date.now();
    if (output === null) throw timedOut();
    return writeOutput(commandId ?? "", output);
  }

  #signal(request: WsmanRequest, user: string): string {
    const shell = this.#shell(request, user);
    const commandId = attribute(request.body ?? emptyElement, "CommandId");
    const code = childText(request.body, NS.rsp, "Code") ?? "";
    // Case and the spelling Ctrl_C differ between senders; each of the codes ends the program here.
    if (![SIGNAL_TERMINATE, SIGNAL_CTRL_C, `${NS.rsp}/signal/ctrl_break`].includes(code.toLowerCase())) throw invalidParameter(`The signal ${code} is not known.`);
    const command = this.#find(shell, commandId);
    command.terminate();
    if (code.toLowerCase() === SIGNAL_TERMINATE) shell.commands.delete(commandId ?? "");
    return element("rsp:SignalResponse", { "xmlns:rsp": NS.rsp }, "");
  }

  #shell(request: WsmanRequest, user: string): Shell {
    const id = Object.entries(request.selectors).find(([name]) => name.toLowerCase() === "shellid")?.[1] ?? "";
    const shell = this.#shells.get(id.toUpperCase());
    if (!shell || shell.owner !== user) throw shellNotFound(id);
    shell.lastUsedMs = Date.now();
    return shell;
  }

  #find(shell: Shell, commandId: string | undefined): RunningCommand {
    const command = commandId === undefined ? undefined : shell.commands.get(commandId.toUpperCase());
    if (!command) throw invalidParameter(`The shell has no command ${commandId ?? "(no CommandId given)"}.`);
    return command;
  }

  #end(shell: Shell): void {
    for (const command of shell.commands.values()) command.terminate();
    this.#shells.delete(shell.id);
  }

  #sweep(): void {
    const now = Date.now();
    for (const shell of this.#shells.values()) if (now - shell.lastUsedMs > shell.idleTimeoutMs) this.#end(shell);
  }
}

const emptyElement = { local: "", namespace: "", attributes: [], children: [], text: "" };

function readSurroundings(shell: XmlElement | undefined): Shell["surroundings"] {
  const folder = childText(shell, NS.rsp, "WorkingDirectory") ?? "";
  const variables = children(child(shell, NS.rsp, "Environment"), NS.rsp, "Variable").map((one) => [attribute(one, "Name") ?? "", one.text] as const);
  return { ...(folder === "" ? {} : { workingDirectory: folder }), ...(variables.length === 0 ? {} : { environment: Object.fromEntries(variables) }) };
}

function writeOutput(commandId: string, output: CommandOutput): string {
  const stream = (name: string, content: string, end: boolean) =>
    textElement("rsp:Stream", content, { Name: name, CommandId: commandId, ...(end ? { End: "true" } : {}) });
  let body = output.chunks.map((chunk) => stream(chunk.stream, chunk.data.toString("base64"), false)).join("");
  if (output.exitCode === null) {
    body += element("rsp:CommandState", { CommandId: commandId, State: `${COMMAND_STATE}/Running` }, "");
  } else {
    body += stream("stdout", "", true) + stream("stderr", "", true);
    body += element("rsp:CommandState", { CommandId: commandId, State: `${COMMAND_STATE}/Done` }, textElement("rsp:ExitCode", String(output.exitCode >>> 0)));
  }
  return element("rsp:ReceiveResponse", { "xmlns:rsp": NS.rsp }, body);
}
