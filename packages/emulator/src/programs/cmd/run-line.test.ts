import assert from "node:assert/strict";
import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { testShell } from "../test-shell.ts";

const notRecognised = (name: string) => `'${name}' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n`;

test("runs commands one after the other as their results allow", async (context) => {
  const { run } = await testShell(context);
  const cases: [string, string][] = [
    ["echo a& echo b", "a\r\nb\r\n"],
    ["echo a && echo b", "a \r\nb\r\n"],
    ["echo a || echo b", "a \r\n"],
    ["ver >nul && echo b", "b\r\n"],
    ["type missing 2>nul || echo b", "b\r\n"],
    ["type missing 2>nul && echo b", ""],
    ["type missing 2>nul && echo a || echo c", "c\r\n"],
    ["type missing 2>nul & echo d", "d\r\n"],
    ["(echo a& echo b)&& (echo c)", "a\r\nb\r\nc\r\n"],
    ["@echo quiet", "quiet\r\n"],
    ["echo.& echo/slash& echo(paren", "\r\nslash\r\nparen\r\n"],
    ["  ,;echo leading", "leading\r\n"],
    ["echo a&&", "The syntax of the command is incorrect.\r\n"],
  ];
  for (const [line, wanted] of cases) {
    const ran = await run(line);
    assert.equal(ran.stdout + ran.stderr, wanted, line);
  }
});

test("what is quoted or behind a caret is text", async (context) => {
  const { run, drive } = await testShell(context);
  const cases: [string, string][] = [
    ['echo "a & b | c > d"', '"a & b | c > d"\r\n'],
    ["echo a ^& b ^> c ^^ ^|", "a & b > c ^ |\r\n"],
    ['echo "^&"', '"^&"\r\n'],
    ["echo $(id) `id` ;touch x", "$(id) `id` ;touch x\r\n"],
    ["echo %COMPUTERNAME% %computername% %nosuch% 100%", "HV1 HV1 %nosuch% 100%\r\n"],
    ['echo "%ComputerName%"', '"HV1"\r\n'],
    ["echo 'a' \\b\\ *", "'a' \\b\\ *\r\n"],
  ];
  for (const [line, wanted] of cases) assert.equal((await run(line)).stdout, wanted, line);
  assert.deepEqual((await readdir(drive.root)).toSorted(), ["Users", "Windows", "disks"]);
});

test("says of what it does not know what cmd.exe says", async (context) => {
  const { run } = await testShell(context);
  assert.deepEqual(await run("nosuch /x"), { exitCode: 1, stdout: "", stderr: notRecognised("nosuch") });
  assert.deepEqual(await run("/bin/sh -c id"), { exitCode: 1, stdout: "", stderr: "The system cannot find the path specified.\r\n" });
  assert.deepEqual(await run('"C:\\Windows\\nosuch.exe" x'), { exitCode: 1, stdout: "", stderr: notRecognised("C:\\Windows\\nosuch.exe") });
  assert.equal((await run("nosuch & if errorlevel 9009 echo 9009")).stdout, "9009\r\n");
  assert.deepEqual(await run("nosuch", { skipCmdShell: true }), { exitCode: 1, stdout: "", stderr: "The system cannot find the file specified.\r\n" });
  assert.deepEqual(await run("echo a & b", { skipCmdShell: true }), { exitCode: 1, stdout: "", stderr: "The system cannot find the file specified.\r\n" });
  assert.match((await run("for %i in (a) do echo %i")).stderr, /has no FOR/);
  assert.equal((await run("")).exitCode, 0);
});

test("leads streams to files, to nowhere, and into each other", async (context) => {
  const { run, drive } = await testShell(context);
  const text = (name: string) => readFile(join(drive.root, "disks", name), "utf8");
  await run("echo one>C:\\disks\\a.txt& echo two>>C:\\disks\\A.TXT");
  assert.equal(await text("a.txt"), "one\r\ntwo\r\n");
  assert.deepEqual(await run("nosuch >C:\\disks\\out.txt 2>&1"), { exitCode: 1, stdout: "", stderr: "" });
  assert.equal(await text("out.txt"), notRecognised("nosuch"));
  assert.deepEqual(await run("nosuch 2>&1 >nul"), { exitCode: 1, stdout: notRecognised("nosuch"), stderr: "" });
  assert.deepEqual(await run("echo x 1>&2"), { exitCode: 0, stdout: "", stderr: "x \r\n" });
  assert.equal((await run("(echo a& echo b) > \"C:\\disks\\two words.txt\"")).exitCode, 0);
  assert.equal(await text("two words.txt"), "a\r\nb\r\n");
  assert.equal((await run("more < C:\\disks\\a.txt")).stdout, "one\r\ntwo\r\n");
  assert.equal((await run("type C:\\disks\\a.txt | find \"tw\"")).stdout, "two\r\n");
  assert.equal((await run("echo 1>2")).exitCode, 0);
  for (const target of ["C:\\nowhere\\x", "C:\\..\\..\\x\\y", "\\\\server\\share", "D:\\x", "C:\\disks"]) {
    const ran = await run(`echo x>${target}`);
    assert.deepEqual([ran.exitCode, ran.stdout], [1, ""], target);
    assert.match(ran.stderr, /cannot find|incorrect|denied/);
  }
});

test("asks questions with IF", async (context) => {
  const { run, drive } = await testShell(context);
  await writeFile(join(drive.root, "disks", "A file.vhdx"), "x");
  const cases: [string, string][] = [
    ['if exist "C:\\disks\\a FILE.vhdx" echo yes', "yes"],
    ["if exist C:\\disks\\*.vhdx echo yes", "yes"],
    ["if exist C:\\disks\\ echo yes", "yes"],
    ["if exist C:\\disks\\b (echo yes) else echo no", "no"],
    ["if not exist C:\\disks\\b (echo yes) else (echo no)", "yes"],
    ["if exist C:\\disks\\b echo a& echo b", ""],
    ["if exist C:\\disks\\b (echo a)& echo b", "b"],
    ['if "a"=="A" (echo yes) else (echo no)', "no"],
    ['if /i "a"=="A" echo yes', "yes"],
    ["if 10 GTR 9 echo yes", "yes"],
    ["if a lss b if 1 equ 01 echo yes", "yes"],
    ["if defined ComputerName echo yes", "yes"],
    ["type nothing 2>nul & if errorlevel 1 echo yes", "yes"],
    ['if exist "C:\\disks\\A file.vhdx" (if not exist C:\\disks\\q (echo deep) else echo x) else echo y', "deep"],
  ];
  for (const [line, wanted] of cases) {
    const ran = await run(line);
    assert.equal(ran.stdout.trim(), wanted, `${line}: ${ran.stderr}`);
  }
  assert.equal((await run("if")).stderr, "The syntax of the command is incorrect.\r\n");
  assert.equal((await run("if a b echo")).stderr, "b was unexpected at this time.\r\n");
});

test("cmd inside cmd takes off one pair of quotes and keeps its own folder", async (context) => {
  const { run } = await testShell(context);
  const cases: [string, string][] = [
    ['cmd /c echo "a b"', '"a b"\r\n'],
    ['cmd /c "echo a & echo b"', "a \r\nb\r\n"],
    ['cmd.exe /d /s /c "echo "x y""', '"x y"\r\n'],
    ['C:\\Windows\\System32\\cmd.exe /C "cd C:\\disks&& cd"', "C:\\disks\r\n"],
    ["cmd /c cd C:\\disks & cd", "C:\\Users\\Administrator\r\n"],
    ["cmd /c exit 7 || echo failed", "failed\r\n"],
  ];
  for (const [line, wanted] of cases) assert.equal((await run(line)).stdout, wanted, line);
  assert.equal((await run("cmd /c exit 7")).exitCode, 7);
  assert.equal((await run("cmd /c nosuch")).exitCode, 1);
  assert.equal((await run("exit /b 3 & echo never")).exitCode, 3);
  assert.deepEqual((await run('cmd /c "echo a & echo b"', { skipCmdShell: true })).stdout, "a \r\nb\r\n");
  const interactive = await run("cmd", { input: "cd C:\\disks\r\ncd\r\nexit 5\r\n" });
  assert.equal(interactive.exitCode, 5);
  assert.match(interactive.stdout, /^Microsoft Windows \[Version 10\.0\.20348\][^]*C:\\disks>C:\\disks\r\n\r\nC:\\disks>$/);
});

test("moves, copies, renames and deletes as cmd.exe does and says", async (context) => {
  const { run, drive } = await testShell(context);
  const local = (name: string) => join(drive.root, "disks", name);
  await writeFile(local("a.vhdx.part"), "new");
  await writeFile(local("a.vhdx"), "old");
  assert.deepEqual(await run('move /y "C:\\disks\\a.vhdx.part" "C:\\disks\\A.vhdx"'), { exitCode: 0, stdout: "        1 file(s) moved.\r\n", stderr: "" });
  assert.equal(await readFile(local("a.vhdx"), "utf8"), "new");
  assert.deepEqual(await run("cmd /c move /y C:\\disks\\missing C:\\disks\\b"), { exitCode: 1, stdout: "", stderr: "The system cannot find the file specified.\r\n" });
  assert.deepEqual(await run("cd C:\\disks && copy /y a.vhdx b.vhdx"), { exitCode: 0, stdout: "        1 file(s) copied.\r\n", stderr: "" });
  const asked = await run("copy C:\\disks\\a.vhdx C:\\disks\\b.vhdx");
  assert.deepEqual([asked.exitCode, asked.stdout], [1, "Overwrite C:\\disks\\b.vhdx? (Yes/No/All): \r\n        0 file(s) copied.\r\n"]);
  assert.equal((await run("move C:\\disks\\a.vhdx C:\\disks\\b.vhdx", { input: "Yes\r\n" })).exitCode, 0);
  assert.equal((await run("ren C:\\disks\\b.vhdx c.vhdx")).exitCode, 0);
  assert.equal((await run("ren C:\\disks\\c.vhdx ..\\d.vhdx")).exitCode, 1);
  assert.equal((await run("md C:\\disks\\new\\deep && move C:\\disks\\c.vhdx C:\\disks\\new")).exitCode, 0);
  assert.deepEqual(await run("mkdir C:\\disks\\new"), { exitCode: 1, stdout: "", stderr: "A subdirectory or file C:\\disks\\new already exists.\r\n" });
  assert.deepEqual(await run("dir /b C:\\disks\\new"), { exitCode: 0, stdout: "c.vhdx\r\ndeep\r\n", stderr: "" });
  assert.equal((await run("dir/s/b/a-d C:\\disks")).stdout, "C:\\disks\\new\\c.vhdx\r\n");
  assert.match((await run("dir C:\\disks\\new")).stdout, /Directory of C:\\disks\\new\r\n\r\n[^]* 3 c\.vhdx\r\n[^]*<DIR> +deep\r\n +1 File\(s\) +3 bytes\r\n +1 Dir\(s\) +[\d,]+ bytes free/);
  assert.deepEqual(await run("dir /b C:\\disks\\nothing"), { exitCode: 1, stdout: "", stderr: "File Not Found\r\n" });
  assert.deepEqual(await run("rmdir C:\\disks\\new"), { exitCode: 145, stdout: "", stderr: "The directory is not empty.\r\n" });
  assert.deepEqual(await run("rd /s /q C:\\disks\\nothing"), { exitCode: 2, stdout: "", stderr: "The system cannot find the file specified.\r\n" });
  assert.deepEqual(await run("del /q /f C:\\disks\\nothing"), { exitCode: 0, stdout: "Could Not Find C:\\disks\\nothing\r\n", stderr: "" });
  assert.equal((await run("del /q/f C:\\disks\\new\\*.vhdx & rmdir /s /q \"C:\\disks\\new\"")).exitCode, 0);
  assert.deepEqual(await readdir(local("")), []);
});

test("a file that a machine has open is left alone", async (context) => {
  const { run, drive } = await testShell(context);
  const path = join(drive.root, "disks", "a.vhdx");
  await writeFile(path, "x");
  const release = drive.uses.take(path, "write");
  for (const line of ["move /y C:\\disks\\a.vhdx C:\\disks\\b.vhdx", "copy /y C:\\disks\\a.vhdx C:\\disks\\b.vhdx", "rmdir /s /q C:\\disks", "echo x>C:\\disks\\a.vhdx", "del C:\\disks\\a.vhdx"]) {
    assert.match((await run(line)).stderr, /being used by another process/, line);
  }
  release?.();
  assert.equal((await stat(path)).size, 1);
});

test("nothing leads out of the drive", async (context) => {
  const { run, drive } = await testShell(context);
  await mkdir(join(drive.root, "..", "outside"));
  await writeFile(join(drive.root, "..", "outside", "secret"), "secret");
  await symlink(join(drive.root, "..", "outside"), join(drive.root, "disks", "link"));
  const paths = ["C:\\..\\outside\\secret", "..\\..\\..\\..\\outside\\secret", "C:\\disks\\link\\secret", "\\\\?\\C:\\..\\outside\\secret", "/etc/passwd", "file:///etc/passwd", "\\\\localhost\\c$\\outside\\secret", "C:\\disks\\..\\..\\outside\\secret", "Z:\\outside\\secret"];
  for (const path of paths) {
    for (const verb of ["type", "dir /b", "del /q", "rmdir /s /q", "certutil -hashfile"]) {
      const ran = await run(`${verb} "${path}"`);
      assert.doesNotMatch(ran.stdout + ran.stderr, /^secret|root:|completed successfully/, `${verb} ${path}`);
    }
    await run(`echo x>"${path}"`);
    await run(`copy /y "${path}" C:\\disks\\stolen`);
    await run(`copy /y C:\\disks\\mine "${path}"`);
    await run(`move /y "${path}" C:\\disks\\stolen`);
    await run(`mkdir "${path}x"`);
  }
  assert.equal(await readFile(join(drive.root, "..", "outside", "secret"), "utf8"), "secret");
  assert.deepEqual((await readdir(join(drive.root, ".."))).toSorted(), ["c", "outside"]);
});

test("small programs of Windows answer as they do there", async (context) => {
  const { run } = await testShell(context);
  assert.deepEqual(await run("hostname"), { exitCode: 0, stdout: "HV1\r\n", stderr: "" });
  assert.equal((await run("ver")).stdout, "\r\nMicrosoft Windows [Version 10.0.20348]\r\n");
  assert.equal((await run("whoami.exe")).stdout, "hv1\\administrator\r\n");
  assert.match((await run("ipconfig /all")).stdout, /^\r\nWindows IP Configuration\r\n[^]*Ethernet adapter/);
  assert.deepEqual(await run("wevtutil qe Microsoft-Windows-Hyper-V-Worker-Admin /c:1"), { exitCode: 0, stdout: "", stderr: "" });
  assert.equal((await run("where curl & where nosuch")).stdout, "C:\\Windows\\System32\\curl.exe\r\n");
  assert.equal((await run("set X=1& set X& set Xyz")).stdout, "X=1\r\n");
  assert.match((await run("set")).stdout, /^COMPUTERNAME=HV1\r\n/);
});

test("commands start where and with what the shell was opened", async (context) => {
  const { programs } = await testShell(context);
  const run = async (workingDirectory: string) => {
    let printed = "";
    const program = programs.start({ commandLine: "cd & echo %X%", skipCmdShell: false, workingDirectory, environment: { x: "a b" } }, { write: (_stream, data) => { printed += Buffer.from(data).toString(); } });
    await program.exitCode;
    return printed;
  };
  assert.equal(await run("%SystemDrive%\\DISKS"), "C:\\disks\r\na b\r\n");
  assert.equal(await run("C:\\nowhere"), "C:\\Users\\Administrator\r\na b\r\n");
});

test("a nonsense line never hangs or breaks the host", async (context) => {
  const { run } = await testShell(context);
  const pieces = ["(", ")", "&", "&&", "|", "||", ">", "<", ">>", "2>&1", "^", '"', "%", "if", "else", "not", "exist", "echo", "a", " ", "\n", "\\", "nul", "cmd /c", "==", "C:\\x"];
  let seed = 12345;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
  for (let round = 0; round < 3000; round++) {
    const line = Array.from({ length: random(12) }, () => pieces[random(pieces.length)]).join(random(2) === 0 ? "" : " ");
    const ran = await run(line);
    assert.ok(Number.isInteger(ran.exitCode) && !ran.stderr.includes("emulated host failed"), JSON.stringify(line));
  }
  assert.match((await run("(".repeat(8000))).stderr, /too deeply|incorrect/);
});
