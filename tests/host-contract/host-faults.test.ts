import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import type { ComputeHost, HostFaultShape, MachineSpec } from "@signet/control-plane/ports";
import { startEmulatedHost } from "@signet/emulator";
import { connectHyperVHost } from "@signet/hyperv";
import { missingPrograms } from "../cloud/client-command.ts";
import { ImageSource } from "./image-source.ts";

interface Rule {
  readonly method?: string;
  readonly class?: string;
  readonly effect: "fault" | "lost-request" | "lost-reply" | "fail-job" | "vanish-job";
  readonly count?: number;
  readonly probability?: number;
  readonly code?: number;
}

const never = new AbortController().signal;
const MIB = 1024 ** 2;
const template = "272e7447-90a4-4563-a4b9-8e4ab00526ce" as NonNullable<MachineSpec["secureBoot"]["templateId"]>;
/** As often as the control plane's workflows try a step; a storm of faults is given more. */
const attemptsMax = 6;
const stormAttemptsMax = 60;

/** Methods on the way of a server, each of which is made to fail in each way once. */
const methods = ["DefineSystem", "ModifyResourceSettings", "AddResourceSettings", "ConvertVirtualHardDisk", "RequestStateChange", "Rename", "DestroySystem", "Delete"];
const effects = ["lost-request", "lost-reply", "fail-job", "vanish-job"] as const;
const rpcUnavailable = 0x800706ba;

/** Whether somebody has to try again: not where no job is started, and not where the effect shows that the work was done. */
function needsAnotherAttempt(method: string, effect: (typeof effects)[number]): boolean {
  if (effect === "vanish-job") return method === "ConvertVirtualHardDisk";
  if (effect === "lost-reply") return method !== "DestroySystem";
  return effect === "lost-request" || (method !== "Rename" && method !== "Delete");
}

describe("servers on a host on which things go wrong", { skip: missingPrograms("qemu-img"), timeout: 600_000 }, () => {
  let source: ImageSource;
  before(async () => (source = await ImageSource.start()));
  after(() => source.close());

  async function withFaults(rules: readonly Rule[], seed: number, use: (host: ComputeHost, filesOf: (serverId: string) => Promise<readonly string[]>) => Promise<void>): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), "signet-faults-"));
    const faultsFile = join(folder, "faults.json");
    await writeFile(faultsFile, JSON.stringify({ seed, rules }));
    const dataDir = join(folder, "host");
    const emulated = await startEmulatedHost({ name: "hv", release: "2022", dataDir, listen: { host: "127.0.0.1", port: 0 }, user: "u", password: "p", machines: "instant", clock: "auto", faultsFile });
    const host: ComputeHost = connectHyperVHost({ name: "hv", url: emulated.url, user: "u", password: "p", tlsFingerprint: null });
    try {
      await use(host, async (serverId) => (await readdir(dataDir, { recursive: true })).filter((path) => path.includes(serverId)));
    } finally {
      await host.close();
      await emulated.close();
      await rm(folder, { recursive: true, force: true });
    }
  }

  let faults = 0;
  beforeEach(() => void (faults = 0));
  /** Tries as a workflow does: again when the fault says that it may pass. */
  async function insist<Result>(limit: number, work: () => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        const { retry, code, message } = error as HostFaultShape;
        faults += 1;
        assert.ok(retry !== undefined, `not a HostFault: ${(error as Error).stack}`);
        assert.notEqual(retry, "never", `${code}: ${message}`);
        assert.ok(attempt < limit, `still failing after ${attempt} attempts: ${code}: ${message}`);
      }
    }
  }

  async function liveThrough(host: ComputeHost, filesOf: (serverId: string) => Promise<readonly string[]>, limit: number): Promise<void> {
    const serverId = randomUUID() as MachineSpec["serverId"];
    const { path: imagePath } = await insist(limit, () => host.prepareImage(source.image("vhdx"), never));
    const { path: rootDiskPath } = await insist(limit, () => host.createRootDisk({ serverId, imagePath, format: "vhdx" }, never));
    const spec: MachineSpec = {
      serverId, name: "web", generation: 2, cpuCount: 2, memoryBytes: 128 * MIB, secureBoot: { enabled: true, templateId: template }, rootDiskPath,
      nics: [{ switchName: "External", macAddress: "02:5e:00:53:0d:01" }], serialConsole: true,
    };
    const guid = await insist(limit, () => host.defineMachine(spec, never));
    const actual = await insist(limit, () => host.readMachine(serverId, never));
    assert.deepEqual(
      [actual?.guid, actual?.cpuCount, actual?.memoryBytes, actual?.secureBootEnabled, actual?.secureBootTemplateId, actual?.diskPaths.length, actual?.nics.map(({ switchName }) => switchName)],
      [guid, 2, 128 * MIB, true, template, 1, ["External"]],
    );
    await insist(limit, () => host.setPower(guid, "start", never));
    const machines = await insist(limit, () => host.listMachines(never));
    assert.deepEqual(machines.map((machine) => [machine.guid, machine.state]), [[guid, "running"]], "there should be this one machine, and no half ones");
    await insist(limit, () => host.destroyMachine(serverId, never));
    assert.deepEqual(await insist(limit, () => host.listMachines(never)), []);
    assert.deepEqual(await filesOf(serverId), []);
  }

  for (const method of methods) {
    for (const effect of effects) {
      test(`${method} suffers ${effect}: tried again, all is made and all is removed`, async () => {
        await withFaults([{ method, effect, count: 1 }], 1, (host, filesOf) => liveThrough(host, filesOf, attemptsMax));
        assert.equal(faults > 0, needsAnotherAttempt(method, effect), `${faults} faults`);
      });
    }
  }

  test("the management service restarts in the middle of reading", () =>
    withFaults([{ method: "Query", effect: "fault", code: rpcUnavailable, probability: 0.2 }], 7, (host, filesOf) => liveThrough(host, filesOf, stormAttemptsMax)));

  for (const seed of [1, 2, 3]) {
    test(`a storm of lost requests, lost replies and vanished jobs, seed ${seed}`, () =>
      withFaults([{ effect: "lost-reply", probability: 0.03 }, { effect: "lost-request", probability: 0.03 }, { effect: "vanish-job", probability: 0.1 }], seed, (host, filesOf) => liveThrough(host, filesOf, stormAttemptsMax)));
  }
});
