import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { createServer as createPlainServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { testShell } from "../test-shell.ts";

const MIB = 1024 ** 2;

async function listen(context: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

const serve = (context: TestContext, listener: RequestListener) => listen(context, createServer(listener));
const standard = "--fail --silent --show-error";

test("fetches a file to the drive, as the driver asks for it", async (context) => {
  const { run, drive } = await testShell(context);
  const content = randomBytes(5 * MIB + 17);
  const seen: string[] = [];
  const port = await serve(context, (request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers["user-agent"]} ${request.headers.accept}`);
    response.end(content);
  });
  const line = `curl.exe --fail --silent --show-error --retry 3 --output "C:\\disks\\a b.vhdx.part" "http://127.0.0.1:${port}/image?x=1&y=2%20z"`;
  for (const skipCmdShell of [false, true]) {
    assert.deepEqual(await run(line, { skipCmdShell }), { exitCode: 0, stdout: "", stderr: "" });
    assert.ok(content.equals(await readFile(join(drive.root, "disks", "a b.vhdx.part"))));
  }
  assert.deepEqual(seen, Array(2).fill("GET /image?x=1&y=2%20z curl/8.9.1 */*"));
  const check = await run('certutil -hashfile "C:\\disks\\a b.vhdx.part" SHA256');
  assert.equal(check.stdout, `SHA256 hash of C:\\disks\\a b.vhdx.part:\r\n${createHash("sha256").update(content).digest("hex")}\r\nCertUtil: -hashfile command completed successfully.\r\n`);
});

test("ends with curl's numbers and words", async (context) => {
  const { run, drive } = await testShell(context);
  const port = await serve(context, (request, response) => {
    if (request.url === "/hang-up") return request.socket.destroy();
    response.statusCode = Number(request.url?.slice(1)) || 200;
    response.end(`body of ${request.url}`);
  });
  const plain = await listen(context, createPlainServer((socket) => socket.end("I am no web server\r\n\r\n").on("error", () => {})));
  const base = `http://127.0.0.1:${port}`;
  const cases: [string, number, RegExp][] = [
    [`${standard} -o C:\\disks\\x ${base}/404`, 22, /^curl: \(22\) The requested URL returned error: 404\r\n$/],
    [`${standard} -o C:\\disks\\x ${base}/500`, 22, /error: 500/],
    [`-sS -o C:\\disks\\x http://127.0.0.1:1/`, 7, /^curl: \(7\) Failed to connect to 127.0.0.1 port 1 after \d+ ms: Couldn't connect to server\r\n$/],
    [`-sS -o C:\\disks\\x http://no-such-host.invalid/`, 6, /^curl: \(6\) Could not resolve host: no-such-host.invalid\r\n$/],
    [`-sS -o C:\\disks\\x ${base}/hang-up`, 52, /\(52\) Empty reply from server/],
    [`-sS -o C:\\disks\\x http://127.0.0.1:${plain}/`, 1, /\(1\) Received HTTP\/0.9/],
    [`-sS -o C:\\nowhere\\x ${base}/200`, 23, /Warning: Failed to open the file C:\\nowhere\\x: No such file or directory\r\ncurl: \(23\) Failure writing output to destination/],
    [`-sS -o C:\\..\\..\\x ${base}/200 -o D:\\x ${base}/200`, 23, /Failed to open the file D:\\x/],
    [`-sS file:///etc/passwd`, 1, /\(1\) Protocol "file" not supported/],
    [`-sS ftp://127.0.0.1/x`, 1, /Protocol "ftp" not supported/],
    [`-sS http://`, 3, /\(3\) URL using bad\/illegal format/],
    [`-sS ${base}/[1-3]`, 3, /globbing/],
    [``, 2, /no URL specified/],
    [`--frobnicate ${base}`, 2, /option --frobnicate: is unknown/],
    [`--output`, 2, /option --output: requires parameter/],
    [`--retry many ${base}`, 2, /proper numerical/],
    [`-s --fail ${base}/404`, 22, /^$/],
  ];
  for (const [options, exitCode, stderr] of cases) {
    const ran = await run(`curl ${options}`);
    assert.equal(ran.exitCode, exitCode, `${options}: ${ran.stderr}`);
    assert.match(ran.stderr, stderr, options);
    assert.doesNotMatch(ran.stdout, /root:/);
  }
  // Without --fail an error page is an answer like any other.
  assert.deepEqual(await run(`curl -s ${base}/404 --url ${base}/201 -o nul -w "%{http_code}\\n"`), { exitCode: 0, stdout: "404\nbody of /201201\n", stderr: "" });
  assert.deepEqual((await readdir(join(drive.root, "disks"))).filter((name) => name !== "x"), []);
});

test("a release without curl does not know it", async (context) => {
  for (const release of ["2012r2", "2016"]) {
    const { run } = await testShell(context, release);
    assert.equal((await run("curl --version")).stderr, "'curl' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n");
  }
  assert.equal((await (await testShell(context, "2019")).run("curl --version")).exitCode, 0);
});

test("follows redirects only when told, and takes no password to another server", async (context) => {
  const { run } = await testShell(context);
  const seen: (string | undefined)[] = [];
  const other = await serve(context, (request, response) => {
    seen.push(request.headers.authorization);
    response.end("other");
  });
  const port = await serve(context, (request, response) => {
    seen.push(request.headers.authorization);
    const location = { "/other": `http://127.0.0.1:${other}/`, "/loop": "/loop", "/relative": "there", "/file": "file:///etc/passwd" }[request.url ?? ""];
    if (location !== undefined) response.writeHead(302, { location });
    response.end(location === undefined ? "arrived" : "moved");
  });
  const base = `http://127.0.0.1:${port}`;
  assert.equal((await run(`curl -s ${base}/relative`)).stdout, "moved");
  assert.equal((await run(`curl -sL ${base}/relative`)).stdout, "arrived");
  seen.length = 0;
  assert.equal((await run(`curl -sL -u me:secret -H "Authorization: Bearer t" ${base}/other`)).stdout, "other");
  assert.deepEqual(seen, ["Bearer t", undefined]);
  assert.equal((await run(`curl -sSL ${base}/loop`)).exitCode, 47);
  assert.equal((await run(`curl -sSL ${base}/file`)).exitCode, 1);
});

test("retries what may pass, and begins the file anew", async (context) => {
  const { run, drive } = await testShell(context);
  let count = 0;
  const port = await serve(context, (_request, response) => {
    count++;
    if (count === 1) response.writeHead(503, { "retry-after": "0" }).end("busy");
    else if (count === 2) {
      response.writeHead(200, { "content-length": "100" });
      response.write("half of it");
      setTimeout(() => response.destroy(), 20);
    } else response.end("whole");
  });
  const line = (options: string) => `curl ${options} -sS -o C:\\disks\\x http://127.0.0.1:${port}/`;
  const cut = await run(line("--fail --retry 3"));
  assert.deepEqual([cut.exitCode, count], [18, 2]);
  assert.match(cut.stderr, /Will retry in 0 seconds. 3 retries left.\r\ncurl: \(18\) transfer closed with 90 bytes remaining to read/);
  assert.equal(await readFile(join(drive.root, "disks", "x"), "utf8"), "half of it");
  count = 1;
  assert.equal((await run(line("--retry 3 --retry-all-errors --retry-delay 0.01"))).exitCode, 0);
  assert.equal(await readFile(join(drive.root, "disks", "x"), "utf8"), "whole");
  const gone = await serve(context, (_request, response) => response.writeHead(503).end("no"));
  const ran = await run(`curl -s --retry 2 --retry-delay 0.01 http://127.0.0.1:${gone}/`);
  assert.deepEqual([ran.exitCode, ran.stdout], [0, "no"]);
});

test("gives up a transfer that is too slow or too long", async (context) => {
  const { run } = await testShell(context);
  const port = await serve(context, (request, response) => {
    if (request.url === "/mute") return;
    response.write("a");
  });
  assert.deepEqual([(await run(`curl -sS -m 0.2 http://127.0.0.1:${port}/mute`)).exitCode, (await run(`curl -sS -m 0.2 -o nul http://127.0.0.1:${port}/`)).exitCode], [28, 28]);
  const slow = await run(`curl -sS -Y 1000 -y 1 -o nul http://127.0.0.1:${port}/`);
  assert.match(slow.stderr, /\(28\) Operation too slow. Less than 1000 bytes\/sec transferred the last 1 seconds/);
});

test("a download that is ended leaves the connection, and what came so far, at once", async (context) => {
  const { start, drive } = await testShell(context);
  let closed = 0;
  const port = await serve(context, (_request, response) => {
    const timer = setInterval(() => response.write(Buffer.alloc(64 * 1024)), 5);
    response.on("close", () => {
      clearInterval(timer);
      closed++;
    });
  });
  const { program, printed } = start(`curl -sS --retry 5 -o C:\\disks\\x http://127.0.0.1:${port}/`);
  const path = join(drive.root, "disks", "x");
  while (((await stat(path).catch(() => null))?.size ?? 0) < MIB) await sleep(10);
  assert.equal(drive.uses.isInUse(path), true);
  program.terminate();
  assert.equal(await program.exitCode, 0xc000_013a);
  await sleep(50);
  assert.deepEqual([closed, drive.uses.isInUse(path), printed.stderr], [1, false, ""]);
  const { size } = await stat(path);
  await sleep(50);
  assert.equal((await stat(path)).size, size);
});

test("a connection that is reset is told from one that ends", async (context) => {
  const { run } = await testShell(context);
  const port = await listen(context, createPlainServer((socket) => {
    socket.on("error", () => {});
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome");
    setTimeout(() => socket.resetAndDestroy(), 50);
  }));
  assert.equal((await run(`curl -sS -o nul http://127.0.0.1:${port}/`)).exitCode, 56);
});

test("holds no more of a large file in memory than a few pieces", async (context) => {
  const { run } = await testShell(context);
  const piece = Buffer.alloc(MIB, 7);
  const port = await serve(context, async (_request, response) => {
    for (let count = 0; count < 400; count++) if (!response.write(piece)) await new Promise((resolve) => response.once("drain", resolve));
    response.end();
  });
  let peakBytes = 0;
  const before = process.memoryUsage();
  const timer = setInterval(() => {
    const now = process.memoryUsage();
    peakBytes = Math.max(peakBytes, now.arrayBuffers - before.arrayBuffers);
  }, 5);
  assert.equal((await run(`curl ${standard} -o C:\\disks\\big http://127.0.0.1:${port}/`)).exitCode, 0);
  clearInterval(timer);
  assert.ok(peakBytes < 150 * MIB, `${peakBytes / MIB} MiB`);
});

test("sends a file from the drive", async (context) => {
  const { run, drive } = await testShell(context);
  const content = randomBytes(3 * MIB);
  await writeFile(join(drive.root, "disks", "a.vhdx"), content);
  await writeFile(join(drive.root, "disks", "empty"), "");
  const got: string[] = [];
  const port = await serve(context, async (request, response) => {
    const hash = createHash("sha256");
    for await (const chunk of request) hash.update(chunk as Buffer);
    got.push(`${request.method} ${request.headers["content-length"]} ${hash.digest("hex")}`);
    response.end("stored");
  });
  const ran = await run(`curl ${standard} -T C:\\disks\\a.vhdx http://127.0.0.1:${port}/`);
  assert.deepEqual(ran, { exitCode: 0, stdout: "stored", stderr: "" });
  assert.equal(got[0], `PUT ${content.length} ${createHash("sha256").update(content).digest("hex")}`);
  assert.equal((await run(`curl -sS -X POST -T C:\\disks\\empty http://127.0.0.1:${port}/`)).exitCode, 0);
  assert.match(got[1] ?? "", /^POST 0 /);
  assert.equal((await run(`curl -sS -T C:\\disks\\missing http://127.0.0.1:${port}/`)).exitCode, 26);
});

test("trusts a server over TLS only by its authority, or when told to trust any", async (context) => {
  const { run, drive } = await testShell(context);
  const folder = join(drive.root, "disks");
  await promisify(execFile)("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", join(folder, "key.pem"), "-out", join(folder, "ca.pem"), "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]);
  const port = await listen(context, createSecureServer({ key: await readFile(join(folder, "key.pem")), cert: await readFile(join(folder, "ca.pem")) }, (_request, response) => response.end("sealed")));
  const plain = await serve(context, (_request, response) => response.end("open"));
  assert.deepEqual((await run(`curl -sS https://127.0.0.1:${port}/`)).exitCode, 60);
  assert.equal((await run(`curl -sS -k https://127.0.0.1:${port}/`)).stdout, "sealed");
  assert.equal((await run(`curl -sS --cacert C:\\disks\\ca.pem https://127.0.0.1:${port}/`)).stdout, "sealed");
  assert.equal((await run(`curl -sS --cacert C:\\disks\\nothing https://127.0.0.1:${port}/`)).exitCode, 77);
  assert.equal((await run(`curl -sS -k https://127.0.0.1:${plain}/`)).exitCode, 35);
});
