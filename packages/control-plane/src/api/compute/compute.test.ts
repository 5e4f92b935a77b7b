import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sampleFacts } from "../../scheduling/sample-hosts.ts";
import { TestCompute } from "./test-compute.ts";

const SECURE = { hw_machine_type: "hyperv-gen2", os_secure_boot: "required", hypervisor_type: "hyperv" };
const PLAIN = { hw_machine_type: "hyperv-gen2" };

describe("compute over a 2012 R2 and a 2022 host", () => {
  let cloud: TestCompute;
  before(async () => (cloud = await TestCompute.start({ hv1: "2012r2", hv2: sampleFacts("2022", { memoryBytes: 8 * 1024 ** 3 }) })));
  after(() => cloud.close());

  async function createSettled(name: string, properties: Record<string, string>, changes: Record<string, unknown> = {}): ReturnType<TestCompute["settled"]> {
    const created = await cloud.createServer(name, cloud.addImage(name, properties), changes);
    assert.equal(created.status, 202, JSON.stringify(created.body));
    return cloud.settled(created.body.server.id);
  }

  describe("versions", () => {
    test("the version document needs no token and names the range", async () => {
      const { status, body, headers } = await cloud.ask("GET", "", undefined, { token: "" });
      assert.equal(status, 200);
      assert.deepEqual([body.version.id, body.version.version, body.version.min_version, body.version.status], ["v2.1", "2.93", "2.1", "CURRENT"]);
      assert.match(body.version.links[0].href, /\/compute\/v2\.1\/$/);
      assert.equal(headers["openstack-api-version"], "compute 2.1");
      const all = await cloud.identity.app.inject({ url: "/compute" });
      assert.equal(all.statusCode, 200);
      assert.equal(all.json().versions[0].id, "v2.1");
    });

    test("both version headers are read and answered; the new one wins", async () => {
      const answer = await cloud.identity.app.inject({ url: "/compute/v2.1/flavors", headers: { "x-auth-token": await cloud.identity.loginAsAdmin(), "openstack-api-version": "volume 3.1, compute 2.55", "x-openstack-nova-api-version": "2.2" } });
      assert.equal(answer.headers["openstack-api-version"], "compute 2.55");
      assert.equal(answer.headers["x-openstack-nova-api-version"], "2.55");
      assert.ok("description" in answer.json().flavors[0]);
    });

    test("a version beyond the range is 406 and is echoed; nonsense is 400", async () => {
      const beyond = await cloud.ask("GET", "/flavors", undefined, { version: "2.94" });
      assert.equal(beyond.status, 406);
      assert.equal(beyond.body.computeFault.message, "Version 2.94 is not supported by the API. Minimum is 2.1 and maximum is 2.93.");
      assert.equal(beyond.headers["openstack-api-version"], "compute 2.94");
      const nonsense = await cloud.ask("GET", "/flavors", undefined, { version: "abc" });
      assert.equal(nonsense.body.badRequest.message, "API Version String abc is of invalid format. Must be of format MajorNum.MinorNum.");
      assert.equal((await cloud.ask("GET", "/flavors", undefined, { version: "latest" })).headers["openstack-api-version"], "compute 2.93");
    });

    test("without a valid token everything else is 401; an unknown path is plain text", async () => {
      const closed = await cloud.ask("GET", "/servers", undefined, { token: "nobody" });
      assert.equal(closed.status, 401);
      assert.equal(closed.body.error.title, "Unauthorized");
      const unknown = await cloud.ask("GET", "/nothing/here/at/all");
      assert.equal(unknown.status, 404);
      assert.match(String(unknown.headers["content-type"]), /text\/plain/);
    });

    test("a project in the path must be the token's, and is then in the links", async () => {
      const { body } = await cloud.ask("GET", "/0123456789abcdef/servers");
      assert.match(body.badRequest.message, /^Malformed request URL: URL's project_id '0123456789abcdef' doesn't match/);
    });
  });

  describe("flavors", () => {
    test("four sizes are there from the start", async () => {
      const { body } = await cloud.ask("GET", "/flavors/detail");
      assert.deepEqual(body.flavors.slice(0, 4).map(({ name }: { name: string }) => name), ["m1.tiny", "m1.small", "m1.medium", "m1.large"]);
      assert.deepEqual([body.flavors[0].swap, "extra_specs" in body.flavors[0], "description" in body.flavors[0]], ["", false, false]);
      const latest = (await cloud.ask("GET", "/flavors/1", undefined, { version: "2.75" })).body.flavor;
      assert.deepEqual([latest.swap, latest.extra_specs, latest.description], [0, {}, null]);
    });

    test("create answers 200, delete 202, twice is a conflict, and absent is 404", async () => {
      const flavor = { name: "m1.cap", ram: 64, vcpus: 1, disk: 1, id: null };
      const created = await cloud.ask("POST", "/flavors", { flavor });
      assert.equal(created.status, 200);
      assert.equal((await cloud.ask("POST", "/flavors", { flavor })).body.conflictingRequest.message, "Flavor with name m1.cap already exists.");
      assert.equal((await cloud.ask("POST", "/flavors", { flavor: { ...flavor, name: "x", id: "1" } })).body.conflictingRequest.message, "Flavor with ID 1 already exists.");
      assert.equal((await cloud.ask("DELETE", `/flavors/${created.body.flavor.id}`)).status, 202);
      assert.equal((await cloud.ask("GET", "/flavors/m1.cap")).body.itemNotFound.message, "Flavor m1.cap could not be found.");
    });

    test("what is missing or foreign in a new flavor is said in Nova's words", async () => {
      assert.equal((await cloud.ask("POST", "/flavors", { flavor: { ram: 1, vcpus: 1, disk: 1 } })).body.badRequest.message, "Invalid input for field/attribute flavor. Value: {'ram': 1, 'vcpus': 1, 'disk': 1}. 'name' is a required property");
      assert.match((await cloud.ask("POST", "/flavors", { flavor: { name: "x", ram: 1, vcpus: 1, disk: 1, bogus: 1 } })).body.badRequest.message, /Additional properties are not allowed \('bogus' was unexpected\)$/);
      assert.match((await cloud.ask("POST", "/flavors", { flavor: { name: "x", ram: 0, vcpus: 1, disk: 1 } })).body.badRequest.message, /0 is less than the minimum of 1$/);
    });

    test("extra specs keep their colon, merge, and are checked from 2.86 on", async () => {
      const { body: { flavor } } = await cloud.ask("POST", "/flavors", { flavor: { name: "m1.specs", ram: 64, vcpus: 1, disk: 1 } });
      const path = `/flavors/${flavor.id}/os-extra_specs`;
      assert.deepEqual((await cloud.ask("POST", path, { extra_specs: { "os:secure_boot": "maybe", a: 1 } }, { version: "2.61" })).body, { extra_specs: { "os:secure_boot": "maybe", a: 1 } });
      const refused = await cloud.ask("POST", path, { extra_specs: { "os:secure_boot": "maybe" } }, { version: "2.86" });
      assert.deepEqual([refused.status, refused.body.badRequest.message], [400, "Validation failed; 'maybe' is not one of: disabled, required."]);
      assert.equal((await cloud.ask("POST", path, { extra_specs: { "os:nonsense": "1" } }, { version: "2.92" })).body.badRequest.message, "Validation failed; extra spec 'os:nonsense' does not appear to be a valid extra spec.");
      assert.equal((await cloud.ask("POST", path, { extra_specs: { "mine:own": "1" } }, { version: "2.92" })).status, 200);
      assert.deepEqual((await cloud.ask("PUT", `${path}/os:secure_boot`, { "os:secure_boot": "required" })).body, { "os:secure_boot": "required" });
      assert.equal((await cloud.ask("PUT", `${path}/a`, { b: "1" })).body.badRequest.message, "Request body and URI mismatch");
      assert.deepEqual((await cloud.ask("GET", path)).body.extra_specs, { "os:secure_boot": "required", a: 1, "mine:own": "1" });
      assert.equal((await cloud.ask("DELETE", `${path}/os:secure_boot`)).status, 200);
      assert.equal((await cloud.ask("DELETE", `${path}/os:secure_boot`)).body.itemNotFound.message, `Flavor ${flavor.id} has no extra specs with key os:secure_boot.`);
    });

    test("members see public flavors and change none", async () => {
      const { token } = await cloud.identity.createMember("flavor-member");
      assert.equal((await cloud.ask("GET", "/flavors", undefined, { token })).status, 200);
      const refused = await cloud.ask("POST", "/flavors", { flavor: { name: "m", ram: 1, vcpus: 1, disk: 1 } }, { token });
      assert.equal(refused.body.forbidden.message, "Policy doesn't allow os_compute_api:os-flavor-manage:create to be performed.");
    });
  });

  describe("servers", () => {
    test("a server becomes ACTIVE with Secure Boot, is shown, listed, stopped, started, and deleted", async () => {
      const created = await cloud.createServer("web", cloud.addImage("web", SECURE), { metadata: { a: "b" } });
      assert.equal(created.status, 202);
      const { id } = created.body.server;
      assert.match(String(created.headers["location"]), new RegExp(`/compute/v2.1/servers/${id}$`));
      const server = await cloud.settled(id);
      assert.deepEqual([server.status, server["OS-EXT-STS:power_state"], server["OS-EXT-SRV-ATTR:host"], server.metadata], ["ACTIVE", 1, "hv2", { a: "b" }]);
      assert.equal(cloud.hosts.get("hv2")!.machines.get(id)!.actual.secureBootEnabled, true);
      assert.deepEqual((await cloud.ask("GET", "/servers?name=web")).body.servers.map(({ id: found }: { id: string }) => found), [id]);
      for (const [action, status] of [[{ "os-stop": null }, "SHUTOFF"], [{ "os-start": null }, "ACTIVE"], [{ reboot: { type: "SOFT" } }, "ACTIVE"], [{ reboot: { type: "HARD" } }, "ACTIVE"]] as const) {
        const answer = await cloud.ask("POST", `/servers/${id}/action`, action);
        assert.deepEqual([answer.status, answer.body], [202, ""]);
        assert.equal((await cloud.settled(id)).status, status);
      }
      const actions = (await cloud.ask("GET", `/servers/${id}/os-instance-actions`)).body.instanceActions;
      assert.deepEqual(actions.map(({ action }: { action: string }) => action), ["reboot", "reboot", "start", "stop", "create"]);
      assert.equal((await cloud.ask("GET", `/servers/${id}/os-instance-actions/${actions[4].request_id}`)).body.instanceAction.events[0].result, "Success");
      assert.equal((await cloud.ask("DELETE", `/servers/${id}`)).status, 204);
      assert.equal(await cloud.settled(id), null);
      assert.equal(cloud.hosts.get("hv2")!.machines.size, 0);
      assert.equal((await cloud.ask("GET", `/servers/${id}`)).body.itemNotFound.message, `Instance ${id} could not be found.`);
    });

    test("the shape follows the microversion", async () => {
      const server = await createSettled("shapes", PLAIN);
      const at = async (version: string): Promise<Record<string, unknown>> => (await cloud.ask("GET", `/servers/${server.id}`, undefined, { version })).body.server;
      const names = async (version: string): Promise<string[]> => Object.keys(await at(version));
      const steps: readonly (readonly [string, string, string])[] = [
        ["2.2", "2.3", "OS-EXT-SRV-ATTR:reservation_id"], ["2.8", "2.9", "locked"], ["2.15", "2.16", "host_status"], ["2.18", "2.19", "description"], ["2.25", "2.26", "tags"], ["2.62", "2.63", "trusted_image_certificates"],
        ["2.70", "2.71", "server_groups"], ["2.72", "2.73", "locked_reason"],
      ];
      for (const [before, from, name] of steps) assert.deepEqual([(await names(before)).includes(name), (await names(from)).includes(name)], [false, true], name);
      assert.deepEqual(Object.keys((await at("2.46"))["flavor"] as object), ["id", "links"]);
      assert.equal(((await at("2.47"))["flavor"] as Record<string, unknown>)["original_name"], "m1.tiny");
      assert.equal("server_groups" in (await cloud.ask("GET", "/servers/detail", undefined, { version: "2.71" })).body.servers[0], false);
    });

    test("a refusal before any host is touched is 400 with sentence, remedy, code and what lies behind it", async () => {
      const refused = await cloud.createServer("gen1", cloud.addImage("im-secure", { os_secure_boot: "required" }));
      assert.equal(refused.status, 400);
      assert.equal(refused.body.badRequest.message, 'Image "im-secure" asks for Secure Boot but is a Generation 1 image. Set hw_machine_type=hyperv-gen2 on the image, or remove os_secure_boot. [SIG-POLICY-GEN2]');
      assert.deepEqual(refused.body.badRequest.signet, { code: "SIG-POLICY-GEN2", remedy: "Set hw_machine_type=hyperv-gen2 on the image, or remove os_secure_boot." });
    });

    test("an image that Hyper-V cannot boot is refused with the command that converts it", async () => {
      const raw = await cloud.createServer("raw", cloud.addImage("raw", PLAIN, { detectedFormat: "qcow2" }));
      assert.match(raw.body.badRequest.message, /"raw" is a qcow2 image.*qemu-img convert -O vhdx/);
      const vhd = await cloud.createServer("vhd", cloud.addImage("vhd", PLAIN, { detectedFormat: "vhd" }));
      assert.match(vhd.body.badRequest.message, /Generation 2 machines boot VHDX only.*qemu-img convert -f vpc/);
      const gen1 = await createSettled("gen1-vhd", {}, { imageRef: cloud.addImage("gen1", {}, { detectedFormat: "vhd" }) });
      assert.equal(gen1.status, "ACTIVE");
    });

    test("image metadata outside Nova's lists is refused in Nova's words", async () => {
      for (const [properties, text] of [
        [{ hypervisor_type: "Hyper-V" }, "Hypervisor virt type 'Hyper-V' is not valid"], [{ hypervisor_version_requires: ">=6" }, "Version >=6 is not a valid predicate in field img_hv_requested_version"],
      ] as const) assert.equal((await cloud.createServer("x", cloud.addImage("x", properties))).body.badRequest.message, `Invalid image metadata. Error: ${text}`);
      assert.match((await cloud.createServer("x", cloud.addImage("x", { os_secure_boot: "maybe" }))).body.badRequest.message, /os_secure_boot is none of disabled, optional, required.*os_secure_boot=maybe/);
    });

    test("hypervisor_version_requires steers, and Secure Boot for Linux steers by itself", async () => {
      const hostOf = async (name: string, properties: Record<string, string>): Promise<string> => (await createSettled(name, properties))["OS-EXT-SRV-ATTR:host"];
      assert.equal(await hostOf("needs-10", { ...PLAIN, hypervisor_type: "hyperv", hypervisor_version_requires: ">=10.0" }), "hv2");
      assert.equal(await hostOf("needs-old", { ...PLAIN, hypervisor_version_requires: ">=6.3, <10.0" }), "hv1");
      assert.equal(await hostOf("needs-linux", { ...SECURE, hypervisor_version_requires: ">=6.3" }), "hv2");
    });

    test("what no host can take is accepted, and becomes ERROR with each host's reason", async () => {
      const server = await createSettled("needs-11", { ...SECURE, hypervisor_version_requires: ">=11.0" });
      assert.deepEqual([server.status, server["OS-EXT-STS:vm_state"], server.fault.code, server.hostId], ["ERROR", "error", 500, ""]);
      assert.equal(server.fault.message, "No valid host was found: 2 hosts. hv1 is Windows Server 2012 R2 (6.3): Linux guests with Secure Boot need 10.0. hv2 is Windows Server 2022 (10.0): the image requires >=11.0.");
      assert.equal((await cloud.ask("DELETE", `/servers/${server.id}`)).status, 204);
      assert.equal(await cloud.settled(server.id), null);
    });

    test("several at once are numbered; a reservation id is given when asked for", async () => {
      const image = cloud.addImage("many", PLAIN);
      const many = await cloud.createServer("many", image, { min_count: 1, max_count: "2", return_reservation_id: true });
      assert.match(many.body.reservation_id, /^r-[0-9a-z]{8}$/);
      const { servers } = (await cloud.ask("GET", `/servers/detail?reservation_id=${many.body.reservation_id}&sort_key=display_name&sort_dir=asc`)).body;
      assert.deepEqual(servers.map(({ name }: { name: string }) => name), ["many-1", "many-2"]);
      assert.equal((await cloud.createServer("x", image, { min_count: 2, max_count: 1 })).body.badRequest.message, "min_count must be <= max_count");
    });

    test("what is wrong in a request is said in Nova's words", async () => {
      const image = cloud.addImage("words", PLAIN);
      const message = async (changes: Record<string, unknown>): Promise<string> => (await cloud.createServer("words", image, changes)).body.badRequest?.message;
      assert.equal(await message({ flavorRef: "nope" }), "Flavor nope could not be found.");
      assert.equal(await message({ imageRef: "70a599e0-31e7-49b7-b260-868f441e862b" }), "Can not find requested image");
      assert.equal(await message({ imageRef: "nope" }), "Invalid input for field/attribute imageRef. Value: nope. 'nope' is not a 'uuid'");
      assert.equal(await message({ imageRef: "" }), "Missing imageRef attribute");
      assert.match(await message({ min_count: 0 }), /^Invalid input for field\/attribute min_count. Value: 0. 0 is less than the minimum of 1$/);
      assert.match(await message({ bogus: 1 }), /Additional properties are not allowed \('bogus' was unexpected\)$/);
      assert.equal(await message({ key_name: "none" }), "Invalid key_name provided.");
      assert.equal(await message({ availability_zone: "mars" }), "The requested availability zone is not available");
      assert.match((await cloud.ask("POST", "/servers", { server: { name: "x", imageRef: image, flavorRef: "1" } }, { version: "2.37" })).body.badRequest.message, /'networks' is a required property$/);
      assert.equal((await cloud.ask("POST", "/servers", {})).body.badRequest.message, "'server' is a required property");
      const queued = await cloud.createServer("x", cloud.addImage("queued", PLAIN, { status: "queued" }));
      assert.match(queued.body.badRequest.message, /^Image .* is not active\./);
    });

    test("networks none makes no adapter, anything else one on the first switch", async () => {
      const image = cloud.addImage("nets", PLAIN);
      const adaptersOf = async (created: { body: { server: { id: string } } }): Promise<number> => {
        const { id, "OS-EXT-SRV-ATTR:host": host } = await cloud.settled(created.body.server.id);
        return cloud.hosts.get(host)!.machines.get(id)!.actual.nics.length;
      };
      assert.equal(await adaptersOf(await cloud.createServer("none", image)), 0);
      assert.equal(await adaptersOf(await cloud.createServer("auto", image, { networks: "auto" })), 1);
      assert.equal(await adaptersOf(await cloud.ask("POST", "/servers", { server: { name: "absent", imageRef: image, flavorRef: 1 } })), 1);
    });

    test("states that do not allow an action are conflicts; unknown actions are bad requests", async () => {
      const { id } = await createSettled("states", PLAIN);
      const act = async (body: unknown): Promise<{ status: number; body: any }> => cloud.ask("POST", `/servers/${id}/action`, body);
      assert.equal((await act({ "os-start": null })).body.conflictingRequest.message, `Cannot 'start' instance ${id} while it is in vm_state active`);
      assert.equal((await act({ bogus: null })).body.badRequest.message, "There is no such action: bogus");
      assert.equal((await act({})).body.badRequest.message, "Malformed request body");
      assert.equal((await act({ reboot: { type: "HARDLY" } })).body.badRequest.message, "Invalid input for field/attribute type. Value: HARDLY. 'HARDLY' is not one of ['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft']");
    });

    test("the console's text is given whole or by its last lines", async () => {
      const { id } = await createSettled("console", PLAIN);
      const output = async (length?: number): Promise<string> => (await cloud.ask("POST", `/servers/${id}/action`, { "os-getConsoleOutput": length === undefined ? {} : { length } })).body.output;
      const deadline = Date.now() + 5_000;
      while (!(await output()).includes("guest: ready") && Date.now() < deadline) await new Promise((settle) => setTimeout(settle, 30));
      assert.equal(await output(1), "guest: ready\n");
      assert.match(await output(-1), /BdsDxe: starting/);
    });

    test("strangers see nothing of a server, and not even that it exists", async () => {
      const { id } = await createSettled("mine", PLAIN);
      const { token } = await cloud.identity.createMember("stranger");
      assert.equal((await cloud.ask("GET", `/servers/${id}`, undefined, { token })).status, 404);
      assert.equal((await cloud.ask("DELETE", `/servers/${id}`, undefined, { token })).status, 404);
      assert.deepEqual((await cloud.ask("GET", "/servers", undefined, { token })).body.servers, []);
      assert.equal((await cloud.ask("GET", "/servers?all_tenants=1", undefined, { token })).status, 403);
    });

    test("lists page newest first, and complain as Nova does", async () => {
      const first = (await cloud.ask("GET", "/servers?limit=2")).body;
      assert.equal(first.servers.length, 2);
      const next = new URL(first.servers_links[0].href);
      const second = (await cloud.ask("GET", `/servers${next.search}`)).body;
      assert.equal(new Set([...first.servers, ...second.servers].map(({ id }: { id: string }) => id)).size, 4);
      const message = async (query: string, version = "2.1"): Promise<string> => (await cloud.ask("GET", `/servers?${query}`, undefined, { version })).body.badRequest.message;
      assert.equal(await message("limit=-1"), "Invalid input for query parameters limit. Value: -1. '-1' does not match '^[0-9]*$'");
      assert.equal(await message("marker=nope"), "marker [nope] not found");
      assert.equal(await message("status=NOPE", "2.38"), "Invalid status value");
      assert.match(await message("bogus=1", "2.75"), /'bogus' does not match any of the regexes: '\^_'$/);
      assert.match(await message("sort_key=nope"), /'nope' is not one of/);
      assert.match(await message("name=%5B"), /not a regular expression/);
      assert.deepEqual((await cloud.ask("GET", "/servers?limit=0")).body.servers, []);
      assert.deepEqual((await cloud.ask("GET", "/servers?status=NOPE")).body.servers, []);
      assert.ok((await cloud.ask("GET", "/servers/detail?status=ACTIVE")).body.servers.every(({ status }: { status: string }) => status === "ACTIVE"));
    });
  });

  describe("hosts as Nova shows them", () => {
    test("hypervisors change shape at 2.28, 2.53 and 2.88", async () => {
      const detail = async (version: string): Promise<any> => (await cloud.ask("GET", "/os-hypervisors/detail", undefined, { version })).body.hypervisors.find((found: any) => found.hypervisor_hostname === "hv2");
      assert.deepEqual([typeof (await detail("2.1")).id, typeof (await detail("2.1")).cpu_info, typeof (await detail("2.28")).cpu_info, typeof (await detail("2.53")).id], ["number", "string", "object", "string"]);
      assert.deepEqual(["vcpus" in (await detail("2.88")), typeof (await detail("2.88")).uptime], [false, "string"]);
      assert.deepEqual([(await detail("2.1")).hypervisor_version, (await detail("2.1")).hypervisor_type], [10000, "hyperv"]);
      assert.equal((await cloud.ask("GET", "/os-hypervisors/hv2")).status, 404);
      assert.equal((await cloud.ask("GET", "/os-hypervisors/hv2", undefined, { version: "2.53" })).body.badRequest.message, "Invalid uuid hv2");
      const { id } = await detail("2.1");
      assert.match((await cloud.ask("GET", `/os-hypervisors/${id}/uptime`)).body.hypervisor.uptime, /^\d\d:\d\d:\d\d up .*, 0 users, load average: /);
      assert.equal((await cloud.ask("GET", "/os-hypervisors/statistics")).body.hypervisor_statistics.count, 2);
      assert.equal((await cloud.ask("GET", "/os-hypervisors/statistics", undefined, { version: "2.88" })).status, 404);
    });

    test("a disabled service takes no servers and says why", async () => {
      const service = (await cloud.ask("GET", "/os-services?host=hv1", undefined, { version: "2.53" })).body.services[0];
      assert.deepEqual([service.binary, service.status, service.state], ["nova-compute", "enabled", "up"]);
      await cloud.ask("PUT", `/os-services/${service.id}`, { status: "disabled", disabled_reason: "maintenance" }, { version: "2.53" });
      const server = await createSettled("old-only", { ...PLAIN, hypervisor_version_requires: "<10.0" });
      assert.match(server.fault.message, /hv1 is disabled \(maintenance\)/);
      await cloud.ask("PUT", "/os-services/enable", { host: "hv1", binary: "nova-compute" });
      assert.equal((await cloud.ask("GET", "/os-services?host=hv1")).body.services[0].status, "enabled");
    });
  });

  describe("keypairs, limits and the rest", () => {
    test("a keypair is made, shown, listed and deleted with the statuses of its version", async () => {
      const made = await cloud.ask("POST", "/os-keypairs", { keypair: { name: "kk" } }, { version: "2.10" });
      assert.equal(made.status, 201);
      assert.match(made.body.keypair.private_key, /BEGIN RSA PRIVATE KEY/);
      assert.equal((await cloud.ask("POST", "/os-keypairs", { keypair: { name: "kk" } })).body.conflictingRequest.message, "Key pair 'kk' already exists.");
      assert.equal((await cloud.ask("POST", "/os-keypairs", { keypair: { name: "bad", public_key: "no key" } })).body.badRequest.message, "Keypair data is invalid: failed to generate fingerprint");
      assert.match((await cloud.ask("POST", "/os-keypairs", { keypair: { name: "x" } }, { version: "2.92" })).body.badRequest.message, /'public_key' is a required property$/);
      assert.equal((await cloud.ask("GET", "/os-keypairs")).body.keypairs[0].keypair.fingerprint, made.body.keypair.fingerprint);
      assert.equal((await cloud.ask("DELETE", "/os-keypairs/kk", undefined, { version: "2.2" })).status, 204);
      assert.equal((await cloud.ask("GET", "/os-keypairs/kk")).status, 404);
    });

    test("limits, quotas, zones, usage and aggregates answer what clients read", async () => {
      const { absolute } = (await cloud.ask("GET", "/limits")).body.limits;
      assert.equal(absolute.maxTotalInstances, -1);
      assert.ok(absolute.totalInstancesUsed > 0);
      assert.equal((await cloud.ask("GET", "/os-quota-sets/p")).body.quota_set.cores, -1);
      assert.deepEqual((await cloud.ask("GET", "/os-availability-zone")).body.availabilityZoneInfo[0], { zoneName: "nova", zoneState: { available: true }, hosts: null });
      assert.deepEqual((await cloud.ask("GET", "/os-aggregates")).body, { aggregates: [] });
      assert.equal((await cloud.ask("GET", "/os-simple-tenant-usage/p")).body.tenant_usage.total_hours, 0);
      const used = (await cloud.ask("GET", "/os-simple-tenant-usage?detailed=1&start=2026-01-01T00:00:00")).body.tenant_usages[0];
      assert.ok(used.total_hours > 0 && used.total_memory_mb_usage >= used.total_hours * 512 && used.server_usages.length > 3);
      assert.match((await cloud.ask("GET", "/os-simple-tenant-usage/p?start=soon")).body.badRequest.message, /invalid format/);
    });
  });

  test("nothing of all this was a fault of ours", () => {
    assert.deepEqual(cloud.problems, []);
  });
});
