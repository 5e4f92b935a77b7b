import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { interpretConsole } from "./console.ts";

const clear = "\x1b[2J\x1b[01;01H\x1b[=3h\x1b[2J\x1b[01;01H";
const disk = '"UEFI QEMU QEMU HARDDISK " from PciRoot(0x0)/Pci(0x2,0x0)/Scsi(0x0,0x0)';
const shell = '"EFI Internal Shell" from Fv(7CB8BDC9-F8EB-4F34-AAEA-3EE4AF6516A1)/FvFile(7C04A583-9E3E-4F1C-AD65-E05268D0B4D1)';
// What EDK2 of November 2022 (OVMF 2022.11) says after every list of boot options: its own shell may not run under Secure Boot.
const ending = [
  `BdsDxe: loading Boot0002 ${shell}`, `BdsDxe: starting Boot0002 ${shell}`, `BdsDxe: failed to start Boot0002 ${shell}: Security Violation`,
  "BdsDxe: No bootable option or device was found.", "BdsDxe: Press any key to enter the Boot Manager Menu.", "",
].join("\r\n");
const loading = `BdsDxe: loading Boot0001 ${disk}\r\n`;
const starting = `BdsDxe: starting Boot0001 ${disk}\r\n`;
const denied = `BdsDxe: failed to load Boot0001 ${disk}: Access Denied\r\n`;

function read(text: string): string {
  const { outcome, line } = interpretConsole(text);
  return line === null ? outcome : `${outcome}: ${line}`;
}

describe("firmware's word on the console", () => {
  test("a changed shim is refused, although firmware then starts its own shell and finds nothing", () => {
    assert.equal(read(clear + loading + denied + ending), `refused: BdsDxe: failed to load Boot0001 ${disk}: Access Denied`);
  });

  test("a loader that was started is accepted", () => {
    assert.equal(read(clear + loading + starting), `accepted: BdsDxe: starting Boot0001 ${disk}`);
  });

  test("an empty disk is nothing to boot, not a refusal of firmware's own shell", () => {
    assert.equal(read(`${clear}BdsDxe: failed to load Boot0001 ${disk}: Not Found\r\n${ending}`), "nothing-to-boot: BdsDxe: No bootable option or device was found.");
  });

  test("a shim without a second loader is nothing to boot", () => {
    const text = "Failed to open \\EFI\\BOOT\\grubx64.efi - Not Found\r\nFailed to load image \\EFI\\BOOT\\grubx64.efi: Not Found\r\nstart_image() returned Not Found\r\n";
    assert.equal(read(`${loading}${starting}${text}BdsDxe: failed to start Boot0001 ${disk}: Not Found\r\n${ending}`), "nothing-to-boot: BdsDxe: No bootable option or device was found.");
  });

  test("shim's refusal of the second loader is read out of the box it draws", () => {
    const box = "\x1b[0m\x1b[37m\x1b[44m\x1b[12;01H\uFFFD            ERROR              \uFFFD\x1b[13;01H\uFFFD     Verification failed: (0x1A) Security Violation     \uFFFD\x1b[14;49H\uFFFD OK \uFFFD";
    assert.equal(read(loading + starting + box), "refused: Verification failed: (0x1A) Security Violation");
  });

  test("shim's refusal without a box, followed by firmware's", () => {
    assert.equal(read(`${loading}${starting}Verification failed: (0x1A) Security Violation\r\nBdsDxe: failed to start Boot0001 ${disk}: Security Violation\r\n${ending}`), `refused: BdsDxe: failed to start Boot0001 ${disk}: Security Violation`);
  });

  test("a revoked shim says so itself", () => {
    assert.equal(read(`${starting}SBAT self-check failed: Security Policy Violation\r\nSomething has gone seriously wrong: SBAT self-check failed: Security Policy Violation\r\n`),
      "refused: Something has gone seriously wrong: SBAT self-check failed: Security Policy Violation");
  });

  test("GRUB's refusal of the kernel, as GRUB 2.06 of Debian prints it", () => {
    const grub = "\x1b[0m\x1b[30m\x1b[47mWelcome to GRUB!\r\n\r\x1b[0m\x1b[37m\x1b[40merror: bad shim signature.\r\nerror: you need to load the kernel first.\r\n\x1b[2J\x1b[01;01HGNU GRUB  version 2.06-13+deb12u2\r\n\rgrub> ";
    assert.equal(read(loading + starting + grub), "refused: error: bad shim signature.");
  });

  test("GRUB's refusal of the kernel, as later versions print it", () => {
    assert.equal(read(`${starting}error: ../../grub-core/kern/efi/sb.c:182:bad shim signature.\r\nerror: ../../grub-core/loader/i386/efi/linux.c:258:you need to load the kernel first.\r\n`), "refused: error: ../../grub-core/kern/efi/sb.c:182:bad shim signature.");
    assert.equal(read(`${starting}error: /vmlinuz-6.1.0 has invalid signature.\r\n`), "refused: error: /vmlinuz-6.1.0 has invalid signature.");
    assert.equal(read(`${starting}error: prohibited by secure boot policy.\r\n`), "refused: error: prohibited by secure boot policy.");
  });

  test("a kernel that is missing is not a refusal", () => {
    assert.equal(read(`${starting}error: file \`/vmlinuz' not found.\r\nerror: you need to load the kernel first.\r\n`), "nothing-to-boot: error: you need to load the kernel first.");
  });

  for (const line of [
    "The unsigned image's hash is not allowed (DB)", "The signed image's hash is not allowed (DB)", "The image's hash and certificate are not allowed (DB).",
    "The image's hash was denied (DBX).", "The image's certificate was denied (DBX).", "Image execution was denied by Secure Boot policy.", "Image verification failed.",
  ]) {
    test(`Hyper-V's summary: ${line}`, () => {
      const summary = `Virtual Machine Boot Summary\r\n\r\n 1. SCSI Disk   (0,0)\r\n        ${line}\r\n 2. Network Adapter (00155d010203)\r\n        A boot image was not found.\r\n\r\nNo operating system was loaded. Your virtual machine may be configured incorrectly.\r\n`;
      assert.equal(read(summary), `refused: ${line}`);
    });
  }

  test("Hyper-V's summary without anything to boot", () => {
    const summary = "Virtual Machine Boot Summary\r\n\r\n 1. SCSI Disk   (0,0)\r\n        No UEFI-compatible file system was found.\r\n 2. Network Adapter (00155d010203)\r\n        DHCP failed.\r\nNo operating system was loaded. Press a key to retry the boot sequence...\r\n";
    assert.equal(read(summary), "nothing-to-boot: No operating system was loaded. Press a key to retry the boot sequence...");
  });

  test("Windows Server 2012 R2's firmware", () => {
    assert.equal(read("Boot Failed. EFI SCSI Device. Failed Secure Boot Verification.\r\nPXE Network Boot using IPv4\r\n......\r\nPXE-E18: Server response timeout.\r\nBoot Failed. EFI Network.\r\nNo Operating System was Loaded.\r\nPress a key to retry\r\n"),
      "refused: Boot Failed. EFI SCSI Device. Failed Secure Boot Verification.");
  });

  test("what is still being printed is not taken for more than it says", () => {
    assert.equal(read(`${loading}BdsDxe: failed to load Boot0001 ${disk}: `), "undecided");
    assert.equal(read(`${loading}BdsDxe: failed to load Boot0001 ${disk}: Access`), "undecided");
    assert.equal(read('BdsDxe: starting Boot0002 "EFI Internal'), "undecided");
    assert.equal(read("BdsDxe: star"), "undecided");
    assert.equal(read(""), "undecided");
  });

  test("characters that were lost on the way make neither a start nor a refusal", () => {
    // As seen on a starved computer: firmware gave up on the rest of a line, and on the whole of the next.
    const cut = `${loading}${denied}BdsDxe: loading Boot0002 ${shell}\r\nBdsDxe: starting Boot0002 "EFI InterBBdsDxe: No bootable option or device was found.\r\n`;
    assert.match(read(cut), /^refused: .*Access Denied$/);
    assert.match(read(cut.replace(denied, "")), /^nothing-to-boot/);
    assert.equal(read('BdsDxe: failed to start Boot0002 "EFI Intern: Security Violation\r\n'), "undecided");
    assert.equal(read('BdsDxe: starting Boot0002 "EFI Internal Shell" from F\r\n'), "undecided");
  });

  test("the last boot counts: a restart after a repair is accepted, and one into a bad loader refused", () => {
    assert.match(read(loading + denied + ending + clear + loading + starting), /^accepted/);
    assert.match(read(loading + starting + clear + loading + denied), /^refused/);
    assert.match(read(loading + denied + ending + clear + `BdsDxe: failed to load Boot0001 ${disk}: Not Found\r\n` + ending), /^nothing-to-boot/);
  });

  test("another entry that is started after a refusal is what happened last", () => {
    assert.equal(read(`${loading}${denied}BdsDxe: loading Boot0003 "UEFI HTTPv4" from PciRoot(0x0)/Pci(0x3,0x0)/MAC(00155D010203,0x0)\r\nBdsDxe: starting Boot0003 "UEFI HTTPv4" from PciRoot(0x0)/Pci(0x3,0x0)/MAC(00155D010203,0x0)\r\n`).slice(0, 36), 'accepted: BdsDxe: starting Boot0003 ');
  });

  test("a running guest cannot make firmware say something", () => {
    const guest = "[    0.000000] Linux version 6.1.0\r\n[    5.1] x\r\nVerification failed: (0x1A) Security Violation\r\nerror: bad shim signature.\r\nNo operating system was loaded.\r\n";
    assert.match(read(loading + starting + guest), /^accepted/);
    assert.match(read(loading + starting + guest + clear + loading + denied), /^refused/);
  });

  test("escape sequences of every kind are taken out, and so are colours inside a line", () => {
    assert.equal(read("\x1b]0;title\x07\x1b[?25lBdsDxe: failed to load \x1b[1mBoot0001\x1b[0m \"x\" from Scsi(0x0,0x0): Access Denied\r\n".replace("\x1b]0;title\x07", "")), 'refused: BdsDxe: failed to load Boot0001 "x" from Scsi(0x0,0x0): Access Denied');
  });

  test("a long text is read in a moment", () => {
    const text = `${loading}${starting}${"\x1b[0m[    1.000000] something happened\r\n".repeat(20_000)}`;
    const before = performance.now();
    assert.match(read(text), /^accepted/);
    assert.ok(performance.now() - before < 1000);
  });
});
