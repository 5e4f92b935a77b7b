import { virtualizationNamespace } from "@signet/hyperv/schema";
import type { CimReference } from "@signet/wsman/cim";
import type { Host } from "../host/host.ts";
import type { Values } from "../host/machine-record.ts";
import type { VirtualMachine } from "../host/virtual-machine.ts";
import { guidIn, type Narrowing } from "./narrowing.ts";
import { wmiClass } from "./wmi-class.ts";
import type { WmiObject } from "./wmi-object.ts";

/** Where the instances of a class come from. What the narrowing excludes may be left out; anything more is filtered later. */
export type ClassSource = (host: Host, narrowing: Narrowing) => Iterable<Values> | Promise<Iterable<Values>>;
export type ClassSources = Readonly<Record<string, ClassSource>>;

export interface AssociationSource {
  readonly className: string;
  /** The properties that hold the two ends. */
  readonly roles: readonly [string, string];
  /** Links that touch `of`, and perhaps others; all links for null. */
  links(host: Host, of: CimReference | null): Iterable<Link>;
}

export interface Link {
  readonly ends: readonly [WmiObject, WmiObject];
  /** Properties beside the two ends. */
  readonly values?: Values;
}

export function wmiObject(host: Host, className: string, values: Values, namespace: string = virtualizationNamespace): WmiObject {
  const found = wmiClass(namespace, className, host.release.name);
  if (!found) throw new Error(`${className} is not among the classes of ${host.release.name}.`);
  return { class: found, values };
}

/** The machines that a GUID leaves over: the one that has it, or has a checkpoint with it; all where it is no machine's. */
export function machinesNamed(host: Host, guid: string | null): Iterable<VirtualMachine> {
  const machine = guid === null ? undefined : host.machineOf(guid);
  return machine ? [machine] : host.machines;
}

export function machinesOf(host: Host, of: CimReference | null): Iterable<VirtualMachine> {
  return machinesNamed(host, of === null ? null : guidIn(of));
}
