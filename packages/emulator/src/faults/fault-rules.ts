import { readFile } from "node:fs/promises";

/**
 * What shall go wrong on an emulated host, as its `--faults` file says: `{"seed": 1, "rules": [{…}]}`. A rule applies to the calls
 * that match all of its conditions, with its probability, at most `count` times.
 */
export interface FaultRule {
  /** A method's name, or "Get", "Query", "Enumerate". */
  readonly method: string | null;
  /** The class that is called or asked for. */
  readonly class: string | null;
  /** A text that occurs in what is addressed: in keys, in parameters, in the query. */
  readonly object: string | null;
  readonly probability: number;
  readonly count: number;
  readonly delayMs: number;
  readonly effect: FaultEffect;
  /** WBEM status of a fault, or ErrorCode of a failed job. */
  readonly code: number | null;
  readonly message: string | null;
}

/**
 * `fault`: a SOAP fault. `lost-request`: the connection breaks before anything is done; `lost-reply`: after all was done.
 * `fail-job`: the job fails and does nothing; `stuck-job`: it stays running for ever; `vanish-job`: all is done, but the job is not
 * found. `ignore-flag`: Secure Boot that is asked for is silently left off. `none`: nothing but the delay.
 */
export const faultEffects = ["none", "fault", "lost-request", "lost-reply", "fail-job", "stuck-job", "vanish-job", "ignore-flag"] as const;
export type FaultEffect = (typeof faultEffects)[number];

export interface FaultRules {
  readonly seed: number;
  readonly rules: readonly FaultRule[];
}

export class FaultRulesError extends Error {
  override readonly name = "FaultRulesError";
}

/** @throws FaultRulesError that names the key and the value; the file system's error when the file cannot be read */
export async function readFaultRules(path: string): Promise<FaultRules> {
  const text = await readFile(path, "utf8");
  try {
    return parseFaultRules(text);
  } catch (error) {
    if (error instanceof FaultRulesError) throw new FaultRulesError(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** @throws FaultRulesError */
export function parseFaultRules(text: string): FaultRules {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch (cause) {
    throw new FaultRulesError(`The file is not JSON: ${(cause as Error).message}`, { cause });
  }
  const top = objectAt(file, "The file", ["seed", "rules"]);
  if (!Array.isArray(top["rules"])) throw new FaultRulesError(`rules is ${shown(top["rules"])}; it must be a list of rules.`);
  return { seed: numberAt(top, "", "seed", 0, 2 ** 32 - 1, 1), rules: top["rules"].map((rule, index) => readRule(rule, `rules[${index}]`)) };
}

const ruleKeys = ["method", "class", "object", "probability", "count", "delayMs", "effect", "code", "message"];
// Longer than any client waits for an answer.
const delayMsMax = 600_000;

function readRule(value: unknown, where: string): FaultRule {
  const rule = objectAt(value, where, ruleKeys);
  const effect = textAt(rule, where, "effect") ?? "none";
  if (!faultEffects.includes(effect as FaultEffect)) throw new FaultRulesError(`${where}.effect is "${effect}"; it is one of ${faultEffects.join(", ")}.`);
  const delayMs = numberAt(rule, where, "delayMs", 0, delayMsMax, 0);
  if (effect === "none" && delayMs === 0) throw new FaultRulesError(`${where} has neither an effect nor a delayMs, and would change nothing.`);
  return {
    method: textAt(rule, where, "method"), class: textAt(rule, where, "class"), object: textAt(rule, where, "object"), delayMs, effect: effect as FaultEffect,
    probability: numberAt(rule, where, "probability", 0, 1, 1, false), count: numberAt(rule, where, "count", 1, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    code: rule["code"] === undefined ? null : numberAt(rule, where, "code", 1, 2 ** 32 - 1, 1), message: textAt(rule, where, "message"),
  };
}

function objectAt(value: unknown, where: string, known: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new FaultRulesError(`${where} is ${shown(value)}; it must be an object.`);
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new FaultRulesError(`${where} has the unknown key "${unknown}"; the keys are ${known.join(", ")}.`);
  return value as Readonly<Record<string, unknown>>;
}

function textAt(rule: Readonly<Record<string, unknown>>, where: string, key: string): string | null {
  const value = rule[key];
  if (value === undefined) return null;
  if (typeof value !== "string" || value === "") throw new FaultRulesError(`${where}.${key} is ${shown(value)}; it must be a text.`);
  return value;
}

function numberAt(rule: Readonly<Record<string, unknown>>, where: string, key: string, low: number, high: number, absent: number, whole = true): number {
  const value = rule[key];
  if (value === undefined) return absent;
  if (typeof value !== "number" || !(value >= low && value <= high) || (whole && !Number.isInteger(value))) throw new FaultRulesError(`${where === "" ? "" : `${where}.`}${key} is ${shown(value)}; it must be a ${whole ? "whole " : ""}number from ${low} to ${high}.`);
  return value;
}

function shown(value: unknown): string {
  return value === undefined ? "missing" : JSON.stringify(value).slice(0, 60);
}
