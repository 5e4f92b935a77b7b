import type { Host } from "../../host/host.ts";
import { deviceById, generationOf, resourceTypeOf, type DeviceRecord, type MachineConfiguration, type Values } from "../../host/machine-record.ts";
import { type AssociationSource, type ClassSources, machinesNamed, machinesOf, wmiObject } from "../class-source.ts";
import { bootSourceClass, bootSourceId, configurationsOf } from "./system-settings.ts";

export const bootSourceSources: ClassSources = {
  *[bootSourceClass](host, narrowing) {
    for (const machine of machinesNamed(host, narrowing.guid(["InstanceID"]))) {
      for (const configuration of configurationsOf(machine)) {
        for (const device of bootDevicesOf(configuration)) yield bootSourceValues(device);
      }
    }
  },
};

/** Which boot source stands for which device. */
export const logicalIdentity: AssociationSource = {
  className: "Msvm_LogicalIdentity",
  roles: ["SystemElement", "SameElement"],
  *links(host: Host, of) {
    for (const machine of machinesOf(host, of)) {
      for (const configuration of configurationsOf(machine)) {
        for (const device of bootDevicesOf(configuration)) yield { ends: [wmiObject(host, device.className, device.values), wmiObject(host, bootSourceClass, bootSourceValues(device))] };
      }
    }
  },
};

function bootDevicesOf(configuration: MachineConfiguration): DeviceRecord[] {
  return generationOf(configuration) === 1 ? [] : configuration.bootDevices.flatMap((id) => deviceById(configuration, id) ?? []);
}

// ResourceType of an Ethernet adapter; the other devices that firmware boots from are drives.
const ethernet = 10;

function bootSourceValues(device: DeviceRecord): Values {
  const network = resourceTypeOf(device) === ethernet;
  return {
    InstanceID: bootSourceId(device.id), ElementName: "Boot Source", Caption: "Boot Source Settings", Description: "Settings for the Microsoft Virtual Boot Source.",
    BootSourceType: network ? 2 : 1, BootSourceDescription: network ? "EFI Network" : "EFI SCSI Device", FirmwareDevicePath: devicePath(device, network), OtherLocation: "", OptionalData: [],
  };
}

/** In the text form that Hyper-V's firmware gives: VMBus class GUIDs of network and SCSI, then where on the controller. */
function devicePath(device: DeviceRecord, network: boolean): string {
  const own = /[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}/gi;
  const instance = device.id.match(own)?.at(-1) ?? "";
  if (network) return `\\AcpiEx(VMBus,0,0)\\VenHw(9B17E5A2-0891-42DD-B653-80B5C22809BA,635161F83EDFC546913FF2D2F965ED0E${instance.replaceAll("-", "")})\\MAC(${String(device.values["Address"] ?? "").padEnd(12, "0")})`;
  return `\\AcpiEx(VMBus,0,0)\\VenHw(9B17E5A2-0891-42DD-B653-80B5C22809BA,D96361BAA104294DB60572E2FFB1DC7F${instance.replaceAll("-", "")})\\Scsi(0,${String(device.values["AddressOnParent"] ?? "0")})`;
}
