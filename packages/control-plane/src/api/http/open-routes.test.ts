import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { ControlPlane } from "../../start.ts";
import { startControlPlane } from "../../start.ts";
import { routeDescriptions } from "../signet/openapi.ts";

/** Every route that answers without a token, and why it may. Whoever adds one explains it here. */
const OPEN_ROUTES: Readonly<Record<string, string>> = {
  "/identity/": "discovery",
  "/identity/v3": "discovery",
  "/image/": "discovery",
  "/image/versions": "discovery",
  "/compute/": "discovery",
  "/compute/v2.1": "discovery",
  "/healthz": "asked by whatever restarts the process",
  "/readyz": "asked by whatever sends requests here",
  "/metrics": "read by Prometheus; holds no names",
  "/signet/v1/openapi.json": "describes the API, and nothing in it",
};

const CLOSED_ROUTES = [
  "/identity/v3/users", "/identity/v3/projects", "/identity/v3/auth/tokens", "/identity/v3/role_assignments", "/identity/v3/services", "/image/v2/images", "/image/v2/schemas/image", "/image/v2/images/x/file",
  "/compute/v2.1/servers", "/compute/v2.1/flavors", "/compute/v2.1/os-hypervisors", "/signet/v1/images", "/signet/v1/servers", "/signet/v1/hosts", "/signet/v1/explain", "/signet/v1/nothing",
];

describe("the whole control plane", () => {
  let folder: string;
  let plane: ControlPlane;
  const start = (): Promise<ControlPlane> => startControlPlane({
    dataDir: join(folder, "data"), listen: { host: "127.0.0.1", port: 0 },
    connectHost: () => {
      throw new Error("this test has no hosts");
    },
    dashboard: async (path) => (path === "/" ? { status: 200, headers: { "content-type": "text/html" }, body: Buffer.from("<p>page</p>") } : null),
  });
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "signet-plane-"));
    plane = await start();
  });
  after(async () => {
    await plane.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function login(password: string): Promise<string> {
    const domain = { name: "Default" };
    const auth = { identity: { methods: ["password"], password: { user: { name: "admin", domain, password } } }, scope: { project: { name: "admin", domain } } };
    const response = await fetch(`${plane.url}/identity/v3/auth/tokens`, { method: "POST", body: JSON.stringify({ auth }) });
    return response.headers.get("x-subject-token") ?? "";
  }

  test("answers without a token only where the list says why, each time with a request id", async () => {
    for (const path of Object.keys(OPEN_ROUTES)) {
      const response = await fetch(`${plane.url}${path}`);
      assert.ok(response.status === 200 || response.status === 300, `${path}: ${response.status}`);
      assert.match(response.headers.get("x-openstack-request-id") ?? "", /^req-/);
    }
    for (const path of CLOSED_ROUTES) {
      const response = await fetch(`${plane.url}${path}`);
      assert.equal(response.status, 401, path);
      assert.equal(response.headers.get("signet-refusal"), "SIG-AUTH-REQUIRED", path);
    }
  });

  test("serves the page at the root, and says where the APIs are at paths that nobody has", async () => {
    assert.equal(await (await fetch(`${plane.url}/`)).text(), "<p>page</p>");
    const nothing = await fetch(`${plane.url}/nothing`);
    assert.equal(nothing.status, 404);
    assert.match(await nothing.text(), /\/identity\/v3/);
  });

  test("describes every route of Signet's API, and none that is not there", async () => {
    const description = (await (await fetch(`${plane.url}/signet/v1/openapi.json`)).json()) as { paths: Record<string, Record<string, { summary?: string }>> };
    const found = Object.entries(description.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, { summary }]) => ({ route: `${method.toUpperCase()} ${path.replace("/signet/v1", "").replaceAll(/\{(\w+)\}/g, ":$1")}`, summary })));
    assert.deepEqual(found.filter(({ summary }) => summary === undefined), []);
    assert.deepEqual(found.map(({ route }) => route).toSorted(), Object.keys(routeDescriptions).toSorted());
  });

  test("keeps everything over a stop and a start, and tells the first password only once", async () => {
    const password = plane.adminPassword!;
    assert.match(password, /^[A-Za-z0-9_-]{24}$/);
    const token = await login(password);
    const headers = { "x-auth-token": token, "content-type": "application/json" };
    const created = (await (await fetch(`${plane.url}/image/v2/images`, { method: "POST", headers, body: JSON.stringify({ name: "kept", disk_format: "raw", container_format: "bare" }) })).json()) as { id: string };
    await fetch(`${plane.url}/image/v2/images/${created.id}/file`, { method: "PUT", headers: { ...headers, "content-type": "application/octet-stream" }, body: "kept data" });
    await plane.close();
    plane = await start();
    assert.equal(plane.adminPassword, null);
    assert.equal(await (await fetch(`${plane.url}/image/v2/images/kept/file`, { headers: { "x-auth-token": token } })).text(), "kept data");
    const verdicts = (await (await fetch(`${plane.url}/signet/v1/images/kept/verdicts`, { headers: { "x-auth-token": token } })).json()) as { report: { verdicts: { outcome: string }[] } };
    assert.deepEqual(new Set(verdicts.report.verdicts.map(({ outcome }) => outcome)), new Set(["unbootable"]));
    assert.notEqual(await login(password), "");
  });
});
