import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { ImageReport } from "@signet/secure-boot";
import type { TSchema } from "typebox";
import { Value } from "typebox/value";
import { answerErrors } from "../http/error-envelope.ts";
import { parseAnyBodyAsJson } from "../http/body-parsing.ts";
import { requireToken } from "../http/session.ts";
import { Refusal } from "../../refusal.ts";
import { TestCompute } from "../compute/test-compute.ts";
import { signetEnvelope } from "./envelope.ts";
import { registerSignetExplain } from "./explain.ts";
import { registerSignetHosts } from "./hosts.ts";
import { routeDescriptions } from "./openapi.ts";
import { registerSignetServers } from "./servers.ts";

const SECURE = { hw_machine_type: "hyperv-gen2", os_secure_boot: "required" };
const UEFI = "MicrosoftUEFICertificateAuthority";

/** A judgement in which the loader is refused under one template and boots under the other. */
function reportOf(refusedUnder: readonly string[]): ImageReport {
  return {
    file: "disk.vhdx", format: { detected: "vhdx", declared: null, virtualSizeBytes: 1, bytesRead: 1 }, layout: { partitioning: "gpt", espIndex: 1, filesystem: "fat32" },
    boot: { path: "\\EFI\\BOOT\\BOOTX64.EFI", architecture: "x64", generation: 2 }, chain: [], family: "linux", warnings: [],
    verdicts: ["MicrosoftWindows", UEFI].map((trust) => ({
      trust, outcome: refusedUnder.includes(trust) ? "refused" as const : "boots" as const, stage: refusedUnder.includes(trust) ? "loader" as const : null, firmwareMessage: refusedUnder.includes(trust) ? "Access Denied" : null,
      because: refusedUnder.includes(trust) ? [{ code: "SB-DIGEST", text: "The loader was changed after it was signed." }] : [], remedies: refusedUnder.includes(trust) ? [{ code: "SB-REMEDY", text: "Use the loader as its maker signed it." }] : [],
      serviceable: null, survivesNextRevocation: null,
    })),
  };
}

/** Each answer is what `/signet/v1/openapi.json` says, with nothing that it keeps silent about. */
function assertDescribed(request: string, status: number, body: unknown): void {
  const route = request.replace(/\?.*/, "").replace(/^(\w+ \/\w+)\/[^/]+/, "$1/:id");
  const schema = (routeDescriptions[route]?.response as Record<number, TSchema> | undefined)?.[status];
  assert.ok(schema, `${route} answers ${status}, which is not described`);
  assert.deepEqual([...Value.Errors(schema, body)], [], route);
  assert.deepEqual(Value.Clean(schema, structuredClone(body)), body, `${route} answers more than is described`);
}

describe("Signet's own view of servers and hosts", () => {
  let cloud: TestCompute;
  let admin: string;
  let member: string;

  before(async () => {
    cloud = await TestCompute.start({ hv1: "2012r2", hv2: "2022" }, ({ app, readSession, database: { store } }, { servers, registry, placement }) => app.register(async (scope) => {
      parseAnyBodyAsJson(scope, () => new Refusal({ code: "SIG-TEST", httpStatus: 400, message: "not JSON" }));
      answerErrors(scope, signetEnvelope);
      requireToken(scope, readSession, { unknownPathsToo: true });
      registerSignetServers(scope, { store });
      registerSignetHosts(scope, { store, registry });
      registerSignetExplain(scope, { store, servers, placement });
    }, { prefix: "/signet/v1" }) as unknown as Promise<void>);
    admin = await cloud.identity.loginAsAdmin();
    member = (await cloud.identity.createMember("signet-member")).token;
  });
  after(() => cloud.close());

  // oxlint-disable-next-line typescript/no-explicit-any -- each test knows what it asked for
  async function ask(path: string, options: { token?: string; method?: "GET" | "POST" | "DELETE"; body?: object } = {}): Promise<{ status: number; body: any }> {
    const answer = await cloud.identity.app.inject({ method: options.method ?? "GET", url: `/signet/v1${path}`, headers: { "x-auth-token": options.token ?? admin }, ...(options.body === undefined ? {} : { payload: options.body }) });
    const body = answer.body === "" ? null : answer.json();
    assertDescribed(`${options.method ?? "GET"} ${path}`, answer.statusCode, body);
    return { status: answer.statusCode, body };
  }

  test("a server shows what was asked, decided, desired, found, heard, and what happened", async () => {
    const created = await cloud.createServer("seen", cloud.addImage("seen", SECURE, { report: reportOf(["MicrosoftWindows"]) }));
    const { id } = created.body.server;
    await cloud.settled(id);
    const deadline = Date.now() + 5_000;
    while ((await ask(`/servers/${id}`)).body.firmware?.heartbeat !== "ok" && Date.now() < deadline) await new Promise((settle) => setTimeout(settle, 30));
    const { body } = await ask(`/servers/${id}`);
    assert.deepEqual(body.policy, {
      profile: "blueprint", decision: "on", rule: "The image requires Secure Boot.",
      asked: [{ source: "image property", name: "os_secure_boot", value: "required" }, { source: "flavor extra spec", name: "os:secure_boot", value: null }],
    });
    assert.deepEqual(body.desired, { secureBootEnabled: true, templateId: "272e7447-90a4-4563-a4b9-8e4ab00526ce", templateName: UEFI, generation: 2 });
    assert.deepEqual([body.actual.secureBootEnabled, body.actual.templateName, body.actual.powerState, body.matches, body.drift, body.standing], [true, UEFI, "running", true, [], "enforced"]);
    assert.deepEqual([body.prediction.trust, body.prediction.outcome, body.prediction.forcedBy], [UEFI, "boots", null]);
    assert.deepEqual([body.firmware.outcome, body.firmware.heartbeat, body.fault, body.hostName], ["accepted", "ok", null, "hv2"]);
    assert.deepEqual(body.timeline.slice(0, 5).map(({ event }: { event: string }) => event), ["accepted", "placed", "image ready", "defined", "active"]);
    assert.ok((await ask("/servers")).body.servers.some((server: { id: string }) => server.id === id));
    assert.equal((await ask(`/servers/${id}`, { token: member })).status, 404);
  });

  test("a predicted refusal is refused at creation, with the verdict; an administrator may force it and is named", async () => {
    const image = cloud.addImage("tampered", SECURE, { report: reportOf(["MicrosoftWindows", UEFI]) });
    const refused = await cloud.createServer("tampered", image);
    assert.equal(refused.status, 400);
    assert.match(refused.body.badRequest.message, /^Firmware will refuse image "tampered" under template MicrosoftUEFICertificateAuthority with "Access Denied": The loader was changed/);
    assert.equal(refused.body.badRequest.signet.verdict.outcome, "refused");
    const hint = { "signet:force": "true" };
    const wish = { server: { name: "m", imageRef: image, flavorRef: "1", networks: "none" }, "os:scheduler_hints": hint };
    assert.equal((await cloud.ask("POST", "/servers", wish, { version: "2.37", token: member })).status, 403);
    for (const host of cloud.hosts.values()) Object.assign(host, { consoleText: 'BdsDxe: failed to load Boot0001 "UEFI" from disk: Access Denied\n', heartbeat: "none" });
    const forced = await cloud.createServer("forced", image, {}, hint);
    assert.equal(forced.status, 202);
    const deadline = Date.now() + 5_000;
    let body = (await ask(`/servers/${forced.body.server.id}`)).body;
    while (body.status !== "ERROR" && Date.now() < deadline) {
      await new Promise((settle) => setTimeout(settle, 30));
      body = (await ask(`/servers/${forced.body.server.id}`)).body;
    }
    assert.deepEqual([body.status, body.prediction.forcedBy, body.firmware.outcome, body.fault.code, body.actual.powerState], ["ERROR", "admin", "refused", "SIG-FIRMWARE-REFUSED", "running"]);
    assert.match((await cloud.ask("GET", `/servers/${forced.body.server.id}`)).body.server.fault.message, /Access Denied/);
    assert.ok(body.policy.asked.some((asked: { source: string }) => asked.source === "scheduler hint"));
  });

  test("a template that the image names wins; one that the loader does not boot under is refused", async () => {
    const named = cloud.addImage("named", SECURE, { report: reportOf(["MicrosoftWindows"]), signature: { value: "MicrosoftWindows", source: "stated", contradiction: null } });
    assert.match((await cloud.createServer("named", named)).body.badRequest.message, /under template MicrosoftWindows/);
    const contradicted = cloud.addImage("contradicted", SECURE, { report: reportOf([]), signature: { value: "sha256:00", source: "stated", contradiction: "stated sha256:00, found sha256:11." } });
    assert.match((await cloud.createServer("contradicted", contradicted)).body.badRequest.message, /contradicted by its boot loader: stated sha256:00, found sha256:11/);
  });

  test("hosts are listed with release, templates and claims, for administrators", async () => {
    const { hosts } = (await ask("/hosts")).body;
    assert.deepEqual(hosts.map(({ name, state, release, families }: Record<string, unknown>) => [name, state, release, families]), [["hv1", "up", "2012r2", ["windows"]], ["hv2", "up", "2022", ["windows", "linux"]]]);
    assert.deepEqual(hosts[1].templates.map(({ name }: { name: string }) => name), ["MicrosoftWindows", UEFI]);
    assert.ok(hosts[1].memoryClaimedBytes > 0);
    assert.equal((await ask("/hosts", { token: member })).status, 403);
  });

  test("a host is added by what reaches it, a malformed one is refused by field, and one with servers is kept", async () => {
    const refused = await ask("/hosts", { method: "POST", body: { name: "hv3", url: "ftp://x", user: "u", password: "p" } });
    assert.deepEqual([refused.status, refused.body.error.code], [400, "SIG-HOST-CONNECTION"]);
    const again = await ask("/hosts", { method: "POST", body: { name: "hv1", url: "https://hv1.example:5986/wsman", user: "u", password: "other" } });
    assert.deepEqual([again.status, again.body.name, again.body.state], [201, "hv1", "up"]);
    const { hosts } = (await ask("/hosts")).body;
    const kept = await ask(`/hosts/${hosts[1].id}`, { method: "DELETE" });
    assert.deepEqual([kept.status, kept.body.error.code], [409, "SIG-HOST-IN-USE"]);
    assert.equal((await ask(`/hosts/${hosts[0].id}`, { method: "DELETE" })).status, 204);
    assert.equal((await ask("/hosts")).body.hosts.length, 1);
  });

  test("a password of a host is nowhere in the store as it is", async () => {
    const rows = await cloud.identity.database.store.selectFrom("hosts").selectAll().execute();
    assert.ok(rows.every((row) => row.password_sealed.length > 20 && !JSON.stringify(row).includes('"p"')));
  });

  test("explain tells what would be decided, and per host what stands against it", async () => {
    const image = cloud.addImage("explained", { ...SECURE, hypervisor_version_requires: ">=11.0" });
    const { body } = await ask(`/explain?image=${image}&flavor=1`);
    assert.deepEqual([body.refusal, body.fits, body.policy.decision], [null, false, "on"]);
    assert.deepEqual(body.hosts, [{ name: "hv2", fits: false, reasons: ["is Windows Server 2022 (10.0): the image requires >=11.0"] }]);
    const refused = await ask(`/explain?image=${cloud.addImage("gen1", { os_secure_boot: "required" })}&flavor=1`);
    assert.equal(refused.body.refusal.code, "SIG-POLICY-GEN2");
    assert.equal((await ask("/explain")).status, 400);
    assert.equal("name" in (await ask(`/explain?image=${image}&flavor=1`, { token: member })).body.hosts[0], false);
  });
});
