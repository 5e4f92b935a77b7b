import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { afterEach, describe, test } from "node:test";
import { dateTimeFromDate, invalidParameter } from "@signet/wsman";
import type { HostImage } from "./host-types.ts";
import { ScriptedFiles } from "./scripted-files.ts";
import { ScriptedHost } from "./scripted-host.ts";

const never = new AbortController().signal;
const secret = "https://cloud.example:8774/signet/v1/transfers/s3cr3t-t0ken-of-the-image";
const content = "the bytes of an image";
const sha256 = createHash("sha256").update(content).digest("hex");
const image: HostImage = { format: "vhdx", sha256, sizeBytes: content.length, sourceUrl: secret };
const final = `C:\\Disks\\Signet\\Images\\${sha256}.vhdx`;

describe("preparing an image on a host", () => {
  let host: ScriptedHost;
  let files: ScriptedFiles;
  afterEach(() => host.close());
  async function start(build = "10.0.20348"): Promise<void> {
    host = await ScriptedHost.start(build);
    files = new ScriptedFiles(host);
    files.sources.set(secret, content);
  }
  const bootedAt = (date: Date): void => host.set("Win32_OperatingSystem", { Version: "10.0.20348", LastBootUpTime: dateTimeFromDate(date) });
  const fetches = (): number => host.commandLines.filter((line) => /curl|EncodedCommand/.test(line)).length;
  const hashes = (): number => host.commandLines.filter((line) => line.startsWith("certutil")).length;

  test("fetches under another name, verifies, and only then gives the file its name", async () => {
    await start();
    assert.deepEqual(await host.connect().prepareImage(image, never), { path: final });
    assert.deepEqual([...files.files.keys()], [final]);
    const part = /--output "(.+?)"/.exec(host.commandLines[1]!)![1]!;
    assert.match(part, new RegExp(`^C:\\\\Disks\\\\Signet\\\\Images\\\\${sha256}\\.vhdx\\.[0-9a-f-]{36}\\.part$`));
    assert.equal(host.commandLines[0], 'mkdir "C:\\Disks\\Signet\\Images"');
    assert.equal(host.commandLines[2], `certutil -hashfile "${part}" SHA256`);
  });

  for (const [build, program] of [["6.3.9600", "powershell"], ["10.0.14393", "powershell"], ["10.0.17763", "curl.exe"], ["10.0.26100", "curl.exe"]] as const) {
    test(`uses ${program} on ${build}`, async () => {
      await start(build);
      await host.connect().prepareImage(image, never);
      assert.ok(host.commandLines.some((line) => line.startsWith(program)), host.commandLines.join("\n"));
      assert.deepEqual([...files.files.keys()], [final]);
    });
  }

  test("takes an image that is there, without fetching or hashing it again", async () => {
    await start();
    bootedAt(new Date(Date.now() - 3_600_000));
    const connected = host.connect();
    await connected.prepareImage(image, never);
    for (let time = 0; time < 3; time++) await connected.prepareImage(image, never);
    assert.deepEqual([fetches(), hashes()], [1, 1]);
  });

  test("hashes it once more after the host was restarted, and only once", async () => {
    await start();
    files.write(final, content, new Date(Date.now() - 3_600_000));
    bootedAt(new Date());
    const connected = host.connect();
    for (let time = 0; time < 3; time++) await connected.prepareImage(image, never);
    assert.deepEqual([fetches(), hashes()], [0, 1]);
  });

  test("fetches anew what has another size, or after a restart other bytes", async () => {
    await start();
    files.write(final, "half");
    await host.connect().prepareImage(image, never);
    assert.equal(files.files.get(final)?.content, content);
    files.write(final, content.replace("b", "X"), new Date(0));
    bootedAt(new Date());
    await host.connect().prepareImage(image, never);
    assert.equal(files.files.get(final)?.content, content);
  });

  test("refuses and removes what has another digest, and names both", async () => {
    await start();
    files.sources.set(secret, content.replace("b", "X"));
    await assert.rejects(host.connect().prepareImage(image, never), { code: "HV-IMAGE-DIGEST", retry: "never", message: new RegExp(sha256) });
    assert.equal(files.files.size, 0);
  });

  test("asks for another attempt when only a part came", async () => {
    await start();
    files.sources.set(secret, content.slice(3));
    await assert.rejects(host.connect().prepareImage(image, never), { code: "HV-IMAGE-DIGEST", retry: "later", message: /fetched 18 of the image's 21 bytes/ });
    assert.equal(files.files.size, 0);
  });

  test("tells where the host should have reached, but nothing of the address that is secret", async () => {
    await start();
    files.sources.clear();
    await assert.rejects(host.connect().prepareImage(image, never), (error: Error & { code: string }) => {
      assert.equal(error.code, "HV-IMAGE-FETCH");
      assert.match(error.message, /from https:\/\/cloud\.example:8774: curl: \(22\)/);
      return !JSON.stringify([error.message, error.stack, String(error.cause)]).includes("s3cr3t");
    });
  });

  test("says nothing secret either when the host repeats the command line in a fault", async () => {
    await start();
    const run = host.program;
    host.program = (line, write, ended) => {
      if (line.startsWith("mkdir")) return run(line, write, ended);
      throw invalidParameter(`This cannot be run: ${line}`);
    };
    await assert.rejects(host.connect().prepareImage(image, never), (error: Error & { code: string; where: string }) => {
      assert.deepEqual([error.code, error.where], ["HV-REFUSED", "hv1, prepare an image"]);
      return !JSON.stringify([error.message, error.stack, String(error.cause)]).includes("s3cr3t");
    });
  });

  test("fetches once for all who ask at the same time", async () => {
    await start();
    const connected = host.connect();
    await Promise.all(Array.from({ length: 5 }, () => connected.prepareImage(image, never)));
    assert.equal(fetches(), 1);
  });

  test("agrees with another process that was faster", async () => {
    await start();
    host.before = (what) => { if (what === "CIM_DataFile.Rename") files.write(final, content); };
    await host.connect().prepareImage(image, never);
    assert.deepEqual([...files.files.keys()], [final]);
  });

  test("sweeps what attempts of yesterday left, and leaves those of today and other files alone", async () => {
    await start();
    const folder = "C:\\Disks\\Signet\\Images";
    files.write(`${folder}\\old.part`, "x", new Date(Date.now() - 48 * 3_600_000));
    files.write(`${folder}\\new.part`, "x");
    files.write(`${folder}\\old.vhdx`, "x", new Date(0));
    files.write("C:\\Disks\\elsewhere.part", "x", new Date(0));
    await host.connect().prepareImage(image, never);
    assert.deepEqual([...files.files.keys()].toSorted(), ["C:\\Disks\\elsewhere.part", final, `${folder}\\new.part`, `${folder}\\old.vhdx`].toSorted());
  });

  test("removes its own part when it is aborted", async () => {
    await start();
    const abort = new AbortController();
    const run = host.program;
    host.program = async (line, write, ended) => {
      const exit = await run(line, write, ended);
      if (line.startsWith("curl")) {
        abort.abort(new Error("cancelled"));
        await ended;
      }
      return exit;
    };
    await assert.rejects(host.connect().prepareImage(image, abort.signal), /cancelled/);
    assert.equal(files.files.size, 0);
  });

  test("refuses an address that could leave its quotes", async () => {
    await start();
    for (const sourceUrl of ["file:///etc/passwd", "not an address", "ftp://x/y"]) await assert.rejects(host.connect().prepareImage({ ...image, sourceUrl }, never), TypeError);
    const odd = 'https://cloud.example/a"b c%22?d="e';
    files.sources.set(new URL(odd).href, content);
    await host.connect().prepareImage({ ...image, sourceUrl: odd }, never);
    assert.ok(host.commandLines.some((line) => line.endsWith('"https://cloud.example/a%22b%20c%22?d=%22e"')));
  });
});
