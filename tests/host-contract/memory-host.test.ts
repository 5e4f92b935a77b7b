import { createHash } from "node:crypto";
import { MemoryHost, MemoryHostFault } from "@signet/control-plane/memory-host";
import type { HostFacts, HostImage, MachineSpec } from "@signet/control-plane/ports";
import { missingPrograms } from "../cloud/client-command.ts";
import { holdToContract } from "./contract.ts";

const GIB = 1024 ** 3;
const facts: HostFacts = {
  computerName: "MEMORY", osVersion: "10.0.20348", release: "2022", caption: "", cpuCount: 8, cpuModel: "", memoryBytes: 16 * GIB, memoryFreeBytes: 15 * GIB, diskBytes: 200 * GIB, diskFreeBytes: 150 * GIB, uptimeSeconds: 60,
  secureBoot: {
    generation2: true, families: ["windows", "linux"],
    templates: [["1734c6e8-3154-4dda-ba5f-a874cc483422", "MicrosoftWindows"], ["272e7447-90a4-4563-a4b9-8e4ab00526ce", "MicrosoftUEFICertificateAuthority"]].map(([id, name]) => ({ id: id as never, name: name! })),
  },
  switches: [{ id: "s1", name: "External" }], virtualHardDiskPath: "C:\\Disks",
};

/** What the double leaves out, because it has no network and no disk: fetching, and the switches. */
async function doWhatHostsDo(host: MemoryHost, verb: string, argument: unknown): Promise<void> {
  if (verb === "prepareImage") await fetchAndCompare(host, argument as HostImage);
  if (verb === "defineMachine" && !host.machines.has((argument as MachineSpec).serverId)) {
    const missing = (argument as MachineSpec).nics.find(({ switchName }) => !facts.switches.some(({ name }) => name === switchName));
    if (missing !== undefined) throw new MemoryHostFault("MH-NO-SWITCH", "never", verb, `no switch ${missing.switchName}`);
  }
}

async function fetchAndCompare(host: MemoryHost, image: HostImage): Promise<void> {
  if ([...host.images].some((path) => path.includes(image.sha256))) return;
  const answer = await fetch(image.sourceUrl);
  if (!answer.ok) throw new MemoryHostFault("MH-FETCH", "later", "prepareImage", `the source answers ${answer.status}`);
  const digest = createHash("sha256").update(Buffer.from(await answer.arrayBuffer())).digest("hex");
  if (digest !== image.sha256) throw new MemoryHostFault("MH-DIGEST", "never", "prepareImage", `the image has ${digest}`);
}

holdToContract("in memory", async () => {
  const host = new MemoryHost(facts);
  host.before = (verb, argument) => doWhatHostsDo(host, verb, argument);
  return { host, reconnect: () => host, filesOf: async (serverId) => [...host.disks].filter(([, owner]) => owner === serverId).map(([path]) => path), close: () => host.close() };
}, { skip: missingPrograms("qemu-img") });
