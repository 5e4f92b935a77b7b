import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { SecretBox } from "./secret-box.ts";

describe("the secret box", () => {
  test("opens what it sealed, and never seals the same twice alike", () => {
    const box = new SecretBox(randomBytes(32));
    const [one, two] = [box.seal("päss", "host:1"), box.seal("päss", "host:1")];
    assert.notEqual(one, two);
    assert.equal(box.unseal(one, "host:1"), "päss");
  });

  test("does not open a value that was moved, changed, or sealed with another key", () => {
    const box = new SecretBox(randomBytes(32));
    const sealed = box.seal("secret", "host:1");
    assert.throws(() => box.unseal(sealed, "host:2"), /host:2 does not open/);
    assert.throws(() => box.unseal(`${sealed.slice(0, -2)}${sealed.endsWith("AA") ? "BB" : "AA"}`, "host:1"), /does not open/);
    assert.throws(() => new SecretBox(randomBytes(32)).unseal(sealed, "host:1"), /does not open/);
    assert.throws(() => box.unseal("secret", "host:1"), /is not one/);
  });

  test("keeps its key in a file for its owner only, and refuses a damaged one", async () => {
    const folder = await mkdtemp(join(tmpdir(), "signet-key-"));
    try {
      const path = join(folder, "secret.key");
      const sealed = (await SecretBox.fromKeyFile(path)).seal("secret", "x");
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      assert.equal((await SecretBox.fromKeyFile(path)).unseal(sealed, "x"), "secret");
      await writeFile(path, "short");
      await assert.rejects(SecretBox.fromKeyFile(path), /damaged/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
