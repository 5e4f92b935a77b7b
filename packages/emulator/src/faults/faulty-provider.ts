import { LostConnection, parseCimXml, WMI, wmiFailure, writeCimXml, type CimInstance, type CimParameters, type CimReference, type MethodOutput, type SelectedInstance, type WsmanProvider } from "@signet/wsman";
import type { Clock } from "../clock.ts";
import { returnCode } from "../host/refusal.ts";
import type { FaultRule, FaultRules } from "./fault-rules.ts";
import { withInterference } from "./job-interference.ts";

interface Call {
  readonly method: string;
  readonly className: string;
  /** All that the call names, in lower case: keys, parameters, query. */
  readonly text: string;
}

/** A provider in which things go wrong by rule: the same rules, seed and calls fail in the same way. */
export class FaultyProvider implements WsmanProvider {
  readonly #inner: WsmanProvider;
  readonly #clock: Clock;
  readonly #rules: { readonly rule: FaultRule; left: number }[];
  #random: number;

  constructor(inner: WsmanProvider, { seed, rules }: FaultRules, clock: Clock) {
    this.#inner = inner;
    this.#clock = clock;
    this.#rules = rules.map((rule) => ({ rule, left: rule.count }));
    this.#random = seed;
  }

  identify(): { readonly version: string; readonly stack: string } {
    return this.#inner.identify();
  }

  get(target: CimReference): Promise<CimInstance> {
    return this.#suffer({ method: "Get", className: target.className, text: textOf(target.keys) }, () => this.#inner.get(target));
  }

  query(namespace: string, wql: string): Promise<readonly SelectedInstance[]> {
    return this.#suffer({ method: "Query", className: classIn(wql), text: wql.toLowerCase() }, () => this.#inner.query(namespace, wql));
  }

  enumerate(namespace: string, className: string): Promise<readonly SelectedInstance[]> {
    return this.#suffer({ method: "Enumerate", className, text: "" }, () => this.#inner.enumerate(namespace, className));
  }

  invoke(target: CimReference, method: string, input: CimParameters): Promise<MethodOutput> {
    const call = { method, className: target.className, text: textOf(target.keys) + textOf(input) };
    return this.#suffer(call, (rule) => this.#inner.invoke(target, method, rule?.effect === "ignore-flag" ? withoutSecureBoot(method, input) : input));
  }

  async #suffer<T>(call: Call, work: (rule: FaultRule | null) => Promise<T>): Promise<T> {
    const rule = this.#pick(call);
    if (!rule) return work(null);
    if (rule.delayMs > 0) await new Promise<void>((resolve) => this.#clock.after(rule.delayMs, resolve));
    switch (rule.effect) {
      case "fault":
        throw wmiFailure(rule.code ?? WMI.failed, rule.message ?? "The call failed because a fault rule of this emulated host says so.");
      case "lost-request":
        throw new LostConnection();
      case "lost-reply":
        await work(rule);
        throw new LostConnection();
      case "fail-job":
      case "stuck-job":
      case "vanish-job":
        return withInterference({ effect: rule.effect, code: rule.code ?? returnCode.failed, message: rule.message ?? "The job failed because a fault rule of this emulated host says so." }, () => work(rule));
      default:
        return work(rule);
    }
  }

  /** The first rule that matches and whose turn chance says it is. */
  #pick(call: Call): FaultRule | null {
    const same = (wanted: string | null, value: string) => wanted === null || wanted.toLowerCase() === value.toLowerCase();
    for (const entry of this.#rules) {
      const { rule } = entry;
      if (entry.left <= 0 || !same(rule.method, call.method) || !same(rule.class, call.className)) continue;
      if (rule.object !== null && !call.text.includes(rule.object.toLowerCase())) continue;
      if (rule.probability < 1 && this.#nextRandom() >= rule.probability) continue;
      entry.left -= 1;
      return rule;
    }
    return null;
  }

  /** Mulberry32: small, and the same everywhere. From 0 up to, not including, 1. */
  #nextRandom(): number {
    this.#random = (this.#random + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#random ^ (this.#random >>> 15), 1 | this.#random);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

function classIn(wql: string): string {
  return /\bResultClass\s*=\s*(\w+)/i.exec(wql)?.[1] ?? /\bFROM\s+(\w+)/i.exec(wql)?.[1] ?? /\{\s*(?:[^{}"']*:)?(\w+)/.exec(wql)?.[1] ?? "";
}

function textOf(values: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(values, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value)).toLowerCase();
}

/** As if the host had not heard that Secure Boot shall be on: a new machine has it off, a present one stays as it is. */
function withoutSecureBoot(method: string, input: CimParameters): CimParameters {
  const settings = input["SystemSettings"];
  if (typeof settings !== "string") return input;
  const instance = parseCimXml(settings);
  const value = method === "DefineSystem" ? false : null;
  const properties = Object.fromEntries(Object.entries(instance.properties).map(([name, property]) => [name, name.toLowerCase() === "securebootenabled" ? { ...property, value } : property]));
  return { ...input, SystemSettings: writeCimXml({ ...instance, properties }) };
}
