import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type EmulatedHost, startEmulatedHost } from "@signet/emulator";
import { checkHost, type HostCheck } from "@signet/hyperv";

const PASSWORD = "of-this-test-only";
const signal = AbortSignal.timeout(120_000);

describe("a host walked through what is needed of it", () => {
  let folder: string;
  const hosts: EmulatedHost[] = [];
  const start = async (release: string): Promise<EmulatedHost> => {
    const host = await startEmulatedHost({ name: `check-${release}`, release, dataDir: join(folder, release), listen: { host: "127.0.0.1", port: 0 }, user: "Administrator", password: PASSWORD, machines: "instant", clock: "auto" });
    hosts.push(host);
    return host;
  };
  before(async () => (folder = await mkdtemp(join(tmpdir(), "signet-check-"))));
  after(async () => {
    await Promise.all(hosts.map((host) => host.close()));
    await rm(folder, { recursive: true, force: true });
  });

  const check = (url: string, password = PASSWORD): Promise<HostCheck[]> => Array.fromAsync(checkHost({ name: "hv", url, user: "Administrator", password, tlsFingerprint: null }, { signal }));

  test("lacks nothing where all is there, and nothing is left behind", async () => {
    const { url } = await start("2022");
    const checks = await check(url);
    assert.deepEqual(checks.filter(({ outcome }) => outcome === "lacking"), []);
    assert.equal(checks.length, 8);
    assert.deepEqual((await readdir(folder, { recursive: true })).filter((name) => name.includes("signet-check")), []);
  });

  test("names the one thing that an older release lacks, with what to do", async () => {
    const lacking = (await check((await start("2012r2")).url)).filter(({ outcome }) => outcome === "lacking");
    assert.deepEqual(lacking.map(({ name }) => name), ["Secure Boot for Windows and Linux guests"]);
    assert.match(lacking[0]?.remedy ?? "", /Windows Server 2016/);
  });

  test("ends at the door when the password is wrong or nobody answers, and the password is in no sentence", async () => {
    for (const [checks, remedy] of [[await check(hosts[0]!.url, "wrong-secret"), /Check user and password/], [await check("http://127.0.0.1:9/wsman", "wrong-secret"), /Enable-PSRemoting/]] as const) {
      assert.deepEqual(checks.map(({ outcome }) => outcome), ["lacking"]);
      assert.match(checks[0]?.remedy ?? "", remedy);
      assert.doesNotMatch(JSON.stringify(checks), /wrong-secret/);
    }
  });
});
