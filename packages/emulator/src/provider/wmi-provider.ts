import { classNotFound, formatObjectPath, instanceNotFound, invalidSelectors, type MethodOutput, type SelectedInstance, type WsmanProvider } from "@signet/wsman";
import type { CimInstance, CimParameters, CimReference } from "@signet/wsman/cim";
import type { Host } from "../host/host.ts";
import { invokeMethod, isComplete } from "./invoke-method.ts";
import { checkNamespace, enumerateClass, findObject, runQuery } from "./run-query.ts";
import { wmiClass } from "./wmi-class.ts";
import { toInstance } from "./wmi-object.ts";

/** The host as Windows Management Instrumentation shows it: namespaces `root/virtualization/v2` and `root/cimv2`. */
export class WmiProvider implements WsmanProvider {
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  identify(): { readonly version: string; readonly stack: string } {
    return { version: this.#host.release.version, stack: "3.0" };
  }

  async get(target: CimReference): Promise<CimInstance> {
    checkNamespace(target.namespace);
    const found = wmiClass(target.namespace, target.className, this.#host.release.name);
    if (!found) throw classNotFound(target.className);
    const keys = Object.keys(target.keys);
    if (keys.length === 0) throw invalidSelectors(`Get needs the selectors ${found.keys.join(", ")}.`);
    const surplus = keys.find((key) => !found.keys.some((name) => name.toLowerCase() === key.toLowerCase()));
    if (surplus !== undefined) throw invalidSelectors(`${surplus} is no key of ${found.name}.`);
    const object = isComplete(found, keys) ? await findObject(this.#host, target) : null;
    if (!object) throw instanceNotFound(formatObjectPath(target));
    return toInstance(object);
  }

  query(namespace: string, wql: string): Promise<readonly SelectedInstance[]> {
    return runQuery(this.#host, namespace, wql);
  }

  enumerate(namespace: string, className: string): Promise<readonly SelectedInstance[]> {
    return enumerateClass(this.#host, namespace, className);
  }

  invoke(target: CimReference, method: string, input: CimParameters): Promise<MethodOutput> {
    return invokeMethod(this.#host, target, method, input);
  }
}
