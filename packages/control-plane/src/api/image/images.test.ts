import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { TestImages } from "../../images/test-images.ts";

describe("the image API", () => {
  let images: TestImages;
  let member: { token: string; projectId: string };
  before(async () => {
    images = await TestImages.start();
    member = await images.identity.createMember("image-member");
  });
  after(() => images.close());

  test("answers discovery with 300 at the root and for unknown versions, 200 at /versions, and asks for a token below /v2", async () => {
    for (const [path, status] of [["", 300], ["/", 300], ["/v3", 300], ["/versions", 200]] as const) {
      const answer = await images.ask("GET", path, { headers: { "x-auth-token": "" } });
      assert.equal(answer.status, status, path);
      assert.deepEqual([answer.body.versions[0].id, answer.body.versions.length], ["v2.15", 15]);
      assert.equal(answer.body.versions[0].links[0].href, `${images.base}/v2/`);
    }
    for (const path of ["/v2", "/v2/", "/v2/images"]) assert.equal((await images.ask("GET", path, { headers: { "x-auth-token": "" } })).status, 401, path);
  });

  test("creates an image with its properties at the top level and paths without host", async () => {
    const created = await images.ask("POST", "/v2/images", { body: { name: "win-secure", disk_format: "vhd", container_format: "bare", hypervisor_type: "hyperv", os_secure_boot: "required" } });
    assert.equal(created.status, 201);
    const { id, created_at: createdAt, ...rest } = created.body;
    assert.equal(created.headers.get("location"), `${images.base}/v2/images/${id}`);
    assert.match(createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.deepEqual([rest.status, rest.visibility, rest.size, rest.checksum, rest.os_hash_algo, rest.virtual_size, rest.self, rest.schema], ["queued", "shared", null, null, null, null, `/v2/images/${id}`, "/v2/schemas/image"]);
    assert.deepEqual([rest.hypervisor_type, rest.os_secure_boot], ["hyperv", "required"]);
  });

  test("refuses a value of os_secure_boot outside its list, in create and update, and names the allowed ones", async () => {
    const created = await images.ask("POST", "/v2/images", { body: { name: "maybe", os_secure_boot: "maybe" } });
    assert.equal(created.status, 400);
    assert.equal(created.headers.get("signet-refusal"), "SIG-IMAGE-SECURE-BOOT");
    assert.match(created.body.message, /os_secure_boot is "maybe"; allowed values are disabled, optional, required/);
    const id = await images.create("was-fine", { os_secure_boot: "optional" });
    assert.equal((await images.patch(id, [{ op: "replace", path: "/os_secure_boot", value: "Required" }])).status, 400);
    assert.equal((await images.patch(id, [{ op: "replace", path: "/os_secure_boot", value: "required" }])).status, 200);
  });

  test("finds an image by its unique name in every path, and says which ids an ambiguous name has", async () => {
    const id = await images.upload("by name", "abc");
    const path = "/v2/images/by%20name";
    assert.equal((await images.ask("GET", path)).body.id, id);
    assert.equal((await images.patch("by name", [{ op: "add", path: "/os_type", value: "linux" }])).body.os_type, "linux");
    assert.equal((await images.ask("GET", `${path}/file`)).text, "abc");
    assert.equal((await images.ask("PUT", `${path}/tags/golden`)).status, 204);
    assert.equal((await images.ask("POST", `${path}/actions/deactivate`)).status, 204);
    assert.deepEqual((await images.ask("GET", `${path}/members`)).body.members, []);
    const twin = await images.create("by name");
    const ambiguous = await images.ask("GET", path);
    assert.equal(ambiguous.status, 409);
    assert.ok(ambiguous.body.message.includes(id) && ambiguous.body.message.includes(twin));
    await images.ask("DELETE", `/v2/images/${twin}`);
    assert.equal((await images.ask("DELETE", path)).status, 204);
    assert.equal((await images.ask("GET", path)).status, 404);
  });

  test("gives md5, sha512, virtual size of raw data, and ranges of it", async () => {
    const id = await images.upload("ranges", "0123456789");
    const { body } = await images.ask("GET", `/v2/images/${id}`);
    assert.equal(body.checksum, createHash("md5").update("0123456789").digest("hex"));
    assert.deepEqual([body.os_hash_algo, body.os_hash_value], ["sha512", createHash("sha512").update("0123456789").digest("hex")]);
    assert.deepEqual([body.size, body.virtual_size, body.status], [10, 10, "active"]);
    const whole = await images.ask("GET", `/v2/images/${id}/file`);
    assert.deepEqual([whole.status, whole.text, whole.headers.get("content-md5"), whole.headers.get("content-length")], [200, "0123456789", body.checksum, "10"]);
    const ranges: [string, number, string][] = [["bytes=1-1", 206, "1"], ["bytes=7-", 206, "789"], ["bytes=-2", 206, "89"], ["bytes=8-99", 206, "89"], ["pages=1", 200, "0123456789"]];
    for (const [range, status, text] of ranges) {
      const answer = await images.ask("GET", `/v2/images/${id}/file`, { headers: { range } });
      assert.deepEqual([answer.status, answer.text], [status, text], range);
    }
    assert.equal((await images.ask("GET", `/v2/images/${id}/file`, { headers: { range: "bytes=1-1" } })).headers.get("content-range"), "bytes 1-1/10");
    for (const range of ["bytes=10-", "bytes=5-2", "bytes=0-1,3-4"]) assert.equal((await images.ask("GET", `/v2/images/${id}/file`, { headers: { range } })).status, 416, range);
  });

  test("answers a queued image's data with 204, and a second upload with Glance's 409", async () => {
    const id = await images.create("once");
    assert.equal((await images.ask("GET", `/v2/images/${id}/file`)).status, 204);
    assert.equal((await images.ask("PUT", `/v2/images/${id}/file`, { data: "x" })).status, 204);
    const second = await images.ask("PUT", `/v2/images/${id}/file`, { data: "y" });
    assert.deepEqual([second.status, second.body.message.trim()], [409, "Image status transition from active to saving is not allowed"]);
    const formless = await images.ask("POST", "/v2/images", { body: { name: "formless" } });
    const refused = await images.ask("PUT", `/v2/images/${formless.body.id}/file`, { data: "x" });
    assert.deepEqual([refused.status, refused.body.message.trim()], [400, "Properties disk_format, container_format must be set prior to saving data."]);
    assert.equal((await images.ask("PUT", `/v2/images/${formless.body.id}/file`, { data: "x", headers: { "content-type": "text/plain" } })).status, 415);
  });

  test("patches in both media types, and refuses the rest in Glance's words", async () => {
    const id = await images.create("patched", { os_type: "linux" });
    assert.equal((await images.patch(id, [{ replace: "/name", value: "patched-2" }, { add: "/colour", value: "red" }], "v2.0")).body.name, "patched-2");
    assert.equal((await images.patch(id, [{ op: "add", path: "/a~1b", value: "slash" }])).body["a/b"], "slash");
    assert.equal("os_type" in (await images.patch(id, [{ op: "remove", path: "/os_type" }])).body, false);
    assert.deepEqual((await images.patch(id, [{ op: "replace", path: "/tags", value: ["x", "y", "x"] }])).body.tags, ["x", "y"]);
    const refusals: [unknown, number, RegExp][] = [
      [[{ op: "replace", path: "/nope", value: "x" }], 409, /Property nope does not exist\./],
      [[{ op: "remove", path: "/name" }], 403, /Property name may not be removed\./],
      [[{ op: "replace", path: "/id", value: "x" }], 403, /Attribute 'id' is read-only\./],
      [[{ op: "add", path: "/os_glance_x", value: "x" }], 403, /Attribute 'os_glance_x' is reserved\./],
      [[{ op: "add", path: "/signet_detected_format", value: "x" }], 403, /reserved/],
      [[{ op: "replace", path: "/name", value: 5 }], 400, /Provided object does not match schema 'image': 5 is not of type 'string'/],
      [[{ op: "add", path: "/os_type", value: true }], 400, /true is not of type 'string'/],
      [[{ op: "move", path: "/name", value: "x" }], 400, /Invalid operation: `move`\. It must be one of the following: add, remove, replace\./],
      [{}, 400, /Request body must be a JSON array of operation objects\./],
      [[{ op: "add", path: "/tags/-", value: "x" }], 400, /Invalid JSON pointer for this resource: '\/tags\/-'/],
      [[{ op: "replace", path: "/visibility", value: "secret" }], 400, /"secret" is not one of/],
    ];
    for (const [patch, status, words] of refusals) {
      const answer = await images.patch(id, patch);
      assert.equal(answer.status, status, JSON.stringify(patch));
      assert.match(answer.body.message, words);
    }
    const type = await images.ask("PATCH", `/v2/images/${id}`, { body: [] });
    assert.deepEqual([type.status, type.headers.get("accept-patch")], [415, "application/openstack-images-v2.0-json-patch, application/openstack-images-v2.1-json-patch"]);
    await images.ask("PUT", `/v2/images/${id}/file`, { data: "x" });
    assert.match((await images.patch(id, [{ op: "replace", path: "/disk_format", value: "vhd" }])).body.message, /Attribute disk_format can be only replaced for a queued image\./);
  });

  test("applies all steps of a patch or none", async () => {
    const id = await images.create("whole", { a: "1" });
    assert.equal((await images.patch(id, [{ op: "replace", path: "/a", value: "2" }, { op: "remove", path: "/b" }])).status, 409);
    assert.equal((await images.ask("GET", `/v2/images/${id}`)).body.a, "1");
  });

  test("keeps images of other projects out of sight, and shows shared, public and community ones as Glance does", async () => {
    const id = await images.create("private-matters", { tags: ["sight"] });
    const see = async (query = ""): Promise<string[]> => (await images.ask("GET", `/v2/images?tag=sight${query}`, { token: member.token })).body.images.map((image: { name: string }) => image.name);
    assert.equal((await images.ask("GET", `/v2/images/${id}`, { token: member.token })).status, 404);
    assert.deepEqual(await see(), []);
    const shared = await images.ask("POST", `/v2/images/${id}/members`, { body: { member: member.projectId } });
    assert.deepEqual([shared.status, shared.body.status], [200, "pending"]);
    assert.equal((await images.ask("POST", `/v2/images/${id}/members`, { body: { member: member.projectId } })).status, 409);
    assert.equal((await images.ask("GET", `/v2/images/${id}`, { token: member.token })).status, 200);
    assert.deepEqual(await see(), []);
    assert.deepEqual(await see("&member_status=pending"), ["private-matters"]);
    const accept = await images.ask("PUT", `/v2/images/${id}/members/${member.projectId}`, { body: { status: "accepted" }, token: member.token });
    assert.equal(accept.body.status, "accepted");
    assert.deepEqual(await see(), ["private-matters"]);
    assert.equal((await images.ask("DELETE", `/v2/images/${id}`, { token: member.token })).status, 403);
    await images.patch(id, [{ op: "replace", path: "/visibility", value: "community" }]);
    assert.deepEqual([await see(), await see("&visibility=community")], [[], ["private-matters"]]);
    await images.patch(id, [{ op: "replace", path: "/visibility", value: "public" }]);
    assert.deepEqual(await see(), ["private-matters"]);
    assert.match((await images.ask("GET", `/v2/images/${id}/members`)).body.message, /Only shared images have members\./);
    const own = await images.create("of-member", {}, member.token);
    const publicize = await images.ask("PATCH", `/v2/images/${own}`, { token: member.token, body: [{ op: "replace", path: "/visibility", value: "public" }], headers: { "content-type": "application/openstack-images-v2.1-json-patch" } });
    assert.deepEqual([publicize.status, publicize.body.message.trim()], [403, "You are not authorized to complete publicize_image action."]);
  });

  test("lists in pages that end, with filters, and refuses bad queries in Glance's words", async () => {
    for (const [name, size] of [["page-c", 3], ["page-a", 1], ["page-b", 2], ["page-b", 2]] as const) await images.upload(name, "x".repeat(size), { run: "pages" });
    const walk = async (query: string): Promise<string[]> => {
      const names: string[] = [];
      for (let path: string | undefined = `/v2/images?run=pages&limit=2&${query}`; path !== undefined; ) {
        const { body } = await images.ask("GET", path);
        assert.ok(body.first.startsWith("/v2/images?") && !body.first.includes("marker"));
        names.push(...body.images.map((image: { name: string }) => image.name));
        path = body.next;
      }
      return names;
    };
    assert.deepEqual(await walk("sort_key=name&sort_dir=asc"), ["page-a", "page-b", "page-b", "page-c"]);
    assert.deepEqual(await walk("sort=size:desc,name:asc"), ["page-c", "page-b", "page-b", "page-a"]);
    assert.deepEqual(await walk(""), ["page-b", "page-b", "page-a", "page-c"]);
    assert.deepEqual(await walk("name=in:page-a,page-c&sort=name:asc"), ["page-a", "page-c"]);
    assert.deepEqual(await walk("size_min=2&size_max=2"), ["page-b", "page-b"]);
    assert.deepEqual((await walk("created_at=lt:2020-01-01T00:00:00Z")).length, 0);
    assert.deepEqual((await images.ask("GET", "/v2/images?limit=0")).body.images, []);
    const bad: [string, RegExp][] = [
      ["limit=x", /limit param must be an integer/], ["limit=-1", /limit param must be positive/], ["marker=xx", /No image found with ID xx/],
      ["sort_key=foo", /Invalid sort key: foo\. It must be one of the following: name, status, container_format, disk_format, size, id, created_at, updated_at\./],
      ["sort_dir=up", /Invalid sort direction: up/], ["sort=name&sort_key=name", /Old and new sorting syntax cannot be combined/], ["visibility=bad", /Invalid visibility value: bad/],
      ["created_at=yesterday", /Bad "created_at" query filter format\. Use ISO 8601 DateTime notation\./],
      ["protected=maybe", /Invalid value 'maybe' for 'protected' filter\. Valid values are 'true' or 'false'\./], ["size_min=x", /Unable to filter on a range with a non-numeric value\./],
    ];
    for (const [query, words] of bad) {
      const answer = await images.ask("GET", `/v2/images?${query}`);
      assert.equal(answer.status, 400, query);
      assert.match(answer.body.message, words);
    }
    assert.deepEqual((await images.ask("GET", "/v2/images?status=bad")).body.images, []);
  });

  test("protects, deactivates and tags", async () => {
    const id = await images.upload("guarded", "abc", { protected: true, visibility: "public" });
    const kept = await images.ask("DELETE", `/v2/images/${id}`);
    assert.deepEqual([kept.status, kept.body.message.trim()], [403, `Image ${id} is protected and cannot be deleted.`]);
    for (let time = 0; time < 2; time++) assert.equal((await images.ask("POST", `/v2/images/${id}/actions/deactivate`)).status, 204);
    assert.equal((await images.ask("GET", `/v2/images/${id}/file`, { token: member.token })).status, 403);
    assert.equal((await images.ask("GET", `/v2/images/${id}/file`)).status, 200);
    assert.equal((await images.ask("POST", `/v2/images/${id}/actions/reactivate`)).status, 204);
    const queued = await images.create("not-yet");
    assert.match((await images.ask("POST", `/v2/images/${queued}/actions/deactivate`)).body.message, /Not allowed to deactivate image in status 'queued'/);
    assert.equal((await images.ask("DELETE", `/v2/images/${id}/tags/none`)).status, 404);
    assert.equal((await images.ask("PUT", `/v2/images/${id}/tags/${"t".repeat(256)}`)).status, 400);
    const many = await images.ask("POST", "/v2/images", { body: Object.fromEntries(Array.from({ length: 130 }, (_, index) => [`p${index}`, "x"])) });
    assert.deepEqual([many.status, many.body.message.trim()], [413, "The limit has been exceeded on the number of allowed image properties. Attempted: 130, Maximum: 128"]);
  });

  test("writes errors as the Accept header asks: JSON, a page, or text", async () => {
    const path = "/v2/images/nope";
    assert.deepEqual((await images.ask("GET", path)).body, { message: "No image found with ID nope\n\n\n", code: "404 Not Found", title: "Not Found" });
    const page = await images.ask("GET", path, { headers: { accept: "*/*" } });
    assert.equal(page.text, "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  No image found with ID nope<br /><br />\n\n\n\n </body>\n</html>");
    assert.equal(page.headers.get("content-type"), "text/html; charset=UTF-8");
    const text = await images.identity.app.inject({ url: `/image${path}`, headers: { "x-auth-token": images.token } });
    assert.equal(text.body, "404 Not Found\n\nNo image found with ID nope\n\n   ");
    const head = await images.identity.app.inject({ method: "HEAD", url: `/image${path}`, headers: { "x-auth-token": images.token } });
    assert.deepEqual([head.statusCode, head.headers["allow"]], [405, "DELETE, GET, PATCH"]);
  });

  test("takes no notice of a media type on requests without a body, as the glance client sends it", async () => {
    const id = await images.create("typed");
    const headers = { "content-type": "application/octet-stream" };
    assert.equal((await images.ask("GET", `/v2/images/${id}`, { headers })).status, 200);
    assert.equal((await images.ask("DELETE", `/v2/images/${id}`, { headers })).status, 204);
  });

  test("serves the schemas from which the glance client builds its model", async () => {
    for (const name of ["image", "images", "member", "members", "task", "tasks", "metadefs/namespace", "metadefs/resource_type"]) assert.equal((await images.ask("GET", `/v2/schemas/${name}`)).status, 200, name);
    const { body } = await images.ask("GET", "/v2/schemas/image");
    assert.deepEqual(body.properties.disk_format.enum, [null, "ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"]);
    assert.deepEqual(body.additionalProperties, { type: "string" });
  });
});
