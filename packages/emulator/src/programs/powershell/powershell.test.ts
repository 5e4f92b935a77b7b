import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fetchFileScript, followPipeScript, scriptCommandLine } from "@signet/hyperv/schema/host-scripts";
import { ConsoleBuffer } from "../../machine/console-buffer.ts";
import { testShell } from "../test-shell.ts";

async function serve(context: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const fetchLine = (url: string, path: string) => scriptCommandLine(fetchFileScript, { url, path });
const followLine = (pipe: string) => scriptCommandLine(followPipeScript, { pipe });

test("performs the driver's script for fetching a file, on every release", async (context) => {
  const content = randomBytes(2_000_000);
  const base = await serve(context, (request, response) => {
    if (request.url === "/moved") response.writeHead(302, { location: "/it's%20here" }).end();
    else response.end(content);
  });
  for (const release of ["2012r2", "2016", "2022"]) {
    const { run, drive } = await testShell(context, release);
    for (const skipCmdShell of [false, true]) assert.deepEqual(await run(fetchLine(`${base}/moved`, "C:\\disks\\it's a.part"), { skipCmdShell }), { exitCode: 0, stdout: "", stderr: "" });
    assert.ok(content.equals(await readFile(join(drive.root, "disks", "it's a.part"))));
  }
});

test("says in .NET's words why a file could not be fetched", async (context) => {
  const { run, drive } = await testShell(context);
  const base = await serve(context, (request, response) => {
    if (request.url === "/cut") {
      response.writeHead(200, { "content-length": "1000" }).write("some");
      setTimeout(() => response.destroy(), 20);
    } else if (request.url === "/loop") response.writeHead(301, { location: "/loop" }).end();
    else response.writeHead(404).end();
  });
  const cases: [string, string, RegExp][] = [
    [`${base}/x`, "C:\\disks\\x", /^The remote server returned an error: \(404\) Not Found\.\r\n$/],
    [`${base}/cut`, "C:\\disks\\cut", /The connection was closed unexpectedly/],
    [`${base}/loop`, "C:\\disks\\x", /Too many automatic redirections/],
    ["http://127.0.0.1:1/", "C:\\disks\\x", /Unable to connect to the remote server/],
    ["http://no-such-host.invalid/", "C:\\disks\\x", /The remote name could not be resolved/],
    ["file:///etc/passwd", "C:\\disks\\x", /The URI prefix is not recognized/],
    ["nonsense", "C:\\disks\\x", /Invalid URI/],
  ];
  for (const [url, path, stderr] of cases) {
    const ran = await run(fetchLine(url, path));
    assert.equal(ran.exitCode, 22, url);
    assert.match(ran.stderr, stderr, url);
  }
  assert.equal(await readFile(join(drive.root, "disks", "cut"), "utf8"), "some");
  const good = await serve(context, (_request, response) => response.end("x"));
  for (const path of ["C:\\..\\x", "D:\\x", "C:\\nowhere\\x", "\\\\server\\x", "x"]) assert.equal((await run(fetchLine(good, path))).exitCode, 22, path);
});

test("a fetch that is ended stops at once", async (context) => {
  const { start, drive } = await testShell(context);
  const base = await serve(context, (_request, response) => {
    const timer = setInterval(() => response.write("more"), 5);
    response.on("close", () => clearInterval(timer));
  });
  const { program, printed } = start(fetchLine(base, "C:\\disks\\x"));
  while (((await stat(join(drive.root, "disks", "x")).catch(() => null))?.size ?? 0) === 0) await sleep(5);
  program.terminate();
  assert.deepEqual([await program.exitCode, printed.stderr], [0xc000_013a, ""]);
});

test("follows a machine's serial port from what was kept to its end", async (context) => {
  const { start, pipes } = await testShell(context);
  const console = new ConsoleBuffer(1000);
  console.begin(null);
  console.write(Buffer.from("before "));
  const { program, printed } = start(followLine("signet-it's"));
  await sleep(80);
  // The pipe appears while the script waits for it, as when the machine starts a moment later.
  pipes.set("signet-it's", console);
  await sleep(100);
  console.write(Buffer.from("after"));
  console.end();
  assert.deepEqual([await program.exitCode, printed], [0, { stdout: "before after", stderr: "" }]);
});

test("a second reader of a pipe waits until the first is gone", async (context) => {
  const { start, pipes } = await testShell(context);
  const console = new ConsoleBuffer(1000);
  pipes.set("com1", console);
  const first = start(followLine("com1"));
  await sleep(20);
  const second = start(followLine("com1"));
  await sleep(20);
  console.write(Buffer.from("one"));
  first.program.terminate();
  assert.equal(await first.program.exitCode, 0xc000_013a);
  await sleep(100);
  console.write(Buffer.from("two"));
  console.end();
  assert.deepEqual([await second.program.exitCode, first.printed.stdout, second.printed.stdout], [0, "one", "two"]);
});

test("a pipe that nobody serves is given up after ten seconds, or at once when told", async (context) => {
  const { run, start } = await testShell(context);
  const { program } = start(followLine("nothing"));
  program.terminate();
  assert.equal(await program.exitCode, 0xc000_013a);
  const beganMs = Date.now();
  const ran = await run(followLine("nothing"));
  assert.deepEqual(ran, { exitCode: 2, stdout: "", stderr: "The operation has timed out.\r\n" });
  assert.ok(Date.now() - beganMs >= 9_000);
});

test("any other script meets a host without PowerShell, which says so", async (context) => {
  const { run } = await testShell(context);
  const encoded = (script: string) => Buffer.from(script, "utf16le").toString("base64");
  for (const line of ["powershell", "powershell Get-VM", `powershell -EncodedCommand ${encoded("Get-VM")}`, `powershell.exe -NoProfile -enc ${encoded(`${fetchFileScript.template}; Remove-Item C:\\ -Recurse`)}`, "powershell -EncodedCommand !!!", "powershell -EncodedCommand"]) {
    const ran = await run(line);
    assert.deepEqual([ran.exitCode, ran.stdout], [1, ""], line);
    assert.match(ran.stderr, /^'powershell' is not recognized as an internal or external command,\r\noperable program or batch file\.\r\nThis emulated host has no PowerShell/);
  }
});
