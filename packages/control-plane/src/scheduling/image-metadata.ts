import { parseVersionPredicate, type VersionPredicate } from "./version-predicate.ts";

/** The part of an image's properties that places it, in Nova's canonical names. Null where the image says nothing. */
export interface PlacementMetadata {
  readonly architecture: string | null;
  readonly hypervisorType: string | null;
  readonly vmMode: string | null;
  readonly versionRequires: VersionPredicate | null;
}

// The words and the aliases are those of Nova's fields Architecture, HVType and VMMode (nova/objects/fields.py, 26.2.2).
const architectures = new Set(
  ("alpha armv6 armv7l armv7b aarch64 cris i686 ia64 lm32 loongarch64 m68k microblaze microblazeel mips mipsel mips64 mips64el openrisc parisc parisc64 "
    + "ppc ppcle ppc64 ppc64le ppcemb s390 s390x sh4 sh4eb sparc sparc64 unicore32 x86_64 xtensa xtensaeb").split(" "),
);
const architectureAliases: Readonly<Record<string, string>> = { amd64: "x86_64", i386: "i686", i486: "i686", i586: "i686" };
const hypervisorTypes = new Set("baremetal bhyve docker fake hyperv ironic kvm lxc lxd openvz parallels phyp prsm qemu test uml vbox vmware vz xen zvm".split(" "));
const hypervisorAliases: Readonly<Record<string, string>> = { xapi: "xen", powervm: "phyp" };
const vmModes = new Set(["hvm", "xen", "uml", "exe"]);
const vmModeAliases: Readonly<Record<string, string>> = { pv: "xen", hv: "hvm", baremetal: "hvm" };

/** Values outside Nova's lists, as its sentence says it; the compute API answers 400 with it. */
export class InvalidImageMetadata extends Error {
  override readonly name = "InvalidImageMetadata";
}

/** Reads the four properties that ImagePropertiesFilter matches. Throws `InvalidImageMetadata`. */
export function readPlacementMetadata(properties: Readonly<Record<string, string>>): PlacementMetadata {
  const requires = properties["hypervisor_version_requires"];
  const versionRequires = requires === undefined ? null : parseVersionPredicate(requires);
  if (requires !== undefined && versionRequires === null) {
    throw new InvalidImageMetadata(`Version ${requires} is not a valid predicate in field img_hv_requested_version`);
  }
  return {
    architecture: canonical(properties["architecture"], architectures, architectureAliases, (value) => `Architecture name '${value}' is not valid`),
    hypervisorType: canonical(properties["hypervisor_type"], hypervisorTypes, hypervisorAliases, (value) => `Hypervisor virt type '${value}' is not valid`),
    vmMode: canonical(properties["vm_mode"], vmModes, vmModeAliases, (value) => `Virtual machine mode '${value}' is not valid`),
    versionRequires,
  };
}

function canonical(value: string | undefined, known: ReadonlySet<string>, aliases: Readonly<Record<string, string>>, complain: (value: string) => string): string | null {
  if (value === undefined) return null;
  const lower = value.toLowerCase();
  const name = aliases[lower] ?? lower;
  if (!known.has(name)) throw new InvalidImageMetadata(complain(value));
  return name;
}
