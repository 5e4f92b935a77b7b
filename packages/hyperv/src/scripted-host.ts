import { formatObjectPath, instanceNotFound, type MethodOutput, type SelectedInstance, type WsmanProvider, valueOf } from "@signet/wsman";
import type { CimInstance, CimParameters, CimProperty, CimReference, CimScalar, CimType, CimValue } from "@signet/wsman/cim";
import { textOf } from "@signet/wsman/cim-xml";
import { startWsmanServer, type WsmanServer } from "@signet/wsman/server";
import type { ShellPrograms } from "@signet/wsman/shell";
import { evaluateWhere, parseWql } from "@signet/wsman/wql";
import { HyperVHost } from "./connect.ts";
import { HostLink, HostSession } from "./host-session.ts";
import type { HostConnection } from "./host-types.ts";
import type { Quirks } from "./quirks.ts";
import { cimv2Namespace, classSchema, virtualizationNamespace } from "./schema/index.ts";

export type ScriptedMethod = (input: CimParameters, target: CimReference) => MethodOutput | Promise<MethodOutput>;
export type ScriptedProgram = (commandLine: string, write: (stream: "stdout" | "stderr", text: string | Uint8Array) => void, ended: Promise<void>) => Promise<number>;

/** An instance of a class of ours, for tests: values that are left out are null. */
export function instanceOf(className: string, values: Readonly<Record<string, CimValue>>): CimInstance {
  const schema = classSchema(virtualizationNamespace, className) ?? classSchema(cimv2Namespace, className);
  if (!schema) throw new Error(`no class ${className}`);
  const properties: Record<string, CimProperty> = {};
  for (const [name, member] of Object.entries(schema.properties)) properties[name] = { type: member.type as CimType, array: member.array, value: values[name] ?? null };
  return { kind: "instance", className: schema.name, properties };
}

/** A host that answers as a test says, over real WS-Management: instances to be found, methods and programs to be called. For tests of the driver. */
export class ScriptedHost implements WsmanProvider {
  readonly instances = new Map<string, CimInstance[]>();
  readonly methods = new Map<string, ScriptedMethod>();
  /** What ASSOCIATORS OF answers, by the class of the association. */
  readonly associated = new Map<string, CimInstance[]>();
  program: ScriptedProgram = async () => 9009;
  /** Called before each query and method; throws to make it fail. */
  before: (what: string) => void | Promise<void> = () => {};
  /** Queries as text, methods as `Class.Method`, in the order of their coming. */
  readonly asked: string[] = [];
  readonly commandLines: string[] = [];
  readonly #closing = new AbortController();
  #server: WsmanServer | null = null;
  #hosts: { close(): unknown }[] = [];

  static async start(build = "10.0.20348"): Promise<ScriptedHost> {
    const host = new ScriptedHost();
    host.add("Win32_OperatingSystem", { Version: build, BuildNumber: build.split(".")[2] ?? "", Caption: "Microsoft Windows Server", TotalVisibleMemorySize: 4_194_304n, FreePhysicalMemory: 1_048_576n });
    host.add("Win32_ComputerSystem", { Name: "HOST", NumberOfLogicalProcessors: 8 });
    host.add("Win32_Processor", { Name: "A processor" });
    host.add("Msvm_VirtualSystemManagementServiceSettingData", { InstanceID: "settings", DefaultVirtualHardDiskPath: "C:\\Disks" });
    host.#server = await startWsmanServer({
      provider: host, programs: host.#programs(), listen: { host: "127.0.0.1", port: 0 }, computerName: "HOST",
      authenticateBasic: (user: string, password: string) => user === "user" && password === "password",
    });
    return host;
  }

  get connection(): HostConnection {
    return { name: "hv1", url: this.#server!.url, user: "user", password: "password", tlsFingerprint: null };
  }

  connect(changes: Partial<HostConnection> = {}, quirks: Partial<Quirks> = {}): HyperVHost {
    const host = new HyperVHost({ ...this.connection, ...changes }, { quirks });
    this.#hosts.push(host);
    return host;
  }

  session(signal: AbortSignal = new AbortController().signal): HostSession {
    const link = new HostLink(this.connection);
    this.#hosts.push(link);
    return new HostSession(link, "hv1, test", signal);
  }

  add(className: string, values: Readonly<Record<string, CimValue>>): CimInstance {
    const instance = instanceOf(className, values);
    this.instances.set(className, [...this.instances.get(className) ?? [], instance]);
    return instance;
  }

  /** Replaces all instances of a class. */
  set(className: string, ...all: readonly Readonly<Record<string, CimValue>>[]): void {
    this.instances.set(className, all.map((values) => instanceOf(className, values)));
  }

  async close(): Promise<void> {
    for (const host of this.#hosts) await host.close();
    this.#closing.abort();
    await this.#server?.close();
  }

  identify(): { readonly version: string; readonly stack: string } {
    return { version: "10.0.20348", stack: "3.0" };
  }

  get(target: CimReference): Promise<CimInstance> {
    throw instanceNotFound(formatObjectPath(target));
  }

  async query(namespace: string, wql: string): Promise<readonly SelectedInstance[]> {
    this.asked.push(wql);
    await this.before(wql);
    const query = parseWql(wql);
    if (query.kind !== "select") return (this.associated.get(query.kind === "associators" ? query.assocClass ?? "" : "") ?? []).map((instance) => selected(namespace, instance));
    return (this.instances.get(query.className) ?? []).map((instance) => selected(namespace, instance))
      .filter(({ instance, reference }) => evaluateWhere(query.where, instance, { server: "HOST", namespace, reference, isA: (one, other) => one === other }));
  }

  enumerate(namespace: string, className: string): Promise<readonly SelectedInstance[]> {
    return this.query(namespace, `SELECT * FROM ${className}`);
  }

  async invoke(target: CimReference, method: string, input: CimParameters): Promise<MethodOutput> {
    const name = `${target.className}.${method}`;
    this.asked.push(name);
    await this.before(name);
    const scripted = this.methods.get(name);
    if (!scripted) throw instanceNotFound(`${name} (not in the test's script)`);
    return scripted(input, target);
  }

  #programs(): ShellPrograms {
    return {
      start: ({ commandLine }, output) => {
        this.commandLines.push(commandLine);
        const end = Promise.withResolvers<void>();
        this.#closing.signal.addEventListener("abort", () => end.resolve(), { once: true });
        const write = (stream: "stdout" | "stderr", data: string | Uint8Array): void => output.write(stream, typeof data === "string" ? Buffer.from(data) : data);
        return { exitCode: Promise.race([this.program(commandLine, write, end.promise), end.promise.then(() => 1)]), writeInput: () => {}, terminate: () => end.resolve() };
      },
    };
  }
}

function selected(namespace: string, instance: CimInstance): SelectedInstance {
  const keys: Record<string, string> = {};
  for (const key of classSchema(namespace, instance.className)?.keys ?? []) keys[key] = textOf((valueOf(instance, key) ?? "") as CimScalar);
  return { instance, reference: { kind: "reference", namespace, className: instance.className, keys } };
}

export function jobReference(id: string, className = "Msvm_ConcreteJob"): CimReference {
  return { kind: "reference", namespace: virtualizationNamespace, className, keys: { InstanceID: id } };
}
