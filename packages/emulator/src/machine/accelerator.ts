import { spawn } from "node:child_process";

/** What this computer's QEMU can do. OVMF with Secure Boot needs system management mode; KVM may lack it where it is nested. */
export interface Acceleration {
  readonly kvm: boolean;
  readonly kvmWithSmm: boolean;
}

export const qemuProgram = "qemu-system-x86_64";
// QEMU answers within a tenth of a second; one that hangs is not one to rely on.
const probeTimeoutMs = 10_000;

let probed: Promise<Acceleration> | undefined;

/** Asks QEMU itself, once a process. */
export function probeAcceleration(): Promise<Acceleration> {
  probed ??= probe();
  return probed;
}

async function probe(): Promise<Acceleration> {
  const kvmWithSmm = await canRun("q35,smm=on,accel=kvm");
  return { kvmWithSmm, kvm: kvmWithSmm || await canRun("q35,smm=off,accel=kvm") };
}

/** Whether QEMU can set such a machine up, with the processor that ours have: it refuses at start what its accelerator lacks. The machine never runs. */
function canRun(machine: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(qemuProgram, ["-nodefaults", "-S", "-machine", machine, "-cpu", "host", "-m", "64", "-display", "none", "-qmp", "stdio"], { stdio: ["pipe", "ignore", "ignore"] });
    const timer = setTimeout(() => child.kill("SIGKILL"), probeTimeoutMs);
    const settle = (usable: boolean) => {
      clearTimeout(timer);
      resolve(usable);
    };
    child.on("error", () => settle(false));
    child.on("exit", (code) => settle(code === 0));
    child.stdin.on("error", () => { /* QEMU refused and is gone; its exit code says so. */ });
    child.stdin.end('{"execute":"qmp_capabilities"}\n{"execute":"quit"}\n');
  });
}
