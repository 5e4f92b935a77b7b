import { dateFromDateTime, isInterval, textOf, valueOf } from "@signet/wsman";
import type { CimInstance, CimReference, CimScalar, CimValue } from "@signet/wsman/cim";

/**
 * Values of what a host answers. On the wire they have no types: a scalar is text, an array of one looks like a scalar, and an empty
 * array is absent; the reader knows what it wants.
 */
export function readText(instance: CimInstance, name: string): string {
  return readTexts(instance, name)[0] ?? "";
}

export function readTexts(instance: CimInstance, name: string): readonly string[] {
  return listOf(valueOf(instance, name)).map(textOf);
}

/** `absent` when the property is missing, null or not a number. */
export function readNumber(instance: CimInstance, name: string, absent = 0): number {
  const text = readText(instance, name).trim();
  const value = Number(text);
  return text === "" || !Number.isFinite(value) ? absent : value;
}

export function readBoolean(instance: CimInstance, name: string): boolean {
  return readText(instance, name).trim().toLowerCase() === "true";
}

/** Null for an absent property and for an interval. */
export function readTime(instance: CimInstance, name: string): Date | null {
  const value = listOf(valueOf(instance, name))[0];
  return typeof value === "object" && value.kind === "datetime" && !isInterval(value) ? dateFromDateTime(value) : null;
}

/** References among the values of an out parameter, whether there is none, one or several. */
export function referencesIn(value: CimValue | undefined): readonly CimReference[] {
  return listOf(value ?? null).filter((item): item is CimReference => typeof item === "object" && item.kind === "reference");
}

export function listOf(value: CimValue): readonly CimScalar[] {
  if (value === null) return [];
  return isList(value) ? value : [value];
}

function isList(value: CimValue): value is readonly CimScalar[] {
  return Array.isArray(value);
}
