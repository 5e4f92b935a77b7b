import assert from "node:assert/strict";
import { mkdir, readdir, readFile, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { DriveFileError, DriveFiles, type DriveFileProblem } from "./drive-files.ts";
import { testDrive } from "./test-drive.ts";
import { fullWindowsPath, relativeWindowsPath, windowsFolderOf } from "./windows-path.ts";

const problem = (name: DriveFileProblem) => (error: unknown) => error instanceof DriveFileError && error.problem === name;

test("finds and lists without regard to case, with the spelling that the drive has", async (context) => {
  const drive = await testDrive(context);
  const files = new DriveFiles(drive);
  await writeFile(join(drive.root, "disks", "Alpha.vhdx"), "12345");
  await mkdir(join(drive.root, "disks", "beta"));
  await symlink("/etc/passwd", join(drive.root, "disks", "secret"));
  const entry = await files.find("c:/DISKS/alpha.VHDX");
  assert.deepEqual([entry?.path, entry?.kind, entry?.sizeBytes], ["C:\\disks\\Alpha.vhdx", "file", 5]);
  assert.ok(Math.abs((entry?.createdMs ?? 0) - Date.now()) < 60_000);
  assert.deepEqual((await files.list("C:\\Disks")).map(({ path, kind }) => [path, kind]), [["C:\\disks\\Alpha.vhdx", "file"], ["C:\\disks\\beta", "folder"]]);
  assert.deepEqual((await files.list("C:\\")).map(({ path }) => path), ["C:\\disks"]);
  assert.deepEqual(await files.list("C:\\nowhere"), []);
  for (const path of ["C:\\disks\\nothing", "C:\\disks\\secret", "C:\\disks\\secret\\x", "D:\\x", "\\\\server\\share", "C:\\..\\x", "", "C:\\disks\\a*", "nul"]) assert.equal(await files.find(path), null, path);
});

test("deletes files and whole folders, but neither the drive nor what is in use", async (context) => {
  const drive = await testDrive(context);
  const files = new DriveFiles(drive);
  await mkdir(join(drive.root, "disks", "deep", "er"), { recursive: true });
  await writeFile(join(drive.root, "disks", "deep", "er", "a.vhdx"), "");
  const release = drive.uses.take(join(drive.root, "disks", "deep", "er", "a.vhdx"), "read");
  await assert.rejects(files.delete("C:\\disks\\deep\\ER\\A.vhdx"), problem("sharingViolation"));
  await assert.rejects(files.delete("C:\\disks"), problem("sharingViolation"));
  release?.();
  await assert.rejects(files.delete("C:\\disks\\deep", { emptyFolderOnly: true }), problem("notEmpty"));
  await assert.rejects(files.delete("C:\\"), problem("accessDenied"));
  await assert.rejects(files.delete("C:\\disks\\x"), problem("notFound"));
  await assert.rejects(files.delete("C:\\y\\x"), problem("folderNotFound"));
  await assert.rejects(files.delete("C:\\..\\x"), problem("invalidName"));
  await files.delete("C:\\disks\\deep");
  assert.deepEqual(await readdir(join(drive.root, "disks")), []);
});

test("copies a sparse file of terabytes without using room, and folders with all that is in them", async (context) => {
  const drive = await testDrive(context);
  const files = new DriveFiles(drive);
  await writeFile(join(drive.root, "disks", "-rf big.vhdx"), "head");
  await truncate(join(drive.root, "disks", "-rf big.vhdx"), 4 * 1024 ** 4);
  await files.copy("C:\\disks\\-RF BIG.vhdx", "C:\\disks\\$(touch x);`y`.vhdx");
  const copy = await stat(join(drive.root, "disks", "$(touch x);`y`.vhdx"));
  assert.deepEqual([copy.size, copy.blocks < 64], [4 * 1024 ** 4, true]);
  await files.copy("C:\\disks", "C:\\other");
  assert.deepEqual((await files.list("C:\\other")).length, 2);
  await assert.rejects(files.copy("C:\\disks", "C:\\disks\\inside"), problem("sharingViolation"));
  await assert.rejects(files.copy("C:\\disks\\-rf big.vhdx", "C:\\disks\\-RF big.VHDX", { replace: true }), problem("sharingViolation"));
});

test("does not take the place of a file unless it is told to, and never that of a folder", async (context) => {
  const drive = await testDrive(context);
  const files = new DriveFiles(drive);
  const local = (name: string) => join(drive.root, "disks", name);
  await writeFile(local("a"), "a");
  await writeFile(local("b"), "b");
  await mkdir(local("folder"));
  for (const work of ["copy", "rename"] as const) {
    await assert.rejects(files[work]("C:\\disks\\a", "C:\\disks\\B"), problem("alreadyExists"));
    await assert.rejects(files[work]("C:\\disks\\a", "C:\\disks\\folder", { replace: true }), problem("accessDenied"));
    await assert.rejects(files[work]("C:\\disks\\a", "C:\\missing\\x"), problem("folderNotFound"));
    await assert.rejects(files[work]("C:\\disks\\a", "C:\\disks\\..\\..\\x"), problem("invalidName"));
    await assert.rejects(files[work]("C:\\disks\\a", "C:\\disks\\con"), problem("invalidName"));
    await assert.rejects(files[work]("C:\\disks\\a", "D:\\x"), problem("invalidName"));
  }
  await files.copy("C:\\disks\\a", "C:\\disks\\B", { replace: true });
  assert.equal(await readFile(local("b"), "utf8"), "a");
  await files.rename("C:\\disks\\a", "C:\\disks\\b", { replace: true });
  await files.rename("C:\\disks\\b", "C:\\disks\\Beta");
  await files.rename("C:\\disks\\beta", "C:\\disks\\BETA");
  assert.deepEqual((await readdir(join(drive.root, "disks"))).toSorted(), ["BETA", "folder"]);
});

test("a copy that is ended says so", async (context) => {
  const drive = await testDrive(context);
  const files = new DriveFiles(drive);
  await writeFile(join(drive.root, "disks", "a"), "a");
  await assert.rejects(files.copy("C:\\disks\\a", "C:\\disks\\b", { signal: AbortSignal.abort() }), { name: "AbortError" });
  await files.copy("C:\\disks\\a", "C:\\disks\\c");
});

test("makes a folder with those above it, once", async (context) => {
  const drive = await testDrive(context);
  const files = new DriveFiles(drive);
  await files.makeFolder("C:\\new\\Deep\\er");
  assert.equal((await files.find("c:\\NEW\\deep\\ER"))?.path, "C:\\new\\Deep\\er");
  await assert.rejects(files.makeFolder("C:\\New"), problem("alreadyExists"));
  await assert.rejects(files.makeFolder("C:\\new\\nul"), problem("invalidName"));
});

test("paths are resolved by their letters, as Windows does, and never above the drive", () => {
  const cases: [string, string][] = [
    ["a.txt", "C:\\work\\dir\\a.txt"], ["..\\a", "C:\\work\\a"], ["..\\..\\..\\..\\a", "C:\\a"], ["\\a", "C:\\a"], ["c:a", "C:\\work\\dir\\a"], ["C:/x//y/./z", "C:\\x\\y\\z"],
    ["\\\\?\\C:\\x", "C:\\x"], ["\\\\server\\share\\x", "\\\\server\\share\\x"], ["d:\\x\\..\\y", "D:\\y"], [".", "C:\\work\\dir"], ["", "C:\\work\\dir"],
  ];
  for (const [text, wanted] of cases) assert.equal(fullWindowsPath("C:\\work\\dir", text), wanted, text);
  assert.equal(fullWindowsPath("C:\\", "a"), "C:\\a");
  assert.deepEqual(["C:\\a\\b", "C:\\a", "C:\\"].map(windowsFolderOf), ["C:\\a", "C:\\", "C:\\"]);
  assert.deepEqual([relativeWindowsPath("C:\\a\\b", "C:\\A\\B\\c.vhdx"), relativeWindowsPath("C:\\a\\b", "C:\\x\\c.vhdx"), relativeWindowsPath("C:\\", "C:\\c.vhdx")], [".\\c.vhdx", "..\\..\\x\\c.vhdx", ".\\c.vhdx"]);
});
