import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFile, mkdtemp, open, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { judgeEarly, judgeInProcess } from "./judge-image.ts";

const MIB = 1024 ** 2;

describe("judging a file that is still being received", () => {
  let folder: string;
  let whole: string;
  let data: Buffer;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "signet-early-"));
    whole = join(folder, "whole.img");
    // A FAT volume with something at firmware's path: the judge has to read the beginning, the directories and the file.
    await writeFile(whole, "");
    await truncate(whole, 24 * MIB);
    execFileSync("mformat", ["-i", whole, "-v", "ESP", "::"]);
    await writeFile(join(folder, "loader"), Buffer.alloc(3 * MIB, "no loader at all "));
    execFileSync("mmd", ["-i", whole, "::/EFI", "::/EFI/BOOT"]);
    execFileSync("mcopy", ["-i", whole, join(folder, "loader"), "::/EFI/BOOT/BOOTX64.EFI"]);
    data = await readFile(whole);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test("gives the report of the whole file, whatever the pieces are", async () => {
    const growing = join(folder, "growing.img");
    const file = await open(growing, "w");
    const early = judgeEarly({ path: growing, file: "image", declaredFormat: "raw", sizeBytes: data.length });
    for (let offset = 0; offset < data.length; offset += 3 * MIB) {
      const piece = data.subarray(offset, offset + 3 * MIB);
      await file.write(piece, 0, piece.length, offset);
      early.progress(offset + piece.length);
    }
    await file.close();
    const expected = await judgeInProcess({ path: whole, file: "image", declaredFormat: "raw", sizeBytes: data.length });
    assert.deepEqual(await early.report(), expected);
    assert.equal(expected.verdicts[0]?.because[0]?.code, "BP-NOT-AN-APPLICATION");
  });

  test("reads holes as zeros where nothing was written yet", async () => {
    const growing = join(folder, "holes.img");
    await writeFile(growing, "");
    const early = judgeEarly({ path: growing, file: "image", declaredFormat: "raw", sizeBytes: 16 * MIB });
    early.progress(16 * MIB);
    const report = await early.report();
    assert.equal(report.verdicts[0]?.because[0]?.code, "BP-NO-FILE-SYSTEM");
  });

  test("ends at once when nobody wants the answer any more", async () => {
    const growing = join(folder, "given-up.img");
    await copyFile(whole, growing);
    const early = judgeEarly({ path: growing, file: "image", declaredFormat: "raw", sizeBytes: data.length });
    const report = early.report();
    early.abandon();
    await assert.rejects(report);
  });
});
