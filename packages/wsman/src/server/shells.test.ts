import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { faultOf, readTestAnswer, shellRequest, TestPrograms, TestProvider } from "../test-provider.ts";
import { NS, SIGNAL_TERMINATE } from "../namespaces.ts";
import { attribute, child, children, childText } from "../xml/read.ts";
import { Dispatcher } from "./dispatch.ts";
import { bufferedBytesMax } from "./running-command.ts";
import { commandLineCharactersMax, commandsPerShellMax, shellsMax } from "./shells.ts";

const { signal } = new AbortController();

function lab(context: TestContext) {
  const programs = new TestPrograms();
  const dispatcher = new Dispatcher({ provider: new TestProvider(0), programs, computerName: "HV1", enumerationTimeoutMs: 60_000, envelopeBytesMax: 512_000, onBug: (error) => { throw error; } });
  context.after(() => dispatcher.close());
  const ask = async (text: string, user = "me", gone: AbortSignal = signal) => (await dispatcher.answer(text, user, gone)).text;
  const open = async (user = "me", body = "<rsp:Shell><rsp:InputStreams>stdin</rsp:InputStreams><rsp:OutputStreams>stdout stderr</rsp:OutputStreams></rsp:Shell>") => {
    const { body: answer } = readTestAnswer(await ask(shellRequest("create", null, body), user));
    return child(child(answer, NS.a, "ReferenceParameters"), NS.w, "SelectorSet")?.children.find((one) => attribute(one, "Name") === "ShellId")?.text ?? "";
  };
  const command = async (shell: string, line: string, more: Parameters<typeof shellRequest>[3] = {}) => childText(readTestAnswer(await ask(shellRequest("Command", shell, `<rsp:CommandLine>${line}</rsp:CommandLine>`, more))).body, NS.rsp, "CommandId") ?? "";
  const receive = (shell: string, id: string, more: Parameters<typeof shellRequest>[3] = {}, gone: AbortSignal = signal) => ask(shellRequest("Receive", shell, `<rsp:Receive><rsp:DesiredStream CommandId="${id}">stdout stderr</rsp:DesiredStream></rsp:Receive>`, more), "me", gone);
  return { programs, dispatcher, ask, open, command, receive };
}

/** What a Receive brought: text by stream, ends, state and exit code. */
function output(text: string) {
  const { body } = readTestAnswer(text);
  const streams = children(body, NS.rsp, "Stream");
  const of = (name: string) => Buffer.concat(streams.filter((one) => attribute(one, "Name") === name).map((one) => Buffer.from(one.text, "base64"))).toString("utf8");
  const state = child(body, NS.rsp, "CommandState");
  return { stdout: of("stdout"), stderr: of("stderr"), ends: streams.filter((one) => attribute(one, "End") === "true").length, state: state && attribute(state, "State")?.replace(/.*\//, ""), exitCode: childText(state, NS.rsp, "ExitCode") };
}

test("a command's output comes as it is printed, and its exit code with the end", async (context) => {
  const { programs, open, command, receive, ask } = lab(context);
  const shell = await open();
  const id = await command(shell, "<rsp:Command>powershell</rsp:Command><rsp:Arguments>-enc</rsp:Arguments><rsp:Arguments>abc</rsp:Arguments>");
  const [program] = programs.started;
  assert.deepEqual(program?.command, { commandLine: "powershell -enc abc", skipCmdShell: false });
  program.print("one ");
  program.print("oops", "stderr");
  assert.deepEqual(output(await receive(shell, id)), { stdout: "one ", stderr: "oops", ends: 0, state: "Running", exitCode: undefined });
  const waiting = receive(shell, id);
  setTimeout(() => program.print("two"), 30);
  assert.deepEqual(output(await waiting), { stdout: "two", stderr: "", ends: 0, state: "Running", exitCode: undefined });
  program.print("last");
  program.end(-1);
  await sleep(0);
  const last = { stdout: "last", stderr: "", ends: 2, state: "Done", exitCode: "4294967295" };
  assert.deepEqual(output(await receive(shell, id)), last);
  assert.deepEqual(output(await receive(shell, id)), { ...last, stdout: "" });
  assert.equal(readTestAnswer(await ask(shellRequest("Signal", shell, `<rsp:Signal CommandId="${id}"><rsp:Code>${SIGNAL_TERMINATE}</rsp:Code></rsp:Signal>`))).body?.local, "SignalResponse");
  assert.equal(faultOf(await receive(shell, id))?.subcode, "w:InvalidParameter");
  assert.equal(readTestAnswer(await ask(shellRequest("delete", shell))).relatesTo, "uuid:42");
  assert.deepEqual([faultOf(await receive(shell, id))?.subcode, faultOf(await receive(shell, id))?.code], ["w:InvalidSelectors", "2150858843"]);
});

test("waiting for output ends in TimedOut with the number that pywinrm repeats on", async (context) => {
  const { open, command, receive, programs } = lab(context);
  const shell = await open();
  const id = await command(shell, "<rsp:Command>x</rsp:Command>");
  const beganMs = Date.now();
  assert.deepEqual([faultOf(await receive(shell, id, { timeout: "PT0.1S" }))?.subcode, faultOf(await receive(shell, id, { timeout: "PT0S" }))?.code], ["w:TimedOut", "2150858793"]);
  assert.ok(Date.now() - beganMs >= 90);
  programs.started[0]?.print("late");
  assert.equal(output(await receive(shell, id)).stdout, "late");
});

test("a receiver that goes away takes no output with it", async (context) => {
  const { open, command, receive, programs } = lab(context);
  const shell = await open();
  const id = await command(shell, "<rsp:Command>x</rsp:Command>");
  const gone = new AbortController();
  const lost = receive(shell, id, {}, gone.signal);
  await sleep(10);
  gone.abort();
  programs.started[0]?.print("kept");
  await lost;
  assert.equal(output(await receive(shell, id)).stdout, "kept");
});

test("much output comes in pieces that fit the envelope, in order", async (context) => {
  const { open, command, receive, programs } = lab(context);
  const shell = await open();
  const id = await command(shell, "<rsp:Command>x</rsp:Command>");
  const wanted = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));
  programs.started[0]?.print(wanted);
  programs.started[0]?.end(3);
  await sleep(0);
  const parts: Buffer[] = [];
  for (;;) {
    const text = await receive(shell, id, { envelopeBytes: 16_384 });
    assert.ok(text.length <= 16_384);
    const { body } = readTestAnswer(text);
    parts.push(...children(body, NS.rsp, "Stream").map((one) => Buffer.from(one.text, "base64")));
    if (childText(child(body, NS.rsp, "CommandState"), NS.rsp, "ExitCode") === "3") break;
  }
  assert.ok(Buffer.concat(parts).equals(wanted));
});

test("output that nobody fetches ends the program", async (context) => {
  const { open, command, programs } = lab(context);
  await command(await open(), "<rsp:Command>yes</rsp:Command>");
  const [program] = programs.started;
  program?.print(Buffer.alloc(bufferedBytesMax));
  assert.equal(program?.terminated, false);
  program.print("x");
  assert.equal(program.terminated, true);
});

test("input goes to the program, with its end", async (context) => {
  const { open, command, ask, programs } = lab(context);
  const shell = await open();
  const id = await command(shell, "<rsp:Command>sort</rsp:Command>");
  const send = (data: string, end: string) => ask(shellRequest("Send", shell, `<rsp:Send><rsp:Stream Name="stdin" CommandId="${id}"${end}>${Buffer.from(data).toString("base64")}</rsp:Stream></rsp:Send>`));
  await send("a\r\n", "");
  assert.deepEqual([Buffer.concat(programs.started[0]?.input ?? []).toString(), programs.started[0]?.inputEnded], ["a\r\n", false]);
  await send("", ' End="true"');
  assert.equal(programs.started[0]?.inputEnded, true);
  assert.equal(faultOf(await ask(shellRequest("Send", shell, '<rsp:Send><rsp:Stream Name="stdin" CommandId="x">YQ==</rsp:Stream></rsp:Send>')))?.subcode, "w:InvalidParameter");
});

test("every spelling of the signals ends a program, others are refused", async (context) => {
  const { open, command, ask, programs } = lab(context);
  const shell = await open();
  for (const code of ["terminate", "ctrl_c", "Ctrl_C", "ctrl_break"]) {
    const id = await command(shell, "<rsp:Command>x</rsp:Command>");
    await ask(shellRequest("Signal", shell, `<rsp:Signal CommandId="${id}"><rsp:Code>${NS.rsp}/signal/${code}</rsp:Code></rsp:Signal>`));
    assert.equal(programs.started.at(-1)?.terminated, true, code);
  }
  const id = await command(shell, "<rsp:Command>x</rsp:Command>");
  assert.equal(faultOf(await ask(shellRequest("Signal", shell, `<rsp:Signal CommandId="${id}"><rsp:Code>stop</rsp:Code></rsp:Signal>`)))?.subcode, "w:InvalidParameter");
});

test("deleting a shell, and closing the server, ends what runs in it", async (context) => {
  const { open, command, ask, programs, dispatcher } = lab(context);
  const [first, second] = [await open(), await open()];
  await command(first, "<rsp:Command>x</rsp:Command>");
  await command(second, "<rsp:Command>y</rsp:Command>");
  await ask(shellRequest("delete", first));
  assert.deepEqual(programs.started.map(({ terminated }) => terminated), [true, false]);
  dispatcher.close();
  assert.deepEqual(programs.started.map(({ terminated }) => terminated), [true, true]);
});

test("a shell belongs to the user who opened it, and may have the id that he asks for", async (context) => {
  const { open, ask } = lab(context);
  const wanted = "0f0e0d0c-1111-2222-3333-444455556666";
  assert.equal(await open("me", `<rsp:Shell ShellId="${wanted}"/>`), wanted.toUpperCase());
  assert.notEqual(await open("me", `<rsp:Shell ShellId="${wanted}"/>`), wanted.toUpperCase());
  assert.notEqual(await open("me", '<rsp:Shell ShellId="../../x"/>'), "../../x");
  assert.equal(faultOf(await ask(shellRequest("delete", wanted), "you"))?.subcode, "w:InvalidSelectors");
  assert.equal(faultOf(await ask(shellRequest("delete", wanted), "me")), null);
});

test("shells, commands and command lines are bounded as WinRM's are", async (context) => {
  const { open, command, ask } = lab(context);
  const shell = await open();
  for (let count = 1; count < shellsMax; count++) await open();
  assert.equal(faultOf(await ask(shellRequest("create", null, "<rsp:Shell/>")))?.subcode, "w:QuotaLimit");
  assert.notEqual(await open("you"), "");
  for (let count = 0; count < commandsPerShellMax; count++) assert.notEqual(await command(shell, "<rsp:Command>x</rsp:Command>"), "");
  assert.equal(faultOf(await ask(shellRequest("Command", shell, "<rsp:CommandLine><rsp:Command>x</rsp:Command></rsp:CommandLine>")))?.subcode, "w:QuotaLimit");
  const other = await open("you");
  const line = (text: string) => ask(shellRequest("Command", other, `<rsp:CommandLine><rsp:Command>${text}</rsp:Command></rsp:CommandLine>`), "you");
  assert.equal(faultOf(await line("x".repeat(commandLineCharactersMax))), null);
  assert.equal(faultOf(await line("x".repeat(commandLineCharactersMax + 1)))?.subcode, "w:InvalidParameter");
  assert.equal(faultOf(await line(""))?.subcode, "w:InvalidParameter");
});

test("options, folder and variables of the shell reach the program", async (context) => {
  const { open, command, programs } = lab(context);
  const shell = await open("me", '<rsp:Shell><rsp:WorkingDirectory>C:\\disks</rsp:WorkingDirectory><rsp:Environment><rsp:Variable Name="A">1 </rsp:Variable><rsp:Variable Name="__proto__">x</rsp:Variable></rsp:Environment></rsp:Shell>');
  await command(shell, "<rsp:Command>curl</rsp:Command>", { options: { WINRS_SKIP_CMD_SHELL: "TRUE", WINRS_CONSOLEMODE_STDIN: "TRUE" } });
  const { environment, ...rest } = programs.started[0]?.command ?? {};
  assert.deepEqual([rest, Object.entries(environment ?? {})], [{ commandLine: "curl", skipCmdShell: true, workingDirectory: "C:\\disks" }, [["A", "1 "], ["__proto__", "x"]]]);
});
