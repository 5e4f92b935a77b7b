import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { classSchema, virtualizationNamespace } from "@signet/hyperv/schema";
import { readScalar, textOf, writeCimXml } from "@signet/wsman";
import type { CimInstance, CimParameters, CimProperty, CimReference, CimScalar, CimType, CimValue } from "@signet/wsman/cim";
import { WsmanClient } from "@signet/wsman/client";
import { type EmulatedHost, type EmulatedHostOptions, startEmulatedHost } from "./emulated-host.ts";

const user = "Administrator";
const password = "secret of the test";

/** An emulated host with instant machines on a folder of its own, and a client that knows it. */
export class TestHost {
  readonly folder: string;
  readonly #options: Partial<EmulatedHostOptions>;
  #host: EmulatedHost | null = null;
  #client: WsmanClient | null = null;
  readonly #bugs: unknown[] = [];

  private constructor(folder: string, options: Partial<EmulatedHostOptions>) {
    this.folder = folder;
    this.#options = options;
  }

  static async start(options: Partial<EmulatedHostOptions> = {}): Promise<TestHost> {
    const host = new TestHost(await mkdtemp(join(tmpdir(), "signet-host-")), options);
    await host.restart();
    return host;
  }

  /** Starts the host, or starts it again on what it left behind. */
  async restart(options: Partial<EmulatedHostOptions> = {}): Promise<void> {
    await this.stop();
    this.#host = await startEmulatedHost({
      name: "hv1", release: "2022", dataDir: this.folder, listen: { host: "127.0.0.1", port: 0 }, user, password, machines: "instant", clock: "auto",
      onBug: (error) => this.#bugs.push(error), ...this.#options, ...options,
    });
    this.#client = new WsmanClient({ url: this.#host.url, user, password });
  }

  get host(): EmulatedHost {
    if (!this.#host) throw new Error("The host is not started.");
    return this.#host;
  }

  get client(): WsmanClient {
    if (!this.#client) throw new Error("The host is not started.");
    return this.#client;
  }

  query(wql: string, namespace: string = virtualizationNamespace): Promise<readonly CimInstance[]> {
    return this.client.query(namespace, wql);
  }

  /** The one instance that a query selects. */
  async one(wql: string, namespace?: string): Promise<CimInstance> {
    const found = await this.query(wql, namespace);
    if (found.length !== 1 || !found[0]) throw new Error(`${found.length} instances instead of one: ${wql}`);
    return found[0];
  }

  invoke(className: string, method: string, parameters: CimParameters, keys: Readonly<Record<string, string>> = { CreationClassName: className }) {
    return this.client.invoke({ kind: "reference", namespace: virtualizationNamespace, className, keys }, method, parameters);
  }

  /** Calls a method of the machine management service and waits for its job; the answer's code is the job's error code. */
  async perform(method: string, parameters: CimParameters, className = "Msvm_VirtualSystemManagementService"): Promise<Outcome> {
    return this.finish(await this.invoke(className, method, parameters));
  }

  async finish(output: Readonly<Record<string, CimValue>> & { readonly ReturnValue: number }): Promise<Outcome> {
    const job = output["Job"] as CimReference | null;
    if (output.ReturnValue !== 4096 || !job) return { code: output.ReturnValue, output, job: null, error: "" };
    for (;;) {
      const found = await this.client.get(job);
      const state = Number(valueText(found, "JobState"));
      if (state >= 7) return { code: state === 7 ? 0 : Number(valueText(found, "ErrorCode")) || state, output, job: found, error: valueText(found, "ErrorDescription") ?? "" };
      await pause(5);
    }
  }

  /** Defines a machine and answers with its GUID. */
  async define(settings: Readonly<Record<string, CimProperty>>, resources: readonly string[] = []): Promise<string> {
    const outcome = await this.perform("DefineSystem", { SystemSettings: settingsText(settings), ...(resources.length > 0 ? { ResourceSettings: resources } : {}) });
    if (outcome.code !== 0) throw new Error(`DefineSystem ended with ${outcome.code}: ${outcome.error}`);
    return (outcome.output["ResultingSystem"] as CimReference).keys["Name"] ?? "";
  }

  async requestState(guid: string, state: number): Promise<Outcome> {
    return this.finish(await this.invoke("Msvm_ComputerSystem", "RequestStateChange", { RequestedState: state }, { CreationClassName: "Msvm_ComputerSystem", Name: guid }));
  }

  async stateOf(guid: string): Promise<number> {
    return Number(valueText(await this.one(`SELECT * FROM Msvm_ComputerSystem WHERE Name = '${guid}'`), "EnabledState"));
  }

  async stop(): Promise<void> {
    this.#client?.close();
    await this.#host?.close();
    this.#host = null;
    this.#client = null;
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
    if (this.#bugs.length > 0) throw new AggregateError(this.#bugs, `The host met ${this.#bugs.length} bugs of its own: ${String(this.#bugs[0])}`);
  }
}

export interface Outcome {
  /** 0, or the code that the method returned or its job ended with. */
  readonly code: number;
  readonly output: Readonly<Record<string, CimValue>>;
  readonly job: CimInstance | null;
  readonly error: string;
}

export const text = (value: string): CimProperty => ({ type: "string", array: false, value });
export const texts = (...value: string[]): CimProperty => ({ type: "string", array: true, value });
export const flag = (value: boolean): CimProperty => ({ type: "boolean", array: false, value });
export const uint16 = (value: number): CimProperty => ({ type: "uint16", array: false, value });
export const uint64 = (value: number): CimProperty => ({ type: "uint64", array: false, value });
export const generation2: Readonly<Record<string, CimProperty>> = { VirtualSystemSubType: text("Microsoft:Hyper-V:SubType:2") };

export function settingsText(properties: Readonly<Record<string, CimProperty>>, className = "Msvm_VirtualSystemSettingData"): string {
  return writeCimXml({ kind: "instance", className, properties });
}

/**
 * An instance as clients send it that know no other way: all properties that its class has, nulls and read-only ones included, with
 * some in the place of others.
 */
export function wholeInstance(instance: CimInstance, changes: Readonly<Record<string, CimProperty>> = {}): string {
  const schema = classSchema(virtualizationNamespace, instance.className);
  const properties = Object.entries(schema?.properties ?? {}).map(([name, member]): [string, CimProperty] => {
    const value = instance.properties[name]?.value ?? null;
    const typed = (item: CimScalar) => (typeof item === "object" ? item : readScalar(item as string, member.type as CimType, name)) as CimScalar;
    const items = value === null ? [] : (Array.isArray(value) ? value as readonly CimScalar[] : [value as CimScalar]).map(typed);
    return [name, { type: member.type as CimType, array: member.array, value: value === null ? null : member.array ? items : items[0] ?? null }];
  });
  return writeCimXml({ kind: "instance", className: instance.className, properties: { ...Object.fromEntries(properties), ...changes } });
}

/** A property as text; null where it is nil or absent. */
export function valueText(instance: CimInstance, name: string): string | null {
  const value = instance.properties[name]?.value ?? null;
  return value === null ? null : Array.isArray(value) ? (value as readonly CimScalar[]).map((item) => textOf(item)).join(",") : textOf(value as CimScalar);
}

export function settingsOf(guid: string): CimReference {
  return { kind: "reference", namespace: virtualizationNamespace, className: "Msvm_VirtualSystemSettingData", keys: { InstanceID: `Microsoft:${guid}` } };
}

export function machineOf(guid: string): CimReference {
  return { kind: "reference", namespace: virtualizationNamespace, className: "Msvm_ComputerSystem", keys: { CreationClassName: "Msvm_ComputerSystem", Name: guid } };
}

/** The path of settings, as it stands in Parent. */
export function pathOf(className: string, instanceId: string): string {
  return `\\\\HV1\\root\\virtualization\\v2:${className}.InstanceID="${instanceId.replaceAll("\\", "\\\\")}"`;
}
