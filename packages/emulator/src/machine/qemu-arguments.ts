import type { Acceleration } from "./accelerator.ts";
import type { MachineDisk, MachineHardware } from "./machine.ts";

/** File descriptor of the serial port in the child: standard streams are QMP and error text. */
export const serialDescriptor = 3;
export const firmwareCode = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd";
export const firmwareEmptyStore = "/usr/share/OVMF/OVMF_VARS_4M.fd";
// Translated code of a guest under TCG; QEMU's default of an eighth of the memory is far more than firmware and a kernel need.
const translationBufferMiB = 128;
const sectorBytesDefault = 512;

/** The command line that makes QEMU such a machine. `storePath` is the machine's own variable store (generation 2). */
export function qemuArguments(guid: string, hardware: MachineHardware, acceleration: Acceleration, storePath: string): string[] {
  const common = [
    "-nodefaults", "-no-user-config", "-name", `signet-${guid}`, "-uuid", guid, "-display", "none", "-vga", "std", "-qmp", "stdio",
    "-smp", String(hardware.cpuCount), "-m", `${Math.ceil(hardware.memoryBytes / 1_048_576)}M`,
  ];
  const serial = hardware.serialPort ? ["-chardev", `socket,id=com1,fd=${serialDescriptor},server=off`, "-serial", "chardev:com1"] : ["-serial", "none"];
  const board = hardware.generation === 2 ? generation2(acceleration, storePath) : generation1(acceleration);
  return [...common, ...board, ...serial, ...hardware.disks.flatMap(diskArguments), ...networkArguments(hardware)];
}

function generation2(acceleration: Acceleration, storePath: string): string[] {
  return [
    "-machine", "q35,smm=on,vmport=off", ...acceleratorArguments(acceleration.kvmWithSmm),
    // Only code in system management mode may write the variable store: a guest cannot switch Secure Boot off behind firmware's back.
    "-global", "driver=cfi.pflash01,property=secure,value=on", "-global", "ICH9-LPC.disable_s3=1",
    "-drive", `if=pflash,unit=0,format=raw,readonly=on,file=${quoted(firmwareCode)}`,
    "-drive", `if=pflash,unit=1,format=raw,file=${quoted(storePath)}`,
    "-device", "virtio-scsi-pci,id=scsi0", "-device", "virtio-rng-pci",
  ];
}

function generation1(acceleration: Acceleration): string[] {
  return ["-machine", "pc,vmport=off", ...acceleratorArguments(acceleration.kvm), "-device", "virtio-scsi-pci,id=scsi0"];
}

function acceleratorArguments(kvm: boolean): string[] {
  return kvm ? ["-accel", "kvm", "-cpu", "host"] : ["-accel", `tcg,thread=multi,tb-size=${translationBufferMiB}`, "-cpu", "max,la57=off"];
}

function diskArguments(disk: MachineDisk, index: number): string[] {
  const id = `disk${index}`;
  // A fixed VHD made elsewhere may carry a geometry smaller than its size; Hyper-V goes by the size.
  const format = disk.format === "vpc" ? "format=vpc,force_size_calc=current_size" : `format=${disk.format}`;
  const media = disk.media === "cdrom" ? "cd" : "hd";
  const place = disk.bus === "scsi" ? `scsi-${media},bus=scsi0.0,scsi-id=0,lun=${disk.unit}` : `ide-${media},bus=ide.${disk.unit >> 1},unit=${disk.unit & 1}`;
  const sectorBytes = disk.media === "disk" ? disk.logicalSectorBytes ?? sectorBytesDefault : sectorBytesDefault;
  const sectors = sectorBytes === sectorBytesDefault ? "" : `,logical_block_size=${sectorBytes},physical_block_size=${sectorBytes}`;
  return [
    "-drive", `if=none,id=${id},${format},${disk.media === "cdrom" ? "readonly=on," : ""}file=${quoted(disk.path)}`,
    "-device", `${place},drive=${id},bootindex=${index + 1}${sectors}`,
  ];
}

function networkArguments(hardware: MachineHardware): string[] {
  return hardware.nics.flatMap(({ macAddress, connected }, index) => {
    const mac = macAddress.replaceAll(/[^0-9A-Fa-f]/g, "").match(/../g)?.join(":") ?? "";
    // `restrict=on`: a guest of the emulator reaches nothing outside. No option ROM: nothing of QEMU's own may run in firmware.
    const device = `virtio-net-pci,netdev=net${index},romfile=,mac=${mac}`;
    return connected ? ["-netdev", `user,id=net${index},restrict=on`, "-device", device] : ["-netdev", `hubport,id=net${index},hubid=${index + 1}`, "-device", device];
  });
}

/** A comma inside a value is written twice (QEMU's option syntax). */
function quoted(value: string): string {
  return value.replaceAll(",", ",,");
}
