import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { maskSecrets, readConfiguration } from "./read-configuration.ts";

async function withFile(name: string, text: string, use: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "signet-configuration-"));
  try {
    await writeFile(join(folder, name), text);
    await use(join(folder, name));
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("the environment wins over the file, and the file over the defaults", async () => {
  await withFile("signet.yaml", "listen: 127.0.0.1:1000\npolicyProfile: nova-hyperv\n", async (path) => {
    const configuration = await readConfiguration(path, { SIGNET_LISTEN: "127.0.0.1:2000", SIGNET_ROLES: "worker" });
    assert.equal(configuration.listen, "127.0.0.1:2000");
    assert.equal(configuration.policyProfile, "nova-hyperv");
    assert.deepEqual(configuration.roles, ["worker"]);
    assert.equal(configuration.dataDir, "signet-data");
  });
});

test("an unknown key is refused by name, in TOML too", async () => {
  await withFile("signet.toml", 'lisen = "127.0.0.1:1"\n', async (path) => {
    await assert.rejects(readConfiguration(path, {}), /"lisen" is unknown\. Known keys: .*listen/);
  });
});

test("a wrong value is refused with its key and its value", async () => {
  await assert.rejects(readConfiguration(undefined, { SIGNET_POLICY_PROFILE: "strict" }), /"policyProfile" is "strict"/);
});

test("a secret is masked when the configuration is printed", async () => {
  const configuration = await readConfiguration(undefined, { SIGNET_DATABASE_URL: "postgres://u:p@db/signet" });
  assert.equal(maskSecrets(configuration)["databaseUrl"], "********");
});
