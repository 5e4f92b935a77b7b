import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { parseCimXml, valueOf } from "@signet/wsman";
import { ScriptedFiles } from "./scripted-files.ts";
import { jobReference, ScriptedHost } from "./scripted-host.ts";

const never = new AbortController().signal;
const serverId = "11111111-2222-4333-8444-555555555555";
const folder = `C:\\Disks\\Signet\\Servers\\${serverId}`;
const image = "C:\\Disks\\Signet\\Images\\image.vhdx";
const disk = { serverId, imagePath: image, format: "vhdx" } as const;

describe("making a root disk", () => {
  let host: ScriptedHost;
  let files: ScriptedFiles;
  const asked: unknown[] = [];
  beforeEach(async () => {
    host = await ScriptedHost.start();
    files = new ScriptedFiles(host);
    files.write(image, "image");
    asked.length = 0;
    host.methods.set("Msvm_ImageManagementService.ConvertVirtualHardDisk", (input) => {
      const settings = parseCimXml(String(input["VirtualDiskSettingData"]));
      asked.push([input["SourcePath"], valueOf(settings, "Path"), valueOf(settings, "Type"), valueOf(settings, "Format")]);
      files.write(String(valueOf(settings, "Path")), "copy");
      return { Job: jobReference("C", "Msvm_StorageJob"), ReturnValue: 4096 };
    });
    job(7);
  });
  afterEach(() => host.close());
  const job = (JobState: number, ErrorCode = 0) => host.set("Msvm_StorageJob", { InstanceID: "C", JobState, ErrorCode });

  test("copies the image to a dynamic disk, which gets its name when it is whole", async () => {
    assert.deepEqual(await host.connect().createRootDisk(disk, never), { path: `${folder}\\root.vhdx` });
    assert.deepEqual(asked, [[image, `${folder}\\unfinished.vhdx`, 3, 3]]);
    assert.deepEqual([...files.files.keys()], [image, `${folder}\\root.vhdx`]);
    await host.connect().createRootDisk(disk, never);
    assert.equal(asked.length, 1);
  });

  test("copies to a VHD for Generation 1", async () => {
    assert.equal((await host.connect().createRootDisk({ ...disk, format: "vhd" }, never)).path, `${folder}\\root.vhd`);
    assert.deepEqual(asked, [[image, `${folder}\\unfinished.vhd`, 3, 2]]);
  });

  test("does not count a copy that failed, and makes it anew", async () => {
    job(10, 32768);
    await assert.rejects(host.connect().createRootDisk(disk, never), { code: "HV-JOB-FAILED", retry: "later" });
    assert.ok(!files.files.has(`${folder}\\root.vhdx`));
    job(7);
    await host.connect().createRootDisk(disk, never);
    assert.equal(files.files.get(`${folder}\\root.vhdx`)?.content, "copy");
  });

  test("waits for the job of an attempt whose caller died, then makes it anew", async () => {
    const held = `${folder}\\unfinished.vhdx`;
    files.write(held, "half");
    files.open.add(held);
    setTimeout(() => files.open.clear(), 300);
    await host.connect().createRootDisk(disk, never);
    assert.deepEqual([asked.length, files.files.get(`${folder}\\root.vhdx`)?.content], [1, "copy"]);
  });

  test("takes the disk that another process finished meanwhile", async () => {
    const held = `${folder}\\unfinished.vhdx`;
    files.write(held, "theirs");
    files.open.add(held);
    setTimeout(() => files.write(`${folder}\\root.vhdx`, "theirs"), 300);
    await host.connect().createRootDisk(disk, never);
    assert.deepEqual([asked.length, files.files.get(`${folder}\\root.vhdx`)?.content], [0, "theirs"]);
  });

  test("needs the image", async () => {
    files.files.delete(image);
    await assert.rejects(host.connect().createRootDisk({ ...disk, imagePath: "C:\\gone.vhdx" }, never), { code: "HV-IMAGE-MISSING", retry: "never" });
    assert.equal(asked.length, 0);
  });
});
