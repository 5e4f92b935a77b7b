import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { bootstrapIdentity } from "../../identity/bootstrap.ts";
import { TOKEN_LIFETIME_MS } from "../../identity/tokens.ts";
import { passwordRequest, TestIdentity } from "./test-identity.ts";

const UNAUTHENTICATED = { error: { code: 401, message: "The request you have made requires authentication.", title: "Unauthorized" } };

describe("the identity API", () => {
  let identity: TestIdentity;
  let admin: { "x-auth-token": string };
  before(async () => {
    identity = await TestIdentity.start();
    admin = { "x-auth-token": await identity.loginAsAdmin() };
  });
  after(() => identity.close());

  test("answers discovery as keystoneauth wants it, with links to the address that the client used", async () => {
    const root = await identity.app.inject({ url: "/identity/", headers: { host: "cloud.example:8080" } });
    assert.equal(root.statusCode, 300);
    assert.equal(root.headers["location"], "http://cloud.example:8080/identity/v3/");
    assert.equal(root.json().versions.values[0].links[0].href, "http://cloud.example:8080/identity/v3/");
    for (const url of ["/identity/v3", "/identity/v3/"]) {
      const version = await identity.app.inject({ url });
      assert.equal(version.statusCode, 200);
      assert.equal(version.json().version.id, "v3.14");
      assert.match(String(version.headers["x-openstack-request-id"]), /^req-[0-9a-f-]{36}$/);
    }
  });

  test("gives a token with implied roles, catalog and times of six digits", async () => {
    const response = await identity.app.inject({ method: "POST", url: "/identity/v3/auth/tokens", payload: passwordRequest("admin", identity.adminPassword, "admin"), headers: { host: "cloud.example" } });
    assert.equal(response.statusCode, 201);
    const { token } = response.json();
    assert.deepEqual(token.roles.map((role: { name: string }) => role.name), ["admin", "member", "reader"]);
    assert.match(token.expires_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    assert.equal(Date.parse(token.expires_at) - Date.parse(token.issued_at), TOKEN_LIFETIME_MS);
    assert.match(token.audit_ids[0], /^[A-Za-z0-9_-]{22}$/);
    const urls = Object.fromEntries(token.catalog.map((service: { type: string; endpoints: { interface: string; url: string }[] }) => [service.type, service.endpoints.find((endpoint) => endpoint.interface === "public")?.url]));
    assert.deepEqual(urls, { identity: "http://cloud.example/identity/v3", image: "http://cloud.example/image", compute: "http://cloud.example/compute/v2.1" });
  });

  test("refuses a wrong password, an unknown user and a project without a role with one and the same sentence", async () => {
    await identity.app.inject({ method: "POST", url: "/identity/v3/projects", headers: admin, payload: { project: { name: "closed" } } });
    const attempts = [passwordRequest("admin", "wrong", "admin"), passwordRequest("nobody", "wrong", "admin"), passwordRequest("admin", identity.adminPassword, "closed"), passwordRequest("admin", identity.adminPassword, "nowhere")];
    for (const payload of attempts) {
      const response = await identity.app.inject({ method: "POST", url: "/identity/v3/auth/tokens", payload });
      assert.equal(response.statusCode, 401);
      assert.deepEqual(response.json(), UNAUTHENTICATED);
      assert.match(String(response.headers["www-authenticate"]), /^Keystone uri="http:\/\/.+\/identity\/v3"$/);
    }
  });

  test("rescopes by token: the expiry and the origin of the chain stay, the methods add up", async () => {
    const unscoped = await identity.app.inject({ method: "POST", url: "/identity/v3/auth/tokens", payload: passwordRequest("admin", identity.adminPassword) });
    assert.equal(unscoped.json().token.project, undefined);
    assert.equal(unscoped.json().token.catalog, undefined);
    const id = String(unscoped.headers["x-subject-token"]);
    const rescoped = await identity.app.inject({
      method: "POST", url: "/identity/v3/auth/tokens",
      payload: { auth: { identity: { methods: ["token"], token: { id } }, scope: { project: { name: "admin", domain: { id: "default" } } } } },
    });
    const { token } = rescoped.json();
    assert.deepEqual(token.methods, ["token", "password"]);
    assert.equal(token.expires_at, unscoped.json().token.expires_at);
    assert.equal(token.audit_ids[1], unscoped.json().token.audit_ids[0]);
  });

  test("shows a token to its owner until it is revoked, and to nobody after its hour", async () => {
    const token = await identity.loginAsAdmin();
    const subject = { ...admin, "x-subject-token": token };
    assert.equal((await identity.app.inject({ url: "/identity/v3/auth/tokens", headers: subject })).statusCode, 200);
    assert.equal((await identity.app.inject({ method: "HEAD", url: "/identity/v3/auth/tokens", headers: subject })).statusCode, 200);
    assert.equal((await identity.app.inject({ url: "/identity/v3/auth/tokens?nocatalog", headers: subject })).json().token.catalog, undefined);
    assert.equal((await identity.app.inject({ method: "DELETE", url: "/identity/v3/auth/tokens", headers: subject })).statusCode, 204);
    const gone = await identity.app.inject({ url: "/identity/v3/auth/tokens", headers: subject });
    assert.equal(gone.statusCode, 404);
    assert.equal(gone.json().error.message, "Could not recognize Fernet token");
    identity.clock.aheadMs = TOKEN_LIFETIME_MS + 1000;
    const late = await identity.app.inject({ url: "/identity/v3/projects", headers: admin });
    identity.clock.aheadMs = 0;
    assert.deepEqual(late.json(), UNAUTHENTICATED);
  });

  test("keeps no token and no password readable in the store", async () => {
    const rows = await identity.database.store.selectFrom("tokens").selectAll().execute();
    assert.ok(rows.length > 0);
    assert.ok(!JSON.stringify(rows).includes(admin["x-auth-token"]));
    const user = await identity.database.store.selectFrom("users").selectAll().executeTakeFirstOrThrow();
    assert.match(user.password_hash!, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    assert.equal(await bootstrapIdentity(identity.database.store), null);
  });

  test("finds things by name the way clients look: 404 for the name as an id, then one by query", async () => {
    const byId = await identity.app.inject({ url: "/identity/v3/projects/admin", headers: admin });
    assert.equal(byId.statusCode, 404);
    assert.equal(byId.json().error.message, "Could not find project: admin.");
    const byName = (await identity.app.inject({ url: "/identity/v3/projects?name=admin", headers: admin })).json();
    assert.equal(byName.projects.length, 1);
    assert.match(byName.projects[0].id, /^[0-9a-f]{32}$/);
    assert.equal(byName.links.next, null);
  });

  test("makes, changes and removes projects and users, and refuses doubles in Keystone's words", async () => {
    const created = await identity.app.inject({ method: "POST", url: "/identity/v3/projects", headers: admin, payload: { project: { name: "lab", colour: "blue" } } });
    assert.equal(created.statusCode, 201);
    const { project } = created.json();
    assert.equal(project.colour, "blue");
    const double = await identity.app.inject({ method: "POST", url: "/identity/v3/projects", headers: admin, payload: { project: { name: "lab" } } });
    assert.equal(double.statusCode, 409);
    assert.equal(double.json().error.message, `Conflict occurred attempting to store project - it is not permitted to have two projects with either the same name or same id in the same domain: name is lab, project id ${project.id}.`);
    const changed = await identity.app.inject({ method: "PATCH", url: `/identity/v3/projects/${project.id}`, headers: admin, payload: { project: { description: "benches" } } });
    assert.deepEqual([changed.json().project.description, changed.json().project.colour], ["benches", "blue"]);
    assert.equal((await identity.app.inject({ method: "DELETE", url: `/identity/v3/projects/${project.id}`, headers: admin })).statusCode, 204);
    const user = await identity.app.inject({ method: "POST", url: "/identity/v3/users", headers: admin, payload: { user: { name: "admin", password: "x" } } });
    assert.equal(user.json().error.message, "Conflict occurred attempting to store user - Duplicate entry found with name admin at domain ID default.");
    const nameless = await identity.app.inject({ method: "POST", url: "/identity/v3/projects", headers: admin, payload: { project: { name: 5 } } });
    assert.match(nameless.json().error.message, /^Invalid input for field 'name': 5 is not of type 'string'/);
  });

  test("lets a member see itself, and refuses the rest in Keystone's words", async () => {
    const member = await identity.createMember("ada");
    const headers = { "x-auth-token": member.token };
    assert.equal((await identity.app.inject({ url: `/identity/v3/users/${member.userId}`, headers })).statusCode, 200);
    assert.equal((await identity.app.inject({ url: `/identity/v3/projects/${member.projectId}`, headers })).statusCode, 200);
    const listed = await identity.app.inject({ url: "/identity/v3/users", headers });
    assert.equal(listed.statusCode, 403);
    assert.equal(listed.json().error.message, "You are not authorized to perform the requested action: identity:list_users.");
    assert.deepEqual((await identity.app.inject({ url: "/identity/v3/auth/projects", headers })).json().projects.map((project: { name: string }) => project.name), ["ada"]);
  });

  test("a token ends with the role, the password or the account that it rests on", async () => {
    const member = await identity.createMember("eve");
    const headers = { "x-auth-token": member.token };
    const isValid = async (): Promise<boolean> => (await identity.app.inject({ url: "/identity/v3/auth/projects", headers })).statusCode === 200;
    assert.ok(await isValid());
    const changed = await identity.app.inject({ method: "POST", url: `/identity/v3/users/${member.userId}/password`, payload: { user: { original_password: "secret", password: "another" } } });
    assert.equal(changed.statusCode, 204);
    assert.ok(!(await isValid()));
    headers["x-auth-token"] = await identity.login("eve", "another", "eve");
    await identity.app.inject({ method: "PATCH", url: `/identity/v3/users/${member.userId}`, headers: admin, payload: { user: { enabled: false } } });
    assert.ok(!(await isValid()));
    await assert.rejects(identity.login("eve", "another", "eve"), /401/);
  });

  test("says in Keystone's words what a malformed request lacks", async () => {
    const empty = await identity.app.inject({ method: "POST", url: "/identity/v3/auth/tokens", payload: {} });
    assert.equal(empty.statusCode, 400);
    assert.match(empty.json().error.message, /^Expecting to find auth in request body\. The server could not comply/);
    const text = await identity.app.inject({ method: "POST", url: "/identity/v3/auth/tokens", payload: "{", headers: { "content-type": "application/json" } });
    assert.match(text.json().error.message, /^Expecting to find valid JSON in request body\./);
    const path = await identity.app.inject({ url: "/identity/v2.0" });
    assert.deepEqual([path.statusCode, path.headers["content-type"]], [404, "text/html; charset=utf-8"]);
    const method = await identity.app.inject({ method: "PUT", url: "/identity/v3/projects" });
    assert.deepEqual([method.statusCode, method.headers["allow"], method.json()], [405, "GET, POST", { message: "The method is not allowed for the requested URL." }]);
  });
});
