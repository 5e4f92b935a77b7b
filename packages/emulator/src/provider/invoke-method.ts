import { actionNotSupported, classNotFound, instanceNotFound, invalidMethodParameters, invalidSelectors, formatObjectPath, WMI, wmiFailure, type MethodOutput } from "@signet/wsman";
import type { CimParameters, CimReference, CimValue } from "@signet/wsman/cim";
import type { Host } from "../host/host.ts";
import { methodHandlers } from "../services/index.ts";
import { Refusal, returnCode } from "../host/refusal.ts";
import { machineServiceClass, switchServiceClass } from "./classes/services.ts";
import { readInput, type MethodCall } from "./method-call.ts";
import { checkNamespace, findObject } from "./run-query.ts";
import { isA, wmiClass, type WmiClass } from "./wmi-class.ts";
import type { WmiObject } from "./wmi-object.ts";

/** What a method does. It answers with its out parameters; those that it leaves out are null. */
export type MethodHandler = (call: MethodCall) => Promise<Partial<MethodOutput> & { readonly ReturnValue: number }>;

/** @throws WsmanFault when the class, the instance or the method does not exist, or a parameter cannot be read */
export async function invokeMethod(host: Host, target: CimReference, method: string, parameters: CimParameters): Promise<MethodOutput> {
  checkNamespace(target.namespace);
  const found = wmiClass(target.namespace, target.className, host.release.name);
  if (!found) throw classNotFound(target.className);
  const signature = Object.hasOwn(found.methods, method) ? found.methods[method] : undefined;
  if (!signature) throw actionNotSupported(`${target.className}/${method}`);
  const object = await addressed(host, found, target, method);
  const handler = methodHandlers[`${found.name}.${method}`];
  const input = readInput(method, signature, parameters);
  const output = handler ? await refusable(() => handler({ host, target: object, input })) : { ReturnValue: returnCode.notSupported };
  const values: Record<string, CimValue> = {};
  for (const name of Object.keys(signature.out)) values[name] = output[name] ?? null;
  return { ...values, ReturnValue: output.ReturnValue };
}

const staticMethods: ReadonlySet<string> = new Set(["Win32_Process.Create"]);

/** The instance that the selectors name. Services need no more than their class; without any selector real hosts answer as below. */
async function addressed(host: Host, found: WmiClass, target: CimReference, method: string): Promise<WmiObject> {
  if (staticMethods.has(`${found.name}.${method}`)) return { class: found, values: {} };
  const keys = Object.keys(target.keys);
  if (keys.length === 0) {
    if (found.name === machineServiceClass) throw invalidMethodParameters(`${method} needs the selector CreationClassName.`);
    if (found.name === switchServiceClass) throw wmiFailure(WMI.invalidMethodParameters, `${method} needs the selector CreationClassName.`);
    throw invalidSelectors(`${method} needs the selectors ${found.keys.join(", ")}.`);
  }
  const surplus = keys.find((key) => !found.keys.some((name) => name.toLowerCase() === key.toLowerCase()));
  if (surplus !== undefined) throw invalidSelectors(`${surplus} is no key of ${found.name}.`);
  const object = isComplete(found, keys) ? await findObject(host, target) : null;
  if (!object) throw instanceNotFound(formatObjectPath(target));
  return object;
}

/** A service is named by its class alone; everything else by all of its keys. */
export function isComplete(found: WmiClass, keys: readonly string[]): boolean {
  const given = new Set(keys.map((key) => key.toLowerCase()));
  return isA(found, "CIM_Service") ? given.has("creationclassname") : found.keys.every((key) => given.has(key.toLowerCase()));
}

/** A refusal that nobody turned into a job is a return value. */
async function refusable<T extends { readonly ReturnValue: number }>(work: () => Promise<T>): Promise<T | { readonly ReturnValue: number; readonly [name: string]: CimValue }> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal) return { ReturnValue: error.code };
    throw error;
  }
}

