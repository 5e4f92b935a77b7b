import type { Reason } from "../report.ts";

/** What a person can do about a reason. `{file}` stands for the path of the stage that failed. */
const remedies: Readonly<Record<string, readonly string[]>> = {
  "SB-UNSIGNED": ["Put a signed loader at \\EFI\\BOOT\\BOOTX64.EFI, on Debian shimx64.efi.signed of the package shim-signed.", "Or turn Secure Boot off for this image (os_secure_boot=disabled)."],
  "SB-NOT-IN-DB": ["Replace {file} by one that is signed under an authority of this trust, or choose a trust that knows its signer."],
  "SB-CHANGED": ["Copy {file} again from its package or installation medium: the signature is right only for the original."],
  "SB-NO-USABLE-SIGNATURE": ["Sign {file} with SHA-256 and RSA, or take the vendor's signed file."],
  "SB-TABLE-MALFORMED": ["Take the vendor's original of {file}: a tool wrote its table of signatures wrongly."],
  "SB-NO-SIGNER": ["Sign {file} again with a tool that includes the signer's certificate, or take the vendor's original."],
  "SB-HEADER": ["Copy {file} again from its package: its headers are damaged."],
  "SB-REVOKED-HASH": ["Update {file} to a release that is not revoked."],
  "SB-REVOKED-CERTIFICATE": ["Replace {file} by one that is signed only under authorities that are not revoked."],
  "SB-REVOKED-SIGNER": ["Replace {file} by one that is signed with a certificate that is not revoked."],
  "SB-SBAT-SELF": ["Update shim in the image: this release is revoked on the machine (SBAT)."],
  "SB-SBAT-REVOKED": ["Update {file} in the image: this release is revoked by shim's SBAT level."],
  "SB-SBAT-MISSING": ["Take a release of {file} that has an SBAT table: all of the last years have one."],
  "SB-SBAT-MALFORMED": ["Take the vendor's original of {file}."],
  "SB-SHIM-HEADER": ["Take the vendor's original of {file}."],
  "SB-SHIM-TABLE": ["Take the vendor's original of {file}."],
  "SB-SHIM-TRAILING-BYTES": ["Take the vendor's original of {file}: something was appended to it."],
  "SB-SHIM-DIGEST": ["Sign {file} with a SHA-256 digest."],
  "SB-NOT-TRUSTED-BY-SHIM": ["Use shim and {file} of one distribution: shim trusts its own vendor's signature."],
  "SB-TEMPLATE-UNPUBLISHED": ["Judge the image against a template whose contents are published, or against a trust file."],
  "SB-LIST-ENDLESS": ["Write the variable anew from whole signature lists: no tool of a firmware's maker writes such a list."],
  "BP-NO-FILE-SYSTEM": ["Install the guest for UEFI, with a FAT partition that holds \\EFI\\BOOT\\BOOTX64.EFI."],
  "BP-NO-LOADER": ["Copy the guest's loader to \\EFI\\BOOT\\BOOTX64.EFI on its EFI system partition, on Debian: grub-install --target=x86_64-efi --force-extra-removable"],
  "BP-NOT-AN-APPLICATION": ["Put the guest's EFI loader at \\EFI\\BOOT\\BOOTX64.EFI: what lies there is something else."],
  "BP-GENERATION-1": ["Boot it as a Generation 1 machine (remove hw_machine_type=hyperv-gen2 and os_secure_boot), or install the guest for UEFI."],
  "BP-NOT-LOADABLE": ["Put a loader for 64-bit x86 UEFI in its place."],
  "BP-SECOND-MISSING": ["Copy the distribution's signed GRUB to the path beside shim, on Debian grubx64.efi.signed of the package grub-efi-amd64-signed."],
  "BP-FALLBACK-LOOP": ["Remove \\EFI\\BOOT\\fbx64.efi, or add the distribution's folder with its BOOTX64.CSV."],
  "DI-PARENT-MISSING": ["Hand the parent over as well (signet inspect --parent FILE), or merge the two disks."],
  "DI-PARENT-OTHER": ["Hand over the parent that the disk was made from, unchanged."],
  "DI-PARENT-CYCLE": ["Hand every parent over once, nearest first."],
  "DI-TWO-FORMATS": ["Write the image anew in one format: qemu-img convert -f FORMAT -O vhdx IN OUT.vhdx"],
  "DI-QCOW2-FEATURE": ["Convert it with the program that wrote it: qemu-img convert -O vhdx IN OUT.vhdx"],
  "DI-QCOW2-EXTERNAL-DATA": ["Bring the data into one file: qemu-img convert -O vhdx IN OUT.vhdx"],
  "DI-VMDK-EXTENTS": ["Bring the data into one file: qemu-img convert -O vhdx IN OUT.vhdx"],
  "DI-COMPRESSED-METHOD": ["Decompress the image first."],
  "DI-COMPRESSED-WINDOW": ["Decompress the image first."],
  "DI-COMPRESSED-BUDGET": ["Decompress the image first."],
  "DI-COMPRESSED-NESTED": ["Decompress the image once."],
  "DI-FORMAT-UNREADABLE": ["Convert the image: qemu-img convert -O vhdx -o subformat=dynamic IN OUT.vhdx"],
};

export function remediesFor(because: readonly Reason[], file: string): readonly Reason[] {
  return because.flatMap(({ code }) => (remedies[code] ?? []).map((text) => ({ code, text: text.replaceAll("{file}", file) })));
}

/** The remedy of another template under which the image boots. */
export function templateRemedy(name: string): Reason {
  return { code: "SB-CHOOSE-TEMPLATE", text: `Choose the template ${name} (image property os_secure_boot_signature=${name}).` };
}
