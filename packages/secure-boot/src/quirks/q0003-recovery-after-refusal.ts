import type { Quirk } from "./quirk.ts";

export const q0003: Quirk<boolean | "uncertain"> = {
  id: "q0003",
  title: "After a boot option failed, the boot files of the disk's other file systems are tried too.",
  values: { "hyper-v": "uncertain", "edk2-2022.11": true, "edk2-2026.08": true },
  evidence: "OVMF has platform recovery (BdsEntry.c), measured with a refused loader on the first of two partitions. Hyper-V's firmware has it switched off and tries other file systems only where the host gave no boot order (DeviceBootManagerLib.c).",
};
