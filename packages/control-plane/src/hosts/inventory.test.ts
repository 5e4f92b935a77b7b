import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import type { HostConnection, HostFacts } from "../ports.ts";
import { sampleFacts } from "../scheduling/sample-hosts.ts";
import { SecretBox } from "../store/secret-box.ts";
import { createTestDatabase, type TestDatabase } from "../store/test-database.ts";
import { MemoryHost } from "../workflows/memory-host.ts";
import { Inventory } from "./inventory.ts";
import { HostRegistry } from "./registry.ts";

const reach = (url = "http://hv1.example/wsman"): HostConnection => ({ name: "hv1", url, user: "Administrator", password: "secret", tlsFingerprint: null });

describe("hosts", () => {
  let database: TestDatabase;
  let connections: HostConnection[];
  let host: MemoryHost;
  let problems: string[];
  let registry: HostRegistry;
  let inventory: Inventory;

  before(async () => (database = await createTestDatabase()));
  after(() => database.close());
  beforeEach(async () => {
    await database.store.deleteFrom("hosts").execute();
    connections = [];
    problems = [];
    host = new MemoryHost(sampleFacts("2022"));
    registry = new HostRegistry({ store: database.store, secrets: new SecretBox(randomBytes(32)), connectHost: (connection) => { connections.push(connection); return host; }, onChanged: (id) => inventory.visit(id) });
    inventory = new Inventory({ store: database.store, registry, onProblem: ({ host: name }) => problems.push(name), intervalMs: 50 });
  });
  afterEach(async () => {
    await inventory.stop();
    await registry.close();
  });
  const row = () => database.store.selectFrom("hosts").selectAll().executeTakeFirstOrThrow();

  test("registering keeps the facts, the limits and a password that only we can read", async () => {
    await registry.register(reach());
    const kept = await row();
    assert.deepEqual([kept.up, kept.facts?.release, kept.vcpus_limit, Number(kept.memory_limit_bytes)], [true, "2022", 128, 15.5 * 1024 ** 3]);
    assert.equal(kept.password_sealed.includes("secret"), false);
    assert.equal(connections[0]?.password, "secret");
  });

  test("the same name again changes how it is reached, and keeps what is claimed on it", async () => {
    const first = await registry.register(reach());
    await database.store.updateTable("hosts").set({ vcpus_claimed: 3 }).execute();
    assert.equal(await registry.register(reach("http://hv1.example:5985/wsman")), first);
    assert.deepEqual([(await row()).vcpus_claimed, connections.at(-1)?.url], [3, "http://hv1.example:5985/wsman"]);
  });

  test("one connection serves all who ask", async () => {
    const id = await registry.register(reach());
    assert.equal(await registry.connect(id), await registry.connect(id));
    assert.equal(connections.length, 1);
  });

  test("a host that does not answer is down, with the reason, and up again when it does", async () => {
    host.before = (verb) => { if (verb === "probe") throw new Error("connection refused"); };
    const id = await registry.register(reach());
    assert.deepEqual([(await row()).up, (await row()).down_reason, problems], [false, "connection refused", ["hv1"]]);
    host.before = () => {};
    await inventory.visit(id);
    assert.deepEqual([(await row()).up, (await row()).down_reason], [true, null]);
  });

  test("hosts are visited again and again, and by one process at a time", async () => {
    await registry.register(reach());
    const visits = (): number => host.calls.filter((verb) => verb === "probe").length;
    await database.store.updateTable("hosts").set({ next_probe_at: new Date(0) }).execute();
    const before = visits();
    inventory.start();
    const second = new Inventory({ store: database.store, registry, onProblem: () => {}, intervalMs: 60_000 });
    second.start();
    const deadline = Date.now() + 3_000;
    while (visits() === before && Date.now() < deadline) await new Promise((settle) => setTimeout(settle, 10));
    await second.stop();
    assert.equal(visits(), before + 1);
  });

  test("a host that is not there is refused by name", async () => {
    await assert.rejects(registry.connect("00000000-0000-4000-8000-000000000000"), { code: "SIG-HOST-UNKNOWN" });
    await assert.rejects(registry.remove("00000000-0000-4000-8000-000000000000"), { code: "SIG-HOST-UNKNOWN" });
  });

  test("facts that shrink are limits that shrink", async () => {
    const id = await registry.register(reach());
    const smaller: HostFacts = sampleFacts("2022", { cpuCount: 2 });
    host.probe = async () => smaller;
    await inventory.visit(id);
    assert.equal((await row()).vcpus_limit, 32);
  });
});
