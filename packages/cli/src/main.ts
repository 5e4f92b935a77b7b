import { Command, CommanderError, Option } from "commander";
import { ExitError, exitCodes } from "./exit.ts";

/** Every verb loads its own rooms when it is used, so that `signet inspect` never pays for the control plane. */
function buildProgram(): Command {
  const program = new Command("signet")
    .description("A control plane for Hyper-V hosts in which UEFI Secure Boot is a promise that is kept.")
    .helpCommand("help [verb]", "explain a verb")
    .showHelpAfterError("Run `signet help` for all verbs.")
    .exitOverride();
  addRunningVerbs(program);
  addAnsweringVerbs(program);
  addTrustVerbs(program);
  addHostVerbs(program);
  addProjectVerbs(program);
  return program;
}

function addRunningVerbs(program: Command): void {
  program
    .command("demo")
    .description("the main job before your eyes: build, predict, boot, prove; then a tampered copy, refused")
    .option("--data <dir>", "keep the data folder there instead of a temporary one")
    .action(async (options) => (await import("./demo/run-demo.ts")).runDemo(options));
  program
    .command("up")
    .description("a whole cloud: control plane, store and emulated hosts in one process")
    .option("--data <dir>", "where everything is kept", "signet-data")
    .option("--listen <host:port>", "address of the APIs and the page", "127.0.0.1:8780")
    .option("--hosts <n>", "number of emulated hosts of release 2022", "1")
    .option("--release <list>", "one emulated host for each release, for example 2012r2,2022")
    .addOption(machinesOption())
    .option("--ready-file <file>", "create this file when everything answers")
    .action(async (options) => (await import("./commands/up.ts")).runUp(options));
  program
    .command("serve")
    .description("the control plane alone, for real hosts and an external PostgreSQL")
    .option("--config <file>", "YAML or TOML; every key also as SIGNET_… in the environment")
    .option("--print-config", "print the merged configuration, secrets masked, and stop")
    .action(async (options) => (await import("./commands/serve.ts")).runServe(options));
  program
    .command("emulate")
    .description("emulated Hyper-V hosts that answer WS-Management and whose machines really boot")
    .option("--listen <host:port>", "address of the first host; further ones take the ports after it", "127.0.0.1:5985")
    .addOption(new Option("--release <release>", "Windows Server release").choices(["2012r2", "2016", "2019", "2022", "2025"]).default("2022"))
    .option("--hosts <n>", "number of hosts on consecutive ports", "1")
    .addOption(machinesOption())
    .addOption(new Option("--clock <clock>", "whether jobs advance by themselves").choices(["auto", "manual"]).default("auto"))
    .option("--faults <file>", "fault rules (JSON)")
    .option("--user <name>", "name of the account that may log on", "Administrator")
    .option("--password-file <file>", "file with the password; without it one is made and printed")
    .option("--tls", "HTTPS with a certificate made for this run")
    .option("--data <dir>", "folder that stands for the hosts' disks", "signet-hosts")
    .option("--ready-file <file>", "create this file when all hosts answer")
    .action(async (options) => (await import("./commands/emulate.ts")).runEmulate(options));
}

function addAnsweringVerbs(program: Command): void {
  program
    .command("inspect")
    .description("say before boot whether firmware will accept an image, and why")
    .argument("<file...>", "disk images or EFI binaries")
    .option("--trust <name|file>", "template name or trust file; repeat for several (default: Hyper-V's templates)", collect, [])
    .addOption(new Option("--firmware <firmware>", "whose quirks apply").choices(["hyper-v", "edk2-2022.11", "edk2-2026.08"]).default("hyper-v"))
    .option("--parent <file>", "parent of a differencing image, nearest first; repeat for several", collect, [])
    .addOption(new Option("--sector-size <bytes>", "for containers that do not record it").choices(["512", "4096"]))
    .addOption(new Option("--as <medium>", "read the input as this medium").choices(["disk", "cdrom"]).default("disk"))
    .option("--json", "one JSON document per input")
    .action(async (files, options) => {
      process.exitCode = await (await import("./inspect/command.ts")).runInspect(files, options);
    });
}

function addTrustVerbs(program: Command): void {
  const trust = program.command("trust").description("what templates, certificates, dbx and SBAT releases hold, with dates and provenance");
  trust
    .command("list")
    .description("every template, dbx release and SBAT level that is carried here")
    .option("--json", "one JSON document")
    .action(async (options) => (await import("./trust/command.ts")).listTrusts(options));
  trust
    .command("show")
    .description("what one template or trust file holds")
    .argument("<name|file>", "template (also NAME@YYYY-MM-DD) or trust file")
    .option("--json", "one JSON document")
    .action(async (name, options) => (await import("./trust/command.ts")).showTrust(name, options));
  trust
    .command("diff")
    .description("what the second trusts and revokes that the first does not, and the reverse; 0 when they are the same")
    .argument("<before>", "template, NAME@YYYY-MM-DD or trust file")
    .argument("<after>", "template, NAME@YYYY-MM-DD or trust file")
    .option("--json", "one JSON document")
    .action(async (before, after, options) => {
      process.exitCode = await (await import("./trust/command.ts")).diffTrusts(before, after, options);
    });
  trust
    .command("import")
    .description("apply signed updates as a machine would, and write the trust file that results")
    .argument("<file...>", "authenticated updates (.auth, DBXUpdate.bin)")
    .requiredOption("--base <name|file>", "the trust of the machine before")
    .option("--variable <name>", "db, dbx, KEK or dbt, where the file's name does not say")
    .option("--name <name>", "name of the result")
    .option("--out <file>", "write there instead of standard output")
    .action(async (files, options) => {
      process.exitCode = await (await import("./trust/command.ts")).importUpdates(files, options);
    });
}

function addHostVerbs(program: Command): void {
  const host = program.command("host").description("the Hyper-V hosts of a control plane (OS_… variables say which), and what one lacks");
  const reach = (command: Command): Command =>
    command
      .requiredOption("--url <url>", "http(s)://HOST:PORT/wsman")
      .requiredOption("--user <name>", "account on the host")
      .requiredOption("--password-file <file>", "file that holds its password")
      .option("--fingerprint <sha256>", "pin this certificate instead of verifying it")
      .option("--json", "one JSON document");
  host.command("list").description("every host, with what it can boot and what is free").option("--json", "one JSON document").action(async (options) => (await import("./host/command.ts")).listHosts(options));
  host.command("show").description("one host").argument("<name>", "name or id").option("--json", "one JSON document").action(async (name, options) => (await import("./host/command.ts")).showHost(name, options));
  reach(host.command("add").description("register a host, or change how it is reached").argument("<name>", "what it shall be called")).action(async (name, options) => (await import("./host/command.ts")).addHost(name, options));
  host.command("remove").description("forget a host without servers").argument("<name>", "name or id").action(async (name) => (await import("./host/command.ts")).removeHost(name));
  reach(host.command("check").description("walk a host through everything that is needed, and say how to grant what is lacking"))
    .option("--fetch <url>", "an address of the control plane that the host must reach, for example its /healthz")
    .action(async (options) => {
      process.exitCode = await (await import("./host/command.ts")).runHostCheck(options);
    });
}

function addProjectVerbs(program: Command): void {
  program
    .command("test")
    .description("all tests, ending in one line: N passed, N failed, N skipped")
    .argument("[filter]", "only test files whose path contains this text")
    .option("--all", "the slow sweeps too")
    .action(async (filter, options) => {
      process.exitCode = await (await import("./commands/test.ts")).runTests(filter, options);
    });
  program
    .command("bench")
    .description("benchmarks: ratios against named peers or limits, measured in the same run")
    .argument("[name...]", "names of benchmarks")
    .option("--json", "one JSON document")
    .option("--cases <n>", "how many cases to try, where a benchmark tries cases (oracle)")
    .option("--seed <n>", "first seed of generated cases")
    .action(async (names, options) => {
      process.exitCode = await (await import("./commands/bench.ts")).runBenchmarks(names, options);
    });
}

function machinesOption(): Option {
  return new Option("--machines <kind>", "firmware: machines boot under QEMU and OVMF; instant: they only change state").choices(["firmware", "instant"]).default("firmware");
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

async function main(): Promise<void> {
  try {
    await buildProgram().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : exitCodes.usage;
    else if (error instanceof ExitError) {
      process.stderr.write(`signet: ${error.message}\n`);
      process.exitCode = error.exitCode;
    } else throw error;
  }
}

await main();
