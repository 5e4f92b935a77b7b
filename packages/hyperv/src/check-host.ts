import { createHash } from "node:crypto";
import { pathsOf, type AboutHost } from "./about-host.ts";
import { grantAccess, HostFault } from "./host-fault.ts";
import { deleteFile, lastLine, makeFolder } from "./host-files.ts";
import { HostLink, HostSession } from "./host-session.ts";
import type { HostConnection, HostFacts } from "./host-types.ts";
import { readDigest } from "./image-transfer.ts";
import { probeHost } from "./probe.ts";

/** One thing that the driver needs of a host. */
export interface HostCheck {
  readonly name: string;
  readonly outcome: "ok" | "lacking" | "not checked";
  /** What was found, or what went wrong, as a sentence. */
  readonly found: string;
  /** What to paste into PowerShell on the host, or what to do otherwise; null where nothing is lacking. */
  readonly remedy: string | null;
}

export interface CheckOptions {
  /** An address of the control plane that a host must be able to fetch from; without it that is not checked. */
  readonly fetchUrl?: string;
  readonly signal: AbortSignal;
}

const bytesPerGib = 1024 ** 3;
/** Room for one small image and the machine made of it. */
const freeBytesMin = 8 * bytesPerGib;
const remedies = {
  reach: "Check the address, that the host runs, and that WinRM listens: Enable-PSRemoting -Force; winrm enumerate winrm/config/listener",
  password: "Check user and password; write a local account of a host that is in a domain as .\\USER. Negotiate must be allowed, as it is by default: Set-Item WSMan:\\localhost\\Service\\Auth\\Negotiate $true",
  switch: "Make a virtual switch on a network adapter: New-VMSwitch -Name External -NetAdapterName (Get-NetAdapter -Physical | Where-Object Status -eq Up)[0].Name",
  templates: "Install the host's updates: Windows Server 2016 and later have the template MicrosoftUEFICertificateAuthority. Without it Linux guests cannot use Secure Boot there.",
  shell: "Allow commands through WinRM: Set-Item WSMan:\\localhost\\Shell\\AllowRemoteShellAccess $true",
  files: "Let the account write to the folder of virtual hard disks, or choose another: Set-VMHost -VirtualHardDiskPath D:\\Machines",
  fetch: "Let the host reach that address (routing, firewall, proxy): Test-NetConnection HOST -Port PORT. The address is publicUrl in Signet's configuration.",
  space: "Free space on that drive, or move the folder of virtual hard disks: Set-VMHost -VirtualHardDiskPath D:\\Machines",
  release: "Use Windows Server 2012 R2 or newer; Generation 2 machines and Secure Boot begin there.",
} as const;

/** Walks a host through everything that the driver needs, one step after the other, and says of each what was found. Leaves nothing behind. */
export async function* checkHost(connection: HostConnection, options: CheckOptions): AsyncGenerator<HostCheck> {
  const link = new HostLink(connection);
  try {
    const session = new HostSession(link, `${connection.name}: check the host`, options.signal);
    const probed = await attempt("answers and lets the account in", () => probeHost(session), ({ facts }) => `${facts.caption}, ${facts.osVersion}, named ${facts.computerName}`);
    yield probed.check;
    if (probed.result === null) return;
    const { about, facts } = probed.result;
    yield* checkFacts(facts);
    const shell = await attempt("runs commands", () => session.run("hostname", { direct: true, slots: link.commands }), (result) => `hostname says ${lastLine(result.stdout)}`, remedies.shell);
    yield shell.check;
    if (shell.result === null) return;
    yield (await attempt("keeps and hashes files", () => tryFile(session, about), (folder) => `a file in ${folder} was written, hashed and deleted`, remedies.files)).check;
    yield await checkFetch(session, about, options.fetchUrl);
  } finally {
    link.close();
  }
}

function* checkFacts(facts: HostFacts): Generator<HostCheck> {
  const is = (name: string, isOk: boolean, found: string, remedy: string): HostCheck => ({ name, outcome: isOk ? "ok" : "lacking", found, remedy: isOk ? null : remedy });
  const { secureBoot, switches, diskFreeBytes, virtualHardDiskPath } = facts;
  yield is("Generation 2 machines", secureBoot.generation2, secureBoot.generation2 ? `release ${facts.release}` : `version ${facts.osVersion} has none`, remedies.release);
  yield is("Secure Boot for Windows and Linux guests", secureBoot.families.length === 2, `guests: ${secureBoot.families.join(", ") || "none"}; templates: ${secureBoot.templates.map(({ name }) => name).join(", ") || "none to choose"}`, remedies.templates);
  yield is("a virtual switch", switches.length > 0, switches.length === 0 ? "none" : switches.map(({ name }) => name).join(", "), remedies.switch);
  yield is("room for disks", diskFreeBytes >= freeBytesMin, `${(diskFreeBytes / bytesPerGib).toFixed(1)} GiB free where ${virtualHardDiskPath} is`, remedies.space);
}

/** The folder that was written to. */
async function tryFile(session: HostSession, about: AboutHost): Promise<string> {
  const folder = pathsOf(session, about).images;
  const path = `${folder}\\signet-check.txt`;
  await makeFolder(session, folder);
  try {
    const written = await session.run(`echo signet>"${path}"`, { direct: false, slots: session.link.commands });
    if (written.exitCode !== 0) throw session.fault("HV-FILE", `${path} could not be written: ${lastLine(written.stderr) || `exit code ${written.exitCode}`}.`);
    const hashed = await session.run(`certutil -hashfile "${path}" SHA256`, { direct: true, slots: session.link.commands });
    const expected = createHash("sha256").update("signet\r\n").digest("hex");
    if (readDigest(hashed.stdout.toString("utf8")) !== expected) throw session.fault("HV-FILE", `certutil did not compute the digest of ${path}: ${lastLine(hashed.stderr) || lastLine(hashed.stdout) || "it said nothing"}.`);
  } finally {
    await deleteFile(session, path);
  }
  return folder;
}

async function checkFetch(session: HostSession, about: AboutHost, fetchUrl: string | undefined): Promise<HostCheck> {
  const name = "reaches the control plane";
  if (fetchUrl === undefined) return { name, outcome: "not checked", found: "no address was given", remedy: null };
  if (about.build < session.link.quirks.curlFromBuild) return { name, outcome: "not checked", found: "this release has no curl.exe to try it with", remedy: null };
  const path = `${pathsOf(session, about).images}\\signet-check.part`;
  try {
    return (await attempt(name, async () => {
      const result = await session.run(`curl.exe --fail --silent --show-error --output "${path}" "${fetchUrl}"`, { direct: true, slots: session.link.commands });
      if (result.exitCode !== 0) throw session.fault("HV-IMAGE-FETCH", `${fetchUrl} was not reached: ${lastLine(result.stderr) || `exit code ${result.exitCode}`}.`);
    }, () => fetchUrl, remedies.fetch)).check;
  } finally {
    await deleteFile(session, path);
  }
}

/** A step that may fail: a fault is what is lacking, anything else a bug. */
async function attempt<Result>(name: string, act: () => Promise<Result>, describe: (result: Result) => string, remedy: string | null = null): Promise<{ readonly check: HostCheck; readonly result: Result | null }> {
  try {
    const result = await act();
    return { check: { name, outcome: "ok", found: describe(result), remedy: null }, result };
  } catch (error) {
    if (!(error instanceof HostFault)) throw error;
    return { check: { name, outcome: "lacking", found: error.message, remedy: remedyOf(error) ?? remedy }, result: null };
  }
}

function remedyOf({ code }: HostFault): string | null {
  if (code === "HV-UNREACHABLE" || code === "HV-TIMEOUT" || code === "HV-HTTP") return remedies.reach;
  if (code === "HV-UNAUTHORIZED") return remedies.password;
  return code === "HV-ACCESS-DENIED" ? grantAccess : null;
}
