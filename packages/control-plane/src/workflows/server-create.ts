import { createHash } from "node:crypto";
import { decideSecureBoot } from "@signet/secure-boot/policy";
import { compareMachine } from "../compute/compare-machine.ts";
import { templateName } from "../compute/choose-template.ts";
import type { CreateInput } from "../compute/create-input.ts";
import type { BootImages } from "../compute/image-port.ts";
import { type DesiredMachine, powerStates } from "../compute/server-record.ts";
import { endTask, failServer, finishAction, recordEvent, updateServer } from "../compute/server-writes.ts";
import type { HostId, MachineGuid } from "../ids.ts";
import type { ComputeHost, MachineActual } from "../ports.ts";
import { Refusal } from "../refusal.ts";
import { claimHost, readHostStates, releaseClaim } from "../scheduling/claims.ts";
import type { HostState } from "../scheduling/host-state.ts";
import type { ImagePropertiesOptions } from "../scheduling/image-properties-filter.ts";
import { explainNoValidHost, explainNoValidHostBriefly } from "../scheduling/no-valid-host.ts";
import { canSecureBoot } from "../scheduling/secure-boot-filter.ts";
import { selectHosts } from "../scheduling/select-hosts.ts";
import type { ComputeStore, ComputeTransaction } from "../store/tables/compute.ts";
import { cancelledCode, type Failure, NotYet, type Step, type StepContext, type WorkflowDefinition } from "./definition.ts";
import { enqueueWorkflow } from "./journal.ts";
import { type ObserveInput, serverObserveKind } from "./server-observe.ts";

export const serverCreateKind = "server-create";

/** Every step is tried this often when the host's trouble may pass: with the doubling delay about 15 s. */
const ATTEMPTS_MAX = 6;

export interface WorkflowParts {
  readonly store: ComputeStore;
  readonly connect: (hostId: HostId) => Promise<ComputeHost>;
  readonly images: Pick<BootImages, "issueTransfer">;
  readonly placement: ImagePropertiesOptions;
}

type Kept = Readonly<{ hostId: HostId; hostName: string; imagePath: string; desired: DesiredMachine; secureBootEnabled: boolean; guid: MachineGuid; found: MachineActual }>;
type Context = StepContext<CreateInput, Kept>;

/**
 * Makes a server: host and claim, image, root disk, machine, read-back, start, read-back. ACTIVE is what has been read back and
 * compared, never what was merely asked. A failure undoes every step and leaves the server in ERROR with the reason.
 */
export function serverCreate(parts: WorkflowParts): WorkflowDefinition<CreateInput, Kept> {
  const destroy = async (context: Context): Promise<void> => {
    if (context.memory.hostId === undefined) return;
    const host = await parts.connect(context.memory.hostId);
    await host.destroyMachine(context.input.serverId, context.signal);
  };
  return {
    kind: serverCreateKind, lane: "work", attemptsMax: ATTEMPTS_MAX,
    steps: [
      place(parts), prepareImage(parts),
      { ...createRootDisk(parts), undo: destroy },
      { ...defineMachine(parts), undo: destroy },
      { name: "compare the definition", perform: async (context) => void (await readAndCompare(parts, context)) },
      start(parts), becomeActive(parts),
    ],
    onFailed: recordFailure,
  };
}

function place(parts: WorkflowParts): Step<CreateInput, Kept> {
  return {
    name: "place",
    record: async (transaction, { input }) => {
      const hosts = await readHostStates(transaction);
      const { fitting, rejected } = selectHosts(hosts, { imageProperties: input.image.properties, needs: input.needs, generation: input.generation, secureBoot: input.secureBoot }, parts.placement);
      for (const host of fitting) {
        if (!(await claimHost(transaction, input.serverId, host.id, input.needs))) continue;
        return recordPlacement(transaction, input, host);
      }
      // Others were faster on every host that fitted: look again, with what they claimed.
      if (fitting.length > 0) throw new NotYet("every fitting host was claimed by others", 0);
      throw new Refusal({ code: "SIG-NO-VALID-HOST", httpStatus: 500, message: explainNoValidHost(rejected), evidence: { brief: explainNoValidHostBriefly(rejected) } });
    },
    recordUndo: async (transaction, { input }) => {
      await releaseClaim(transaction, input.serverId);
      await updateServer(transaction, input.serverId, { host_id: null, host_name: null, machine_guid: null, power_state: powerStates.none });
    },
  };
}

async function recordPlacement(transaction: ComputeTransaction, input: CreateInput, host: HostState): Promise<Partial<Kept>> {
  const isOn = input.secureBoot.wanted === "on" || (input.secureBoot.wanted === "on-if-capable" && canSecureBoot(host, input.secureBoot));
  const server = await transaction.selectFrom("servers").select("policy").where("id", "=", input.serverId).executeTakeFirstOrThrow();
  const { rule } = decideSecureBoot({ ...input.policy, hostCan: isOn });
  await updateServer(transaction, input.serverId, {
    host_id: host.id, host_name: host.name, task_state: "block_device_mapping",
    policy: JSON.stringify({ ...server.policy, decision: isOn ? "on" : "off", rule }),
  });
  await recordEvent(transaction, input.serverId, "placed", `Placed on ${host.name}; Secure Boot is ${isOn ? "on" : "off"}: ${rule}`);
  return { hostId: host.id, hostName: host.name, secureBootEnabled: isOn };
}

function prepareImage(parts: WorkflowParts): Step<CreateInput, Kept> {
  return {
    name: "prepare the image",
    perform: async ({ input, memory, signal }) => {
      const host = await parts.connect(memory.hostId!);
      const transfer = await parts.images.issueTransfer(input.image.id, memory.hostId!);
      const { path } = await host.prepareImage({ imageId: input.image.id, format: input.image.format, ...transfer }, signal);
      return { imagePath: path };
    },
    record: (transaction, { input, memory }) => recordEvent(transaction, input.serverId, "image ready", `The image lies on ${memory.hostName}, with the digest it shall have.`),
  };
}

function createRootDisk(parts: WorkflowParts): Step<CreateInput, Kept> {
  return {
    name: "create the root disk",
    perform: async ({ input, memory, signal }) => {
      const host = await parts.connect(memory.hostId!);
      const { path } = await host.createRootDisk({ serverId: input.serverId, imagePath: memory.imagePath!, format: input.image.format }, signal);
      const facts = (await readHostStates(parts.store)).find(({ id }) => id === memory.hostId)?.facts ?? null;
      const firstSwitch = input.wantsNetwork ? facts?.switches[0] : undefined;
      const template = memory.secureBootEnabled === true && (facts?.secureBoot.templates.length ?? 0) > 0 ? input.secureBoot.template : null;
      const desired: DesiredMachine = {
        name: input.name, generation: input.generation, cpuCount: input.needs.vcpus, memoryBytes: input.needs.memoryBytes, secureBootEnabled: memory.secureBootEnabled!, template,
        rootDiskPath: path, nics: firstSwitch === undefined ? [] : [{ switchName: firstSwitch.name, macAddress: macAddressOf(input.serverId) }],
      };
      return { desired };
    },
    record: (transaction, { input }, { desired }) => updateServer(transaction, input.serverId, { desired: JSON.stringify(desired), task_state: "spawning" }),
  };
}

function defineMachine(parts: WorkflowParts): Step<CreateInput, Kept> {
  return {
    name: "define the machine",
    perform: async ({ input, memory, signal }) => {
      const host = await parts.connect(memory.hostId!);
      const desired = memory.desired!;
      const guid = await host.defineMachine({
        serverId: input.serverId, name: desired.name, generation: desired.generation, cpuCount: desired.cpuCount, memoryBytes: desired.memoryBytes,
        // Off is said as well: Hyper-V's own default for Generation 2 is on (rule 8).
        secureBoot: desired.secureBootEnabled ? { enabled: true, templateId: desired.template?.id ?? null } : { enabled: false, templateId: null },
        rootDiskPath: desired.rootDiskPath, nics: desired.nics, serialConsole: true,
      }, signal);
      return { guid };
    },
    record: async (transaction, { input, memory }, { guid }) => {
      const { secureBootEnabled, template, generation } = memory.desired!;
      await updateServer(transaction, input.serverId, { machine_guid: guid! });
      await recordEvent(transaction, input.serverId, "defined", `Machine ${guid!} is defined: Generation ${generation}, SecureBootEnabled ${String(secureBootEnabled)}${template === null ? "" : `, template ${template.name}`}.`);
    },
  };
}

function start(parts: WorkflowParts): Step<CreateInput, Kept> {
  return {
    name: "start",
    perform: async ({ input, memory, signal }) => {
      const host = await parts.connect(memory.hostId!);
      const actual = await host.readMachine(input.serverId, signal);
      if (actual?.state !== "running") await host.setPower(memory.guid!, "start", signal);
    },
  };
}

function becomeActive(parts: WorkflowParts): Step<CreateInput, Kept> {
  return {
    name: "compare the running machine",
    perform: async (context) => ({ found: await readAndCompare(parts, context) }),
    record: async (transaction, { input, memory }, output) => {
      const found = output.found!;
      const now = new Date();
      const name = templateName(found.secureBootTemplateId);
      await updateServer(transaction, input.serverId, {
        vm_state: "active", task_state: endTask, power_state: powerStates.running, launched_at: now, drift: "[]",
        actual: JSON.stringify({ machine: found, templateName: name, readAt: now.toISOString() }),
      });
      await recordEvent(transaction, input.serverId, "active", `Running; read back from ${memory.hostName}: SecureBootEnabled ${String(found.secureBootEnabled)}${name === null ? "" : `, template ${name}`}.`);
      await finishAction(transaction, input.serverId, input.requestId, null);
      const watch: ObserveInput = { hostId: memory.hostId!, guid: memory.guid! };
      await enqueueWorkflow(transaction, { kind: serverObserveKind, lane: "watch", subjectId: input.serverId, input: watch });
    },
  };
}

async function readAndCompare(parts: WorkflowParts, { input, memory, signal }: Context): Promise<MachineActual> {
  const host = await parts.connect(memory.hostId!);
  const actual = await host.readMachine(input.serverId, signal);
  const differences = actual === null ? ["the host has no such machine"] : compareMachine(memory.desired!, actual);
  if (actual !== null && differences.length === 0) return actual;
  throw new Refusal({
    code: "SIG-READ-BACK-DIFFERS", httpStatus: 500, message: `${memory.hostName} did not make the machine as asked: ${differences.join("; ")}.`,
    remedy: "Look at the host's own event log; the machine has been removed.", evidence: { desired: memory.desired, actual },
  });
}

async function recordFailure(transaction: ComputeTransaction, { input }: Context, failure: Failure): Promise<void> {
  if (failure.code !== cancelledCode) await failServer(transaction, input.serverId, failure);
  await finishAction(transaction, input.serverId, input.requestId, failure.message);
}

// One address per server, the same however often the step is repeated. 02 marks it as locally administered (IEEE 802, 8.2).
function macAddressOf(serverId: string): string {
  const digest = createHash("sha256").update(serverId).digest("hex");
  return ["02", ...(digest.slice(0, 10).match(/../g) ?? [])].join(":");
}
