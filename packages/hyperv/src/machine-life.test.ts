import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { parseCimXml, valueOf } from "@signet/wsman";
import type { CimParameters } from "@signet/wsman/cim";
import type { MachineSpec } from "./host-types.ts";
import { machineReference } from "./references.ts";
import { ScriptedFiles } from "./scripted-files.ts";
import { jobReference, ScriptedHost } from "./scripted-host.ts";

const never = new AbortController().signal;
const guid = "0B5A1C6E-6E1B-4F52-9B1F-3A2B1C0D9E8F";
const serverId = "11111111-2222-4333-8444-555555555555";
const folder = `C:\\Disks\\Signet\\Servers\\${serverId}`;
const service = "Msvm_VirtualSystemManagementService";
const realized = "Microsoft:Hyper-V:System:Realized";
const spec: MachineSpec = {
  serverId, name: "web", generation: 2, cpuCount: 2, memoryBytes: 1024 ** 3, secureBoot: { enabled: false, templateId: null },
  rootDiskPath: `${folder}\\root.vhdx`, nics: [], serialConsole: false,
};

describe("machines on a host that does not do as it is told", () => {
  let host: ScriptedHost;
  let files: ScriptedFiles;
  beforeEach(async () => {
    host = await ScriptedHost.start();
    files = new ScriptedFiles(host);
    files.write(spec.rootDiskPath, "disk");
  });
  afterEach(() => host.close());

  /** A machine as DefineSystem leaves it: without disk. */
  function addMachine(id: string, server: string, EnabledState = 3): void {
    host.add("Msvm_VirtualSystemSettingData", { InstanceID: `Microsoft:${id}`, VirtualSystemType: realized, VirtualSystemSubType: "Microsoft:Hyper-V:SubType:2", Notes: [`signet:${server}`], ElementName: "web", SecureBootEnabled: false });
    host.add("Msvm_ComputerSystem", { CreationClassName: "Msvm_ComputerSystem", Name: id, EnabledState, HealthState: 5, OnTimeInMilliseconds: 61_500n });
    host.add("Msvm_MemorySettingData", { InstanceID: `Microsoft:${id}\\m`, VirtualQuantity: 1024n });
    host.add("Msvm_ProcessorSettingData", { InstanceID: `Microsoft:${id}\\p`, VirtualQuantity: 2n });
  }
  const called = (name: string): number => host.asked.filter((one) => one === name).length;
  function removeOnDestroy(): void {
    host.methods.set(`${service}.DestroySystem`, () => {
      for (const name of ["Msvm_VirtualSystemSettingData", "Msvm_ComputerSystem", "Msvm_MemorySettingData", "Msvm_ProcessorSettingData"]) host.instances.delete(name);
      return { ReturnValue: 0 };
    });
  }
  function defineAs(id: string): CimParameters[] {
    const inputs: CimParameters[] = [];
    host.methods.set(`${service}.DefineSystem`, (input) => {
      inputs.push(input);
      addMachine(id, serverId);
      return { ResultingSystem: machineReference(id), ReturnValue: 0 };
    });
    return inputs;
  }

  describe("defining", () => {
    test("leaves nothing when a later step fails, and throws the first cause", async () => {
      defineAs(guid);
      removeOnDestroy();
      host.methods.set(`${service}.ModifyResourceSettings`, () => ({ ReturnValue: 32778 }));
      await assert.rejects(host.connect().defineMachine(spec, never), { code: "HV-METHOD-REFUSED", message: /set memory, processors and serial port: out of memory/ });
      assert.equal(host.instances.get("Msvm_ComputerSystem"), undefined);
      host.methods.set(`${service}.DestroySystem`, () => ({ ReturnValue: 32768 }));
      await assert.rejects(host.connect().defineMachine(spec, never), /out of memory/);
    });

    test("says Secure Boot in the one call that makes the machine", async () => {
      const inputs = defineAs(guid);
      removeOnDestroy();
      host.methods.set(`${service}.ModifyResourceSettings`, () => ({ ReturnValue: 2 }));
      await assert.rejects(host.connect().defineMachine({ ...spec, secureBoot: { enabled: true, templateId: "272e7447-90a4-4563-a4b9-8e4ab00526ce" } }, never));
      const settings = parseCimXml(String(inputs[0]!["SystemSettings"]));
      assert.deepEqual([valueOf(settings, "SecureBootEnabled"), valueOf(settings, "SecureBootTemplateId"), valueOf(settings, "ConfigurationDataRoot")], [true, "272e7447-90a4-4563-a4b9-8e4ab00526ce", folder]);
    });

    test("removes what a crash left half made before it makes another", async () => {
      addMachine(guid, serverId);
      removeOnDestroy();
      host.methods.set(`${service}.DefineSystem`, () => ({ ReturnValue: 32768 }));
      await assert.rejects(host.connect().defineMachine(spec, never), { code: "HV-METHOD-REFUSED" });
      assert.equal(called(`${service}.DestroySystem`), 1);
    });

    test("never touches a machine that was started, however it differs", async () => {
      addMachine(guid, serverId, 2);
      assert.equal(await host.connect().defineMachine(spec, never), guid);
      assert.deepEqual(host.asked.filter((one) => one.includes(service) && !one.includes("SettingData")), []);
    });

    test("does not take a machine of another server for its own", async () => {
      addMachine(guid, "99999999-2222-4333-8444-555555555555");
      host.methods.set(`${service}.DefineSystem`, () => ({ ReturnValue: 32768 }));
      await assert.rejects(host.connect().defineMachine(spec, never), { code: "HV-METHOD-REFUSED" });
      assert.equal(called(`${service}.DestroySystem`), 0);
    });

    test("names the switches that exist when one does not, before anything is made", async () => {
      host.add("Msvm_VirtualEthernetSwitch", { Name: "S", ElementName: "External" });
      await assert.rejects(host.connect().defineMachine({ ...spec, nics: [{ switchName: "Lab", macAddress: "02:00:00:00:00:01" }] }, never), { code: "HV-SWITCH-UNKNOWN", retry: "never", message: 'The host has no virtual switch "Lab"; it has "External".' });
      assert.equal(called(`${service}.DefineSystem`), 0);
    });

    test("needs the disk, and what the host can do", async () => {
      await assert.rejects(host.connect().defineMachine({ ...spec, rootDiskPath: "C:\\gone.vhdx" }, never), { code: "HV-DISK-MISSING" });
      await assert.rejects(host.connect().defineMachine({ ...spec, rootDiskPath: "C:\\x.vhd" }, never), { code: "HV-NOT-SUPPORTED", retry: "never" });
    });

    test("connects COM1 where the machine has it, and makes the machine without where it has none", async () => {
      const sent: number[] = [];
      removeOnDestroy();
      host.methods.set(`${service}.ModifyResourceSettings`, (input) => {
        sent.push([input["ResourceSettings"]].flat().length);
        return { ReturnValue: 32774 };
      });
      for (const ports of [1, 0]) {
        host.set("Msvm_SerialPortSettingData", ...[{ InstanceID: `Microsoft:${guid}\\S\\0`, ResourceSubType: "Microsoft:Hyper-V:Serial Port" }].slice(1 - ports));
        defineAs(guid);
        await assert.rejects(host.connect().defineMachine({ ...spec, serialConsole: true }, never), { code: "HV-METHOD-REFUSED", retry: "later" });
      }
      assert.deepEqual(sent, [3, 2]);
    });

    test("undoes nothing after an abort, because the next call finds what is left", async () => {
      defineAs(guid);
      removeOnDestroy();
      const abort = new AbortController();
      host.methods.set(`${service}.ModifyResourceSettings`, () => {
        abort.abort(new Error("stopping"));
        return { ReturnValue: 0 };
      });
      await assert.rejects(host.connect().defineMachine(spec, abort.signal), /stopping/);
      assert.equal(called(`${service}.DestroySystem`), 0);
    });
  });

  describe("power", () => {
    const request = "Msvm_ComputerSystem.RequestStateChange";
    const state = (EnabledState: number) => host.set("Msvm_ComputerSystem", { CreationClassName: "Msvm_ComputerSystem", Name: guid, EnabledState, HealthState: 5 });
    test("an invalid state is looked at, not believed: already running is started", async () => {
      host.methods.set(request, () => ({ ReturnValue: 32775 }));
      state(2);
      await host.connect().setPower(guid, "start", never);
      state(3);
      await assert.rejects(host.connect().setPower(guid, "start", never), { code: "HV-STATE", retry: "never", message: "The host would not start the machine while it is off." });
      await host.connect().setPower(guid, "turn-off", never);
      await assert.rejects(host.connect().setPower(guid, "reset", never), { code: "HV-STATE" });
    });

    test("a machine on its way is waited for", async () => {
      host.methods.set(request, () => ({ ReturnValue: 32775 }));
      state(10);
      setTimeout(() => state(2), 300);
      await host.connect().setPower(guid, "start", never);
    });

    test("a job that disappeared is done when the machine is in the state asked", async () => {
      host.methods.set(request, () => ({ Job: jobReference("gone"), ReturnValue: 4096 }));
      state(2);
      await host.connect().setPower(guid, "start", never);
      await assert.rejects(host.connect().setPower(guid, "turn-off", never), { code: "HV-JOB-LOST" });
    });

    test("states are asked by the numbers of version 2", async () => {
      const asked: unknown[] = [];
      host.methods.set(request, (input, target) => {
        asked.push([input["RequestedState"], target.keys["Name"]]);
        return { ReturnValue: 0 };
      });
      for (const action of ["start", "turn-off", "reset"] as const) await host.connect().setPower(guid, action, never);
      assert.deepEqual(asked, [["2", guid], ["3", guid], ["11", guid]]);
    });

    test("a guest is asked to shut down where it can be, and otherwise that is said", async () => {
      state(2);
      await assert.rejects(host.connect().setPower(guid, "shut-down", never), { code: "HV-GUEST-SILENT", message: /integration services do not answer/ });
      host.add("Msvm_ShutdownComponent", { CreationClassName: "Msvm_ShutdownComponent", DeviceID: `Microsoft:${guid}\\x`, SystemCreationClassName: "Msvm_ComputerSystem", SystemName: guid });
      for (const code of [0, 32782]) {
        host.methods.set("Msvm_ShutdownComponent.InitiateShutdown", (input, target) => {
          assert.deepEqual([input["Force"], target.keys["DeviceID"]], ["false", `Microsoft:${guid}\\x`]);
          return { ReturnValue: code };
        });
        await host.connect().setPower(guid, "shut-down", never);
      }
      host.methods.set("Msvm_ShutdownComponent.InitiateShutdown", () => ({ ReturnValue: 32781 }));
      await assert.rejects(host.connect().setPower(guid, "shut-down", never), /locked/);
    });

    test("a machine that is not there, and what is no id at all", async () => {
      host.instances.delete("Msvm_ComputerSystem");
      await assert.rejects(host.connect().setPower(guid, "start", never), { code: "HV-MACHINE-UNKNOWN", retry: "never" });
      await assert.rejects(host.connect().observe(guid, never), { code: "HV-MACHINE-UNKNOWN" });
      await assert.rejects(host.connect().followConsole(guid, () => {}, never), { code: "HV-MACHINE-UNKNOWN" });
      await assert.rejects(host.connect().readThumbnail(guid, { widthPixels: 8, heightPixels: 8 }, never), { code: "HV-MACHINE-UNKNOWN" });
      await assert.rejects(host.connect().setPower("' OR 1 = 1", "start", never), TypeError);
    });
  });

  describe("destroying", () => {
    test("removes the machine, then every file of the server, and twice is once", async () => {
      addMachine(guid, serverId, 2);
      removeOnDestroy();
      host.methods.set("Msvm_ComputerSystem.RequestStateChange", () => {
        host.set("Msvm_ComputerSystem", { CreationClassName: "Msvm_ComputerSystem", Name: guid, EnabledState: 3 });
        return { ReturnValue: 0 };
      });
      files.makeFolder(folder);
      files.write("C:\\Disks\\Signet\\Servers\\other\\root.vhdx", "x");
      for (let time = 0; time < 2; time++) await host.connect().destroyMachine(serverId, never);
      assert.deepEqual([...files.files.keys()], ["C:\\Disks\\Signet\\Servers\\other\\root.vhdx"]);
      assert.equal(called(`${service}.DestroySystem`), 1);
    });

    test("works when the machine is gone already and its files remain", async () => {
      files.makeFolder(folder);
      await host.connect().destroyMachine(serverId, never);
      assert.equal(files.files.size, 0);
    });

    test("follows the disks to where they were made, but never out of a folder of the server's own", async () => {
      addMachine(guid, serverId);
      removeOnDestroy();
      const old = `D:\\Before\\Signet\\Servers\\${serverId}`;
      const disk = (path: string, lun: number) => host.add("Msvm_StorageAllocationSettingData", { InstanceID: `Microsoft:${guid}\\C\\0\\${lun}\\L`, ResourceSubType: "Microsoft:Hyper-V:Virtual Hard Disk", HostResource: [path] });
      disk(`${old}\\root.vhdx`, 0);
      disk("C:\\Disks\\somebody.vhdx", 1);
      for (const path of [`${old}\\root.vhdx`, "C:\\Disks\\somebody.vhdx"]) files.write(path, "x");
      for (const path of [old, "C:\\Disks", folder]) files.makeFolder(path);
      await host.connect().destroyMachine(serverId, never);
      assert.deepEqual([...files.files.keys()], ["C:\\Disks\\somebody.vhdx"]);
    });

    test("keeps the files while the machine cannot be removed, and says what can be tried again", async () => {
      addMachine(guid, serverId);
      files.makeFolder(folder);
      host.methods.set(`${service}.DestroySystem`, () => ({ ReturnValue: 32774 }));
      await assert.rejects(host.connect().destroyMachine(serverId, never), { code: "HV-METHOD-REFUSED", retry: "later" });
      assert.equal(files.files.size, 1);
    });

    test("does not call it done while a file is still open", async () => {
      files.makeFolder(folder);
      files.open.add(spec.rootDiskPath);
      await assert.rejects(host.connect().destroyMachine(serverId, never), { code: "HV-FILE", retry: "later", message: /something else has the file open/ });
      files.open.clear();
      await host.connect().destroyMachine(serverId, never);
      assert.equal(files.files.size, 0);
    });

    test("ends the machine's jobs first", async () => {
      addMachine(guid, serverId);
      removeOnDestroy();
      const job = host.add("Msvm_ConcreteJob", { InstanceID: "J", JobState: 4, Cancellable: true });
      host.associated.set("Msvm_AffectedJobElement", [job]);
      host.methods.set("Msvm_ConcreteJob.RequestStateChange", (input, target) => {
        assert.deepEqual([input["RequestedState"], target.keys["InstanceID"]], ["5", "J"]);
        host.associated.clear();
        return { ReturnValue: 0 };
      });
      await host.connect().destroyMachine(serverId, never);
      assert.ok(host.asked.indexOf("Msvm_ConcreteJob.RequestStateChange") < host.asked.indexOf(`${service}.DestroySystem`));
    });
  });

  describe("reading", () => {
    test("many machines cost no more requests than one, and only ours are told", async () => {
      const requestsFor = async (): Promise<number> => {
        host.asked.length = 0;
        await host.connect().listMachines(never);
        return host.asked.length;
      };
      addMachine(guid, serverId);
      const one = await requestsFor();
      const id = (prefix: string, index: number) => `${prefix}-2222-4333-8444-${String(index).padStart(12, "0")}`;
      for (let index = 0; index < 60; index++) addMachine(id("AAAAAAAA", index), id("bbbbbbbb", index));
      host.add("Msvm_VirtualSystemSettingData", { InstanceID: "Microsoft:CCCCCCCC-2222-4333-8444-555555555555", VirtualSystemType: realized, Notes: ["somebody's"] });
      host.add("Msvm_VirtualSystemSettingData", { InstanceID: "Microsoft:DDDDDDDD-2222-4333-8444-555555555555", VirtualSystemType: "Microsoft:Hyper-V:Snapshot:Realized", Notes: [`signet:${serverId}`] });
      assert.equal(await requestsFor(), one);
      const machines = await host.connect().listMachines(never);
      assert.equal(machines.length, 61);
      assert.deepEqual(machines.map((machine) => [machine.cpuCount, machine.memoryBytes]), Array.from({ length: 61 }, () => [2, 1024 ** 3]));
    });

    test("every field comes from the host", async () => {
      addMachine(guid, serverId, 2);
      host.set("Msvm_VirtualSystemSettingData", {
        InstanceID: `Microsoft:${guid}`, VirtualSystemType: realized, VirtualSystemSubType: "Microsoft:Hyper-V:SubType:2", Notes: [`signet:${serverId}`], ElementName: "wéb", SecureBootEnabled: true,
        SecureBootTemplateId: "272E7447-90A4-4563-A4B9-8E4AB00526CE", BootSourceOrder: [`\\\\HOST\\root\\virtualization\\v2:Msvm_BootSourceSettingData.InstanceID="Microsoft:${guid}\\C\\0\\0\\D\\B"`],
      });
      const disk = (lun: number, values: object) => host.add("Msvm_StorageAllocationSettingData", { InstanceID: `Microsoft:${guid}\\C\\0\\${lun}\\L`, ...values });
      disk(10, { ResourceSubType: "Microsoft:Hyper-V:Virtual Hard Disk", HostResource: ["C:\\ten.vhdx"] });
      disk(2, { ResourceSubType: "Microsoft:Hyper-V:Virtual Hard Disk", HostResource: ["C:\\two.vhdx"] });
      disk(1, { ResourceSubType: "Microsoft:Hyper-V:Virtual CD/DVD Disk", HostResource: ["C:\\x.iso"] });
      host.add("Msvm_SyntheticEthernetPortSettingData", { InstanceID: `Microsoft:${guid}\\A`, Address: "00155D0102FF" });
      host.add("Msvm_SyntheticEthernetPortSettingData", { InstanceID: `Microsoft:${guid}\\B`, Address: "00155D010200" });
      host.add("Msvm_EthernetPortAllocationSettingData", { InstanceID: `Microsoft:${guid}\\A\\C`, EnabledState: 2, HostResource: ['\\\\HOST\\root\\virtualization\\v2:Msvm_VirtualEthernetSwitch.CreationClassName="Msvm_VirtualEthernetSwitch",Name="aaaa"'] });
      host.add("Msvm_EthernetPortAllocationSettingData", { InstanceID: `Microsoft:${guid}\\B\\C`, EnabledState: 3, HostResource: ['Msvm_VirtualEthernetSwitch.Name="AAAA"'] });
      host.add("Msvm_VirtualEthernetSwitch", { Name: "AAAA", ElementName: "External" });
      assert.deepEqual(await host.connect().readMachine(serverId, never), {
        guid, serverId, name: "wéb", state: "running", generation: 2, secureBootEnabled: true, secureBootTemplateId: "272e7447-90a4-4563-a4b9-8e4ab00526ce", cpuCount: 2, memoryBytes: 1024 ** 3,
        diskPaths: ["C:\\two.vhdx", "C:\\ten.vhdx"], nics: [{ switchName: "External", macAddress: "00:15:5d:01:02:ff" }, { switchName: null, macAddress: "00:15:5d:01:02:00" }],
        bootOrder: [`\\\\HOST\\root\\virtualization\\v2:Msvm_BootSourceSettingData.InstanceID="Microsoft:${guid}\\C\\0\\0\\D\\B"`], uptimeSeconds: 61,
      });
    });

    test("a machine is looked for where it was, and everywhere when it is not there any more", async () => {
      addMachine(guid, serverId);
      const connected = host.connect();
      await connected.readMachine(serverId, never);
      host.asked.length = 0;
      await connected.readMachine(serverId, never);
      assert.ok(!host.asked.some((one) => one.includes("VirtualSystemType")));
      for (const name of ["Msvm_VirtualSystemSettingData", "Msvm_ComputerSystem"]) host.instances.delete(name);
      addMachine("FFFFFFFF-2222-4333-8444-555555555555", serverId);
      assert.equal((await connected.readMachine(serverId, never))?.guid, "FFFFFFFF-2222-4333-8444-555555555555");
      for (const name of ["Msvm_VirtualSystemSettingData", "Msvm_ComputerSystem"]) host.instances.delete(name);
      assert.equal(await connected.readMachine(serverId, never), null);
    });

    test("two machines with one note are not guessed between", async () => {
      addMachine(guid, serverId);
      addMachine("FFFFFFFF-2222-4333-8444-555555555555", serverId);
      await assert.rejects(host.connect().readMachine(serverId, never), { code: "HV-MACHINE-TWICE", retry: "never", message: /0B5A1C6E.*FFFFFFFF/ });
    });
  });
});
