import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, beforeEach, describe, test } from "node:test";
import { createFlavor } from "../compute/flavors.ts";
import type { BootImage, BootImages } from "../compute/image-port.ts";
import { type Requester, type Server, Servers, type ServerWish } from "../compute/servers.ts";
import { watchHost } from "../compute/watch.ts";
import type { HostId, ImageId, ServerId } from "../ids.ts";
import { sampleFacts, linuxTemplate } from "../scheduling/sample-hosts.ts";
import { defaultAllocationRatios, limitsOf } from "../scheduling/capacity-filter.ts";
import type { ComputeStore } from "../store/tables/compute.ts";
import { createTestDatabase, type TestDatabase } from "../store/test-database.ts";
import { LeaseLost, type Step, type WorkflowDefinition } from "./definition.ts";
import { commitFenced, enqueueWorkflow, takeLease } from "./journal.ts";
import { MemoryHost, MemoryHostFault } from "./memory-host.ts";
import { runWorkflow } from "./run-workflow.ts";
import { serverCreate, type WorkflowParts } from "./server-create.ts";
import { serverDelete } from "./server-delete.ts";
import { serverObserve } from "./server-observe.ts";
import { serverPower } from "./server-power.ts";

const GIB = 1024 ** 3;
const who: Requester = { userId: "user", userName: "admin", projectId: "project", isAdmin: true, requestId: "req-1" };
const image: BootImage = {
  id: randomUUID() as ImageId, name: "debian", status: "active", properties: { hw_machine_type: "hyperv-gen2", os_secure_boot: "required" }, detectedFormat: "vhdx", sizeBytes: 1000,
  virtualSizeBytes: 2 * GIB, minRamMib: 0, minDiskGib: 0, report: null, signature: { value: "MicrosoftUEFICertificateAuthority", source: "stated", contradiction: null },
};
const images: BootImages = {
  findForBoot: async () => image,
  issueTransfer: async () => ({ sha256: "00".repeat(32), sizeBytes: 1000, sourceUrl: "http://127.0.0.1:1/once" }),
};
const wish: ServerWish = { name: "web", imageId: image.id, flavorId: "small", count: 1, metadata: {}, keyName: null, userData: null, configDrive: false, description: null, wantsNetwork: true, force: false };
const never = new AbortController().signal;

// oxlint-disable typescript/no-explicit-any -- one driver for workflows of every input
type AnyDefinition = WorkflowDefinition<any, any>;
type AnyStep = Step<any, any>;

describe("the workflows of a server", () => {
  let database: TestDatabase;
  let store: ComputeStore;
  let host: MemoryHost;
  let hostId: HostId;
  let servers: Servers;
  let parts: WorkflowParts;

  before(async () => {
    database = await createTestDatabase();
    store = database.store;
    await createFlavor(store, { id: "small", name: "small", vcpus: 2, memoryMib: 1024, diskGib: 10, ephemeralGib: 0, swapMib: 0, rxtxFactor: 1, isPublic: true, description: null });
  });
  after(() => database.close());
  beforeEach(async () => {
    for (const table of ["workflow_steps", "workflows", "claims", "server_consoles", "server_events", "server_actions", "servers", "hosts"] as const) await store.deleteFrom(table).execute();
    host = new MemoryHost(sampleFacts("2022"));
    hostId = await addHost("hv1");
    servers = new Servers({ store, images, profile: "blueprint", wake: () => {} });
    parts = { store, connect: async () => host, images, placement: { defaultArchitecture: "x86_64" } };
  });

  async function addHost(name: string): Promise<HostId> {
    const facts = sampleFacts("2022");
    const limits = limitsOf(facts, defaultAllocationRatios);
    const id = randomUUID() as HostId;
    await store.insertInto("hosts").values({
      id, name, url: "http://hv", user_name: "u", password_sealed: "", tls_fingerprint: null, up: true, facts: JSON.stringify(facts), disabled_reason: null, down_reason: null, last_seen_at: new Date(),
      vcpus_limit: limits.vcpus, memory_limit_bytes: limits.memoryBytes, disk_limit_bytes: limits.diskBytes,
    }).execute();
    return id;
  }
  const create = async (): Promise<ServerId> => (await servers.create(wish, who)).ids[0]!;
  const row = async (id: string): Promise<Server> => store.selectFrom("servers").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
  const claimed = async (): Promise<number> => Number((await store.selectFrom("hosts").select("memory_claimed_bytes").where("id", "=", hostId).executeTakeFirstOrThrow()).memory_claimed_bytes);
  const eventsOf = async (id: string): Promise<string[]> => (await store.selectFrom("server_events").select("event").where("server_id", "=", id).orderBy("id").execute()).map(({ event }) => event);

  /** Runs the oldest due work of the kind until it ends, as a worker would; waits are skipped. */
  async function run(definition: AnyDefinition): Promise<string> {
    for (let turn = 0; turn < 50; turn++) {
      await store.updateTable("workflows").set({ run_at: new Date(0) }).where("kind", "=", definition.kind).execute();
      await store.updateTable("workflows").set({ run_at: new Date(Date.now() + 3_600_000) }).where("kind", "!=", definition.kind).execute();
      const leased = await takeLease(store, definition.lane, "node-1", 10_000);
      assert.ok(leased !== null, `there should be ${definition.kind} to do`);
      const end = await runWorkflow(store, definition, leased, never);
      if (end !== "released") return end;
    }
    throw new Error(`${definition.kind} does not come to an end`);
  }
  async function createActive(): Promise<ServerId> {
    const id = await create();
    assert.equal(await run(serverCreate(parts)), "done", JSON.stringify((await row(id)).fault));
    return id;
  }
  async function assertNothingLeft(): Promise<void> {
    assert.equal(host.machines.size, 0);
    assert.equal(host.disks.size, 0);
    assert.equal(await claimed(), 0);
    assert.deepEqual(await store.selectFrom("claims").selectAll().execute(), []);
  }

  describe("create", () => {
    test("ends ACTIVE with everything read back, and the machine has what was asked", async () => {
      const id = await createActive();
      const server = await row(id);
      assert.deepEqual([server.vm_state, server.task_state, server.power_state, server.host_name], ["active", null, 1, "hv1"]);
      const machine = host.machines.get(id)!.actual;
      assert.deepEqual([machine.secureBootEnabled, machine.secureBootTemplateId, machine.generation, machine.state, machine.memoryBytes, machine.cpuCount], [true, linuxTemplate.id, 2, "running", GIB, 2]);
      assert.deepEqual(machine.nics.map(({ switchName }) => switchName), ["External"]);
      assert.equal(server.actual?.templateName, "MicrosoftUEFICertificateAuthority");
      assert.deepEqual(server.drift, []);
      assert.equal(await claimed(), GIB);
      assert.deepEqual(await eventsOf(id), ["accepted", "placed", "image ready", "defined", "active"]);
    });

    test("on a host without templates, Secure Boot for Windows has none either", async () => {
      const facts = sampleFacts("2012r2");
      host = new MemoryHost(facts);
      await store.updateTable("hosts").set({ facts: JSON.stringify(facts) }).execute();
      servers = new Servers({ store, images: { ...images, findForBoot: async () => ({ ...image, signature: null }) }, profile: "blueprint", wake: () => {} });
      const id = await createActive();
      assert.deepEqual([host.machines.get(id)!.actual.secureBootEnabled, host.machines.get(id)!.actual.secureBootTemplateId], [true, null]);
    });

    const stepNames = serverCreate({} as WorkflowParts).steps.map(({ name }) => name);
    for (const [position, name] of stepNames.entries()) {
      test(`when "${name}" fails, everything before it is undone and the server says why`, async () => {
        const id = await create();
        assert.equal(await run(failAt(serverCreate(parts), position)), "undone");
        const server = await row(id);
        assert.equal(server.vm_state, "error");
        assert.equal(server.task_state, null);
        assert.match(server.fault!.message, /step failed on purpose/);
        await assertNothingLeft();
      });

      test(`when "${name}" has happened but its answer was lost, everything is undone as well`, async () => {
        const id = await create();
        assert.equal(await run(failAfter(serverCreate(parts), position)), "undone");
        assert.equal((await row(id)).vm_state, "error");
        await assertNothingLeft();
      });
    }

    test("every step may run twice, and every undo may", async () => {
      const id = await create();
      assert.equal(await run(twice(serverCreate(parts))), "done");
      assert.equal((await row(id)).vm_state, "active");
      assert.equal(host.machines.size, 1);
      assert.equal(host.disks.size, 1);
      assert.equal(await claimed(), GIB);
      const second = await create();
      assert.equal(await run(twice(failAt(serverCreate(parts), stepNames.length - 1))), "undone");
      assert.equal((await row(second)).vm_state, "error");
      assert.equal(host.machines.size, 1);
      assert.equal(await claimed(), GIB);
    });

    test("a worker killed after any step is followed by one that finishes", async () => {
      for (const position of stepNames.keys()) {
        const id = await create();
        await killAfter(serverCreate(parts), position);
        assert.equal(await run(serverCreate(parts)), "done");
        assert.equal((await row(id)).vm_state, "active");
      }
      assert.equal(host.machines.size, stepNames.length);
    });

    test("a host that does otherwise than asked is found out by the read-back; both values are named", async () => {
      host.distort = (actual) => ({ ...actual, secureBootEnabled: false });
      const id = await create();
      assert.equal(await run(serverCreate(parts)), "undone");
      const { fault } = await row(id);
      assert.equal(fault?.code, "SIG-READ-BACK-DIFFERS");
      assert.match(fault.message, /hv1 did not make the machine as asked: Secure Boot shall be on and is off/);
      await assertNothingLeft();
    });

    test("trouble that passes is waited for", async () => {
      let busy = 2;
      host.before = (verb) => { if (verb === "defineMachine" && busy-- > 0) throw new MemoryHostFault("MH-BUSY", "later", "hv1 defineMachine", "busy"); };
      assert.equal((await row(await createActive())).vm_state, "active");
    });

    test("without a host that fits, the fault names each host with its reason", async () => {
      await store.updateTable("hosts").set({ memory_limit_bytes: GIB / 2 }).execute();
      const id = await create();
      assert.equal(await run(serverCreate(parts)), "undone");
      assert.equal((await row(id)).fault?.message, "No valid host was found: 1 host. hv1 has 512 MiB free of the 1 GiB needed.");
      assert.equal(host.calls.length, 0);
    });
  });

  describe("claims", () => {
    test("schedulers at the same time never sell the same memory twice", async () => {
      await addHost("hv2");
      await store.updateTable("hosts").set({ memory_limit_bytes: 5 * GIB }).execute();
      const ids = await Promise.all(Array.from({ length: 16 }, create));
      await Promise.all(ids.map(async () => {
        for (;;) {
          const leased = await takeLease(store, "work", `node-${randomUUID()}`, 60_000);
          if (leased === null) return;
          await runWorkflow(store, { ...serverCreate(parts), steps: serverCreate(parts).steps.slice(0, 1) } as AnyDefinition, leased, never);
        }
      }));
      const hosts = await store.selectFrom("hosts").select(["memory_claimed_bytes", "memory_limit_bytes"]).execute();
      for (const { memory_claimed_bytes: sold, memory_limit_bytes: limit } of hosts) assert.ok(Number(sold) <= Number(limit));
      const placed = await Promise.all(ids.map(async (id) => (await row(id)).host_id !== null));
      assert.equal(placed.filter(Boolean).length, 10);
      assert.equal((await store.selectFrom("claims").selectAll().execute()).length, 10);
    });
  });

  describe("delete", () => {
    test("leaves no machine, no disk, no claim, and twice is once", async () => {
      const id = await createActive();
      await servers.remove(await row(id), who);
      await servers.remove(await row(id), who);
      assert.equal(await run(twice(serverDelete(parts))), "done");
      await assertNothingLeft();
      assert.notEqual((await row(id)).deleted_at, null);
      assert.equal((await store.selectFrom("workflows").select("id").where("kind", "=", "server-delete").execute()).length, 1);
    });

    test("a creation under way is undone first", async () => {
      const id = await create();
      await killAfter(serverCreate(parts), 4);
      await servers.remove(await row(id), who);
      const first = await takeOf("server-delete");
      assert.equal(await runWorkflow(store, serverDelete(parts) as AnyDefinition, first, never), "released");
      assert.equal(await run(serverCreate(parts)), "undone");
      assert.equal(await run(serverDelete(parts)), "done");
      await assertNothingLeft();
      assert.equal((await row(id)).vm_state, "deleted");
    });

    test("a host that is away is asked again until it is back", async () => {
      const id = await createActive();
      let away = 20;
      host.before = (verb) => { if (verb === "destroyMachine" && away-- > 0) throw new MemoryHostFault("MH-AWAY", "later", "hv1", "no answer"); };
      await servers.remove(await row(id), who);
      assert.equal(await run(serverDelete(parts)), "done");
      await assertNothingLeft();
    });
  });

  describe("power", () => {
    test("stop asks the guest, start starts it, reboot does both", async () => {
      const id = await createActive();
      for (const [action, vmState, machineState] of [["stop", "stopped", "off"], ["start", "active", "running"], ["soft-reboot", "active", "running"], ["hard-reboot", "active", "running"]] as const) {
        await servers.power(await row(id), action, who);
        assert.equal(await run(twice(serverPower(parts))), "done");
        assert.deepEqual([(await row(id)).vm_state, (await row(id)).task_state, host.machines.get(id)!.actual.state], [vmState, null, machineState]);
      }
    });

    test("a state that does not allow it is Nova's conflict", async () => {
      const id = await createActive();
      await assert.rejects(servers.power(await row(id), "start", who), { httpStatus: 409, message: `Cannot 'start' instance ${id} while it is in vm_state active` });
      await servers.power(await row(id), "stop", who);
      await assert.rejects(servers.power(await row(id), "stop", who), { message: `Cannot 'stop' instance ${id} while it is in task_state powering-off` });
    });

    test("when a step fails the server says so", async () => {
      for (const position of serverPower(parts).steps.keys()) {
        const id = await createActive();
        await servers.power(await row(id), "stop", who);
        assert.equal(await run(failAt(serverPower(parts), position)), "undone");
        assert.deepEqual([(await row(id)).vm_state, (await row(id)).task_state], ["error", null]);
      }
    });
  });

  describe("observe", () => {
    const observe = (durationMs = 400): AnyDefinition => serverObserve({ connect: async () => host, durationMs, heartbeatIntervalMs: 20 });

    test("keeps the console, firmware's word and the heartbeat", async () => {
      const id = await createActive();
      assert.equal(await run(observe()), "done");
      const server = await row(id);
      assert.match((await store.selectFrom("server_consoles").select("text").where("server_id", "=", id).executeTakeFirstOrThrow()).text, /guest: ready/);
      assert.deepEqual([server.firmware?.outcome, server.firmware?.line, server.firmware?.heartbeat], ["accepted", "BdsDxe: starting Boot0001", "ok"]);
      assert.equal(server.vm_state, "active");
    });

    test("a refusal by firmware is the server's fault, in firmware's words, and the machine stays at its screen", async () => {
      host.consoleText = "BdsDxe: loading Boot0001\nBdsDxe: failed to load Boot0001: Access Denied\n";
      host.heartbeat = "none";
      const id = await createActive();
      assert.equal(await run(observe()), "done");
      const server = await row(id);
      assert.equal(server.vm_state, "error");
      assert.match(server.fault!.message, /Firmware on hv1 refused the boot loader: BdsDxe: failed to load Boot0001: Access Denied/);
      assert.equal(host.machines.get(id)!.actual.state, "running");
    });

    test("after a restart it goes on with what was heard before, and after a reboot it begins anew", async () => {
      host.consoleText = "BdsDxe: failed to load Boot0001: ";
      const id = await createActive();
      assert.equal(await run(observe(100)), "done");
      assert.equal((await row(id)).firmware?.outcome, "accepted", "the heartbeat of the sample host has spoken");
      await store.updateTable("servers").set({ firmware: null }).where("id", "=", id).execute();
      host.heartbeat = "none";
      host.machines.get(id)!.consoleText = "Access Denied\n";
      await enqueueWorkflow(store, { kind: "server-observe", lane: "watch", subjectId: id, input: { hostId, guid: host.machines.get(id)!.actual.guid } });
      assert.equal(await run(observe(100)), "done");
      assert.equal((await row(id)).firmware?.line, "BdsDxe: failed to load Boot0001: Access Denied");
      await servers.power(await row(id), "hard-reboot", who);
      assert.equal(await run(serverPower(parts)), "done");
      assert.deepEqual([await store.selectFrom("server_consoles").selectAll().execute(), (await row(id)).firmware, (await row(id)).vm_state, (await row(id)).fault], [[], null, "active", null]);
    });

    test("without a console the heartbeat tells that the guest was started", async () => {
      host.before = (verb) => { if (verb === "followConsole") throw new MemoryHostFault("MH-NO-CONSOLE", "never", "hv1", "no serial port"); };
      const id = await createActive();
      assert.equal(await run(observe()), "done");
      assert.deepEqual([(await row(id)).firmware?.outcome, (await row(id)).firmware?.line], ["accepted", null]);
    });
  });

  describe("watch", () => {
    test("a switched-off Secure Boot is drift and an event, and so is its return", async () => {
      const id = await createActive();
      const kept = host.machines.get(id)!;
      kept.actual = { ...kept.actual, secureBootEnabled: false };
      await watchHost(store, hostId, host, never);
      await watchHost(store, hostId, host, never);
      assert.deepEqual((await row(id)).drift, ["Secure Boot shall be on and is off"]);
      kept.actual = { ...kept.actual, secureBootEnabled: true };
      await watchHost(store, hostId, host, never);
      assert.deepEqual((await row(id)).drift, []);
      assert.deepEqual((await eventsOf(id)).slice(-2), ["drift", "as desired again"]);
    });

    test("a machine found off is a server that is off; a machine that is gone is drift", async () => {
      const id = await createActive();
      const kept = host.machines.get(id)!;
      kept.actual = { ...kept.actual, state: "off" };
      await watchHost(store, hostId, host, never);
      assert.deepEqual([(await row(id)).vm_state, (await row(id)).power_state], ["stopped", 4]);
      host.machines.delete(id);
      await watchHost(store, hostId, host, never);
      assert.deepEqual((await row(id)).drift, ["the host no longer has the machine"]);
    });

    test("machines of deleted servers are removed, strangers only reported", async () => {
      const id = await createActive();
      const stranger = randomUUID() as ServerId;
      host.machines.set(stranger, { consoleText: "", actual: { ...host.machines.get(id)!.actual, serverId: stranger, name: "stranger" } });
      await store.updateTable("servers").set({ deleted_at: new Date() }).where("id", "=", id).execute();
      assert.deepEqual(await watchHost(store, hostId, host, never), [{ hostId, serverId: stranger, machineName: "stranger" }]);
      assert.deepEqual([...host.machines.keys()], [stranger]);
    });
  });

  async function takeOf(kind: string): Promise<NonNullable<Awaited<ReturnType<typeof takeLease>>>> {
    await store.updateTable("workflows").set({ run_at: new Date(Date.now() + 3_600_000) }).where("kind", "!=", kind).execute();
    const leased = await takeLease(store, "work", "node-1", 10_000);
    assert.ok(leased !== null);
    return leased;
  }

  /** Runs until the step at the position is committed, then the process is gone: nothing more is written, the lease lies there. */
  async function killAfter(definition: AnyDefinition, position: number): Promise<void> {
    const dead = new AbortController();
    const leased = await takeOf(definition.kind);
    const steps = definition.steps.map((step, index): AnyStep => (index === position + 1 ? { name: step.name, perform: () => Promise.reject(new LeaseLost("killed")) } : step));
    await runWorkflow(store, { ...definition, steps: steps.length === position + 1 ? [...steps, { name: "killed", perform: () => Promise.reject(new LeaseLost("killed")) }] : steps }, leased, dead.signal);
    await commitFenced(store, leased, async (transaction) => void (await transaction.updateTable("workflows").set({ lease_expires_at: new Date(0) }).where("id", "=", leased.id).execute()));
  }
});

const failure = (): Promise<never> => Promise.reject(new Error("the step failed on purpose"));

/** The step at the position fails before it does anything. */
const failAt = (definition: AnyDefinition, position: number): AnyDefinition =>
  ({ ...definition, steps: definition.steps.map((step, index) => (index === position ? { ...step, perform: failure } : step)) });

/** The step at the position acts, and then fails. */
const failAfter = (definition: AnyDefinition, position: number): AnyDefinition =>
  ({ ...definition, steps: definition.steps.map((step, index) => (index === position ? { ...step, perform: async (context: any) => { await step.perform?.(context); return failure(); } } : step)) });

/** Every step and every undo acts twice. */
const twice = (definition: AnyDefinition): AnyDefinition => ({
  ...definition,
  steps: definition.steps.map((step): AnyStep => ({
    ...step,
    ...(step.perform === undefined ? {} : { perform: async (context: any) => { await step.perform!(context); return step.perform!(context); } }),
    ...(step.undo === undefined ? {} : { undo: async (context: any) => { await step.undo!(context); await step.undo!(context); } }),
  })),
});
