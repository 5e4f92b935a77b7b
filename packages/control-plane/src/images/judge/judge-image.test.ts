import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { judgeInProcess } from "./judge-image.ts";

describe("the judging process", () => {
  let folder: string;
  before(async () => (folder = await mkdtemp(join(tmpdir(), "signet-judge-"))));
  after(() => rm(folder, { recursive: true, force: true }));

  async function judge(name: string, data: string | Buffer): ReturnType<typeof judgeInProcess> {
    const path = join(folder, name);
    await writeFile(path, data);
    return judgeInProcess({ path, file: name, declaredFormat: "vhdx", sizeBytes: data.length });
  }

  test("calls an empty file and a letter unbootable under every template of Hyper-V, with the reason", async () => {
    for (const [name, data] of [["empty.vhdx", ""], ["letter.vhdx", "Dear firmware,\nplease boot this.\n"]] as const) {
      const report = await judge(name, data);
      assert.deepEqual(report.verdicts.map(({ trust }) => trust).toSorted(), ["MicrosoftUEFICertificateAuthority", "MicrosoftWindows", "OpenSourceShieldedVM"]);
      for (const verdict of report.verdicts) {
        assert.equal(verdict.outcome, "unbootable");
        assert.match(verdict.because[0]!.code, /^DI-/);
      }
      assert.deepEqual([report.file, report.format.declared], [name, "vhdx"]);
    }
  });

  test("answers unknown with the reason when the file cannot be read, and never fails", async () => {
    const report = await judgeInProcess({ path: join(folder, "nowhere"), file: "nowhere", declaredFormat: null, sizeBytes: 1 });
    assert.deepEqual(new Set(report.verdicts.map(({ outcome }) => outcome)), new Set(["unknown"]));
    assert.equal(report.warnings[0]?.code, "SIG-JUDGE-FAILED");
  });
});
