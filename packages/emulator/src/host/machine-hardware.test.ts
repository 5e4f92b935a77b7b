import assert from "node:assert/strict";
import { test } from "node:test";
import { templateById } from "@signet/secure-boot/trust";
import { VirtualDiskError } from "../drive/virtual-disks.ts";
import { defaultUncertainties } from "../uncertainties.ts";
import { cdImageKind, diskDriveKind, dvdDriveKind, hardDiskImageKind, ideControllerKind, scsiControllerKind, serialPortKind } from "./device-kinds-data.ts";
import { isKind, type DeviceKind } from "./device-kinds.ts";
import type { Host } from "./host.ts";
import { prepareHardware } from "./machine-hardware.ts";
import type { MachineRecord, Values } from "./machine-record.ts";
import { newDevice, newMachine, settingsId } from "./new-machine.ts";
import { Refusal } from "./refusal.ts";
import { microsoftUefiTemplate, microsoftWindowsTemplate, releaseByName } from "./releases.ts";

const released: string[] = [];

/** As much of a host as starting needs; the path "gone" cannot be opened. */
const host = {
  disks: {
    async runtimeDisk(path: string) {
      if (path.includes("gone")) throw new VirtualDiskError("fileNotFound", "The system cannot find the file specified.");
      return { path: `/drive/${path}`, format: path.endsWith(".iso") ? "raw" : "vhdx", logicalSectorBytes: 512, release: async () => void released.push(path) };
    },
  },
} as unknown as Host;

function machine(generation: 1 | 2, releaseName = "2022"): MachineRecord {
  return newMachine(generation, releaseByName(releaseName), 0, defaultUncertainties);
}

function withDevice(record: MachineRecord, kind: DeviceKind, id: string, values: Values = {}): MachineRecord {
  const device = newDevice(kind, id, values, releaseByName("2022"));
  return { ...record, devices: [...record.devices, device], bootDevices: kind === diskDriveKind || kind === dvdDriveKind ? [...record.bootDevices, id] : record.bootDevices };
}

function withDisk(record: MachineRecord, controller: string, slot: number, path: string): MachineRecord {
  const isDvd = path.endsWith(".iso");
  const drive = withDevice(record, isDvd ? dvdDriveKind : diskDriveKind, `${controller}\\${slot}\\D`, { AddressOnParent: String(slot) });
  return withDevice(drive, isDvd ? cdImageKind : hardDiskImageKind, `${controller}\\${slot}\\L`, { HostResource: [path] });
}

test("generation 2 gets its disks in boot order, and the keys of its template", async () => {
  const record = machine(2);
  const first = `${settingsId(record.guid)}\\A\\0`;
  const second = `${settingsId(record.guid)}\\B\\0`;
  let built = withDevice(withDevice(record, scsiControllerKind, first), scsiControllerKind, second);
  built = withDisk(withDisk(withDisk(built, first, 0, "root.vhdx"), second, 3, "data.vhdx"), first, 1, "install.iso");
  built = { ...built, bootDevices: [`${first}\\1\\D`, `${first}\\0\\D`, `${second}\\3\\D`], settings: { ...built.settings, SecureBootTemplateId: microsoftUefiTemplate } };
  const { hardware } = await prepareHardware(host, built);
  assert.deepEqual(hardware.disks.map(({ path, media, bus, unit }) => [path, media, bus, unit]), [
    ["/drive/install.iso", "cdrom", "scsi", 1], ["/drive/root.vhdx", "disk", "scsi", 0], ["/drive/data.vhdx", "disk", "scsi", 67],
  ]);
  assert.deepEqual(hardware.firmware, { secureBootEnabled: true, trustId: microsoftUefiTemplate, trust: templateById(microsoftUefiTemplate)?.variables });
  assert.deepEqual([hardware.cpuCount, hardware.memoryBytes, hardware.serialPort], [1, 1024 ** 3, false]);
});

test("without a template property the authority of Windows is built in, and generation 1 has no such firmware", async () => {
  const { hardware } = await prepareHardware(host, machine(2, "2012r2"));
  assert.equal(hardware.firmware?.trustId, microsoftWindowsTemplate);
  assert.equal((await prepareHardware(host, machine(1))).hardware.firmware, null);
});

test("generation 1 boots by classes of devices, from IDE places", async () => {
  const record = machine(1);
  const [primary, secondary] = record.devices.filter((device) => isKind(device, ideControllerKind)).map(({ id }) => id);
  const built = withDisk(withDisk(record, primary ?? "", 1, "disk.vhd"), secondary ?? "", 0, "boot.iso");
  const order = async (bootOrder: number[]) => (await prepareHardware(host, { ...built, settings: { ...built.settings, BootOrder: bootOrder } })).hardware.disks.map(({ bus, unit }) => `${bus}${unit}`);
  assert.deepEqual(await order([1, 2, 3, 0]), ["ide2", "ide1"]);
  assert.deepEqual(await order([2, 1, 3, 0]), ["ide1", "ide2"]);
});

test("there is a serial port where COM1 leads to a pipe", async () => {
  const record = machine(2);
  const devices = record.devices.map((device) => (isKind(device, serialPortKind) && device.id.endsWith("\\0") ? { ...device, values: { ...device.values, Connection: ["\\\\.\\pipe\\console"] } } : device));
  assert.equal((await prepareHardware(host, { ...record, devices })).hardware.serialPort, true);
});

test("when one disk cannot be had, those taken before are given back", async () => {
  const record = machine(2);
  const controller = `${settingsId(record.guid)}\\A\\0`;
  const built = withDisk(withDisk(withDevice(record, scsiControllerKind, controller), controller, 0, "here.vhdx"), controller, 1, "gone.vhdx");
  await assert.rejects(prepareHardware(host, built), (error: unknown) => error instanceof Refusal && error.code === 32768 && /failed to start.*'gone\.vhdx' failed to open.*cannot find/.test(error.message));
  assert.deepEqual(released, ["here.vhdx"]);
});
