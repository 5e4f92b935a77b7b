import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { serveDashboard } from "./serve-dashboard.ts";

describe("the responder", () => {
  let folder: string;
  let root: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "signet-responder-"));
    root = join(folder, "page");
    await mkdir(join(root, "assets"), { recursive: true });
    await writeFile(join(root, "index.html"), '<meta property="csp-nonce" nonce="SIGNET_PAGE_NONCE">');
    await writeFile(join(root, "assets", "app-1.js"), "export {};");
    await writeFile(join(folder, "secret.txt"), "secret");
  });

  after(() => rm(folder, { recursive: true, force: true }));

  test("answers every page route with the page, whatever its query", async () => {
    for (const path of ["/", "/index.html", "/images", "/images/", "/images/0f3c2a11?search=a", "/servers/x?y=/..", "/hosts", "/json/hosts/b1"]) {
      const answer = await serveDashboard(path, root);
      assert.equal(answer?.status, 200, path);
      assert.equal(answer.headers["content-type"], "text/html; charset=utf-8");
      assert.equal(answer.headers["cache-control"], "no-store");
    }
  });

  test("gives every answer a nonce of its own, the same in the page and in the policy", async () => {
    const seen = new Set<string>();
    for (const _ of [1, 2, 3]) {
      const answer = await serveDashboard("/", root);
      const nonce = /nonce="([^"]+)"/.exec(answer?.body.toString("utf8") ?? "")?.[1] ?? "";
      assert.ok(answer?.headers["content-security-policy"]?.includes(`style-src 'self' 'nonce-${nonce}'`));
      seen.add(nonce);
    }
    assert.equal(seen.size, 3);
  });

  test("names no origin but its own in the content security policy", async () => {
    const policy = (await serveDashboard("/", root))?.headers["content-security-policy"] ?? "";
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /https?:|\*|unsafe/);
  });

  test("lets assets be cached for ever, with the type that they have", async () => {
    const answer = await serveDashboard("/assets/app-1.js", root);
    assert.equal(answer?.headers["content-type"], "text/javascript; charset=utf-8");
    assert.equal(answer.headers["cache-control"], "public, max-age=31536000, immutable");
    assert.equal(answer.headers["x-content-type-options"], "nosniff");
  });

  test("leads no path out of the built folder", async () => {
    for (const path of ["/../secret.txt", "/assets/../../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "//secret.txt", "/assets\\..\\..\\secret.txt", "/assets/app-1.js/../../../secret.txt"]) {
      assert.equal(await serveDashboard(path, root), null, path);
    }
  });

  test("leaves the APIs' paths and missing assets to others", async () => {
    for (const path of ["/signet/v1/servers", "/identity/v3", "/metrics", "/assets/app-2.js", "/servers/a/b", "/json/tokens/1", "/assets"]) assert.equal(await serveDashboard(path, root), null, path);
  });

  test("serves a page that was built again meanwhile", async () => {
    await serveDashboard("/", root);
    await writeFile(join(root, "index.html"), "rebuilt");
    assert.equal((await serveDashboard("/", root))?.body.toString("utf8"), "rebuilt");
  });

  test("says how to build a page that was not built, and keeps out of the way elsewhere", async () => {
    const missing = join(folder, "none");
    const answer = await serveDashboard("/images", missing);
    assert.equal(answer?.status, 503);
    assert.match(answer.body.toString("utf8"), /npm run build --workspace @signet\/dashboard/);
    assert.equal(await serveDashboard("/signet/v1/images", missing), null);
  });
});
