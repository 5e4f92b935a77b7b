import { describeRelease, type Filter } from "./host-state.ts";
import { readPlacementMetadata } from "./image-metadata.ts";
import { hypervisorVersionOf, satisfies } from "./version-predicate.ts";

/** What a Hyper-V host advertises: architecture, hypervisor type, mode (Nova's `supported_instances`). */
const supportedInstances: readonly (readonly [string, string, string])[] = [["i686", "hyperv", "hvm"], ["x86_64", "hyperv", "hvm"]];

export interface ImagePropertiesOptions {
  /**
   * Counts as the image's architecture when it names none (Nova's `image_properties_default_architecture`). Null leaves Nova's
   * rule as it is: an image that sets none of the three is never asked for its version (docs/decisions/default-architecture.md).
   */
  readonly defaultArchitecture: string | null;
}

/** Nova's ImagePropertiesFilter with its exact rules (nova/scheduler/filters/image_props_filter.py, 26.2.2), and a reason. */
export function imagePropertiesFilter(options: ImagePropertiesOptions): Filter {
  return (host, request) => {
    const metadata = readPlacementMetadata(request.imageProperties);
    const wanted = [metadata.architecture ?? options.defaultArchitecture, metadata.hypervisorType, metadata.vmMode].filter((value) => value !== null);
    if (wanted.length === 0) return null;
    // Membership in the triple, not position: that is how Nova compares.
    const fits = supportedInstances.some((triple) => wanted.every((value) => triple.includes(value)));
    if (!fits) return { filter: "ImagePropertiesFilter", text: `runs hyperv machines (x86_64 or i686, hvm), and the image asks for ${wanted.join(", ")}` };
    const version = hypervisorVersionOf(host.facts?.osVersion ?? "");
    // A host that says nothing of its version passes, as in Nova.
    if (metadata.versionRequires === null || version === 0 || satisfies(metadata.versionRequires, version)) return null;
    return { filter: "ImagePropertiesFilter", text: `is ${describeRelease(host.facts!)}: the image requires ${metadata.versionRequires.text}` };
  };
}
