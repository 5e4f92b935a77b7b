import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { testShell } from "./test-shell.ts";

test("prints a digest in the lines of the release", async (context) => {
  const digest = createHash("sha256").update("abc").digest("hex");
  for (const [release, caption, text] of [["2012r2", "SHA256 hash of file C:\\disks\\a b:", digest.replaceAll(/..(?=.)/g, "$& ")], ["2016", "SHA256 hash of C:\\disks\\a b:", digest], ["2025", "SHA256 hash of C:\\disks\\a b:", digest]] as const) {
    const { run, drive } = await testShell(context, release);
    await writeFile(join(drive.root, "disks", "a b"), "abc");
    assert.deepEqual(await run('certutil.exe -hashfile "C:\\disks\\a b" sha256'), { exitCode: 0, stdout: `${caption}\r\n${text}\r\nCertUtil: -hashfile command completed successfully.\r\n`, stderr: "" });
  }
});

test("knows the algorithms that certutil knows, SHA1 unless told", async (context) => {
  const { run, drive } = await testShell(context);
  await writeFile(join(drive.root, "disks", "a"), "abc");
  for (const algorithm of ["MD5", "SHA1", "SHA384", "SHA512"]) {
    assert.ok((await run(`certutil -hashfile C:\\disks\\a ${algorithm}`)).stdout.includes(createHash(algorithm.toLowerCase()).update("abc").digest("hex")));
  }
  assert.match((await run("certutil /HashFile C:\\disks\\a")).stdout, /^SHA1 hash/);
});

test("says what is wrong in certutil's way, with the error's number as exit code", async (context) => {
  const { run, drive } = await testShell(context);
  await writeFile(join(drive.root, "disks", "a"), "abc");
  await writeFile(join(drive.root, "disks", "empty"), "");
  assert.deepEqual(await run("certutil -hashfile C:\\disks\\missing SHA256"), { exitCode: 0x8007_0002, stdout: "CertUtil: -hashfile command FAILED: 0x80070002 (WIN32: 2 ERROR_FILE_NOT_FOUND)\r\nCertUtil: The system cannot find the file specified.\r\n", stderr: "" });
  for (const [line, exitCode] of [["-hashfile C:\\disks\\empty SHA256", 0x8007_03ee], ["-hashfile C:\\disks\\a SHA3", 0xd000_0225], ["-hashfile", 0x8007_0057], ["-urlcache -f http://x y", 0x8007_0057], ["-hashfile C:\\disks SHA256", 0x8007_0002], ["", 0x8007_0057]] as const) {
    assert.equal((await run(`certutil ${line}`)).exitCode, exitCode, line);
  }
});

test("ends in the middle of a large file when it is told to", async (context) => {
  const { start, drive } = await testShell(context);
  await writeFile(join(drive.root, "disks", "big"), "x");
  await truncate(join(drive.root, "disks", "big"), 1024 ** 4);
  const { program } = start("certutil -hashfile C:\\disks\\big SHA256");
  setTimeout(() => program.terminate(), 50);
  assert.equal(await program.exitCode, 0xc000_013a);
});
