import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { after, before, describe, test } from "node:test";
import type { ImageReport } from "@signet/secure-boot";
import { ExitError } from "../exit.ts";
import { type InspectCommandOptions, runInspect } from "./command.ts";
import { formatSize, renderReport } from "./render.ts";
import { styleFor } from "./style.ts";

const report: ImageReport = {
  file: "images/debian-12.vhdx",
  format: { detected: "vhdx", declared: null, variant: "dynamic", virtualSizeBytes: 10 * 1024 ** 3, bytesRead: 1.9 * 1024 ** 2 },
  layout: { partitioning: "gpt", espIndex: 1, filesystem: "fat32" },
  boot: { path: "\\EFI\\BOOT\\BOOTX64.EFI", architecture: "x64", generation: 2 },
  chain: [
    { stage: "loader", path: "\\EFI\\BOOT\\BOOTX64.EFI", product: "shim 16.1, Debian", authenticode: null, sbat: null, signatures: [{ digest: "sha256", signer: null, authority: { subject: "CN=Microsoft Corporation UEFI CA 2011, O=Microsoft Corporation, C=US", sha256: "" } }] },
    { stage: "second", path: "\\EFI\\BOOT\\grubx64.efi", product: "grub 2.06, Debian", authenticode: null, sbat: null, signatures: [] },
  ],
  verdicts: [
    { trust: "MicrosoftUEFICertificateAuthority", outcome: "boots", stage: null, firmwareMessage: null, because: [], remedies: [], serviceable: true, survivesNextRevocation: false },
    { trust: "MicrosoftWindows", outcome: "refused", stage: "loader", firmwareMessage: "Access Denied", because: [{ code: "SB-NOT-IN-DB", text: "No signature of the loader leads to a certificate of this trust." }], remedies: [{ code: "X", text: "Choose another template." }], serviceable: null, survivesNextRevocation: null },
  ],
  family: "linux",
  warnings: [],
};

describe("what a person reads", () => {
  test("the answer comes first, then why, then what to do", () => {
    assert.equal(
      renderReport(report, { storedBytes: 212 * 1024 ** 2, elapsedMs: 14 }),
      `debian-12.vhdx  VHDX dynamic, 10 GiB (212 MiB stored) · GPT · ESP on partition 1, FAT32 · Generation 2 · Linux

  \\EFI\\BOOT\\BOOTX64.EFI     shim 16.1, Debian   signed: Microsoft UEFI CA 2011
  └ \\EFI\\BOOT\\grubx64.efi   grub 2.06, Debian   not signed

  MicrosoftUEFICertificateAuthority   boots        serviceable: yes     survives the next revocation: no
  MicrosoftWindows                    refused      firmware: Access Denied, at the loader
      why     No signature of the loader leads to a certificate of this trust.  [SB-NOT-IN-DB]
      remedy  Choose another template.

read 1.9 MiB in 14 ms
`,
    );
  });

  test("sizes are binary and short", () => {
    assert.deepEqual([0, 512, 1536, 212 * 1024 ** 2, 10 * 1024 ** 3].map(formatSize), ["0 bytes", "512 bytes", "1.5 KiB", "212 MiB", "10 GiB"]);
  });

  test("colours appear on a terminal only, and never with NO_COLOR or TERM=dumb", () => {
    const dressed = (isTTY: boolean, environment: NodeJS.ProcessEnv): boolean => styleFor({ isTTY }, environment).bad("refused") !== "refused";
    assert.equal(dressed(true, {}), true);
    assert.deepEqual([dressed(false, {}), dressed(true, { NO_COLOR: "1" }), dressed(true, { TERM: "dumb" })], [false, false, false]);
  });
});

describe("signet inspect", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "signet-inspect-"));
    await writeFile(join(folder, "empty.raw"), "");
    await writeFile(join(folder, "blank.raw"), Buffer.alloc(1024 * 1024));
    await writeFile(join(folder, "notes.vhdx"), "just a text");
    await writeFile(join(folder, "foreign.bzip2"), Buffer.concat([Buffer.from("BZh9", "latin1"), Buffer.alloc(1020)]));
    await writeFile(join(folder, "trust.json"), JSON.stringify({ name: "mine", db: [] }));
    await writeFile(join(folder, "broken.json"), JSON.stringify({ db: [{ type: "md5" }] }));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function run(names: readonly string[], options: InspectCommandOptions = {}): Promise<{ code: number; out: string }> {
    let out = "";
    const collect = new Writable({ write: (chunk: Buffer, _encoding, done) => (out += chunk.toString(), done()) });
    const code = await runInspect(names.map((name) => join(folder, name)), options, { out: collect, err: collect, environment: {} });
    return { code, out };
  }

  test("ends in 1 for a disk with nothing to boot, 2 for a format that is not read, 65 for no disk at all", async () => {
    const blank = await run(["blank.raw"]);
    assert.equal(blank.code, 1);
    assert.match(blank.out, /MicrosoftWindows\s+unbootable\s+firmware: Not Found\n\s+why\s+No partition/);
    assert.equal((await run(["foreign.bzip2"])).code, 2);
    for (const name of ["empty.raw", "notes.vhdx"]) {
      const { code, out } = await run([name]);
      assert.equal(code, 65);
      assert.match(out, /cannot be read as a disk\n\s+why\s+\S/);
    }
    assert.equal((await run(["blank.raw", "empty.raw"])).code, 65);
  });

  test("several files get one line each, then details of those that do not boot", async () => {
    const { out } = await run(["blank.raw", "foreign.bzip2"], { trust: ["MicrosoftWindows"] });
    assert.match(out, /^blank\.raw      MicrosoftWindows unbootable\nforeign\.bzip2  MicrosoftWindows unknown\n\nblank\.raw  raw, 1 MiB\n/);
  });

  test("prints one JSON document per input and nothing else", async () => {
    const { out } = await run(["blank.raw", "empty.raw"], { json: true, trust: [join(folder, "trust.json")] });
    const [first, second] = out.trim().split("\n").map((line) => JSON.parse(line));
    assert.equal(first.verdicts[0].trust, "mine");
    assert.equal(second.error.code, "DI-EMPTY");
  });

  test("wrong arguments end in 64 with a sentence that says what would be right", async () => {
    const fails = (options: InspectCommandOptions, pattern: RegExp, name = "blank.raw"): Promise<void> =>
      assert.rejects(run([name], options), (error: unknown) => error instanceof ExitError && error.exitCode === 64 && pattern.test(error.message));
    await fails({ trust: ["Nobody"] }, /neither a template nor a file\. Templates are: MicrosoftWindows,/);
    await fails({ trust: [join(folder, "broken.json")] }, /db\[0\]\.type is "md5"/);
    await fails({ firmware: "bios" }, /Choose one of hyper-v/);
    await fails({ sectorSize: "1000" }, /Choose 512 or 4096/);
    await fails({}, /no such file/, "missing.raw");
  });
});
