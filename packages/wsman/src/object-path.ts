import type { CimReference } from "./cim.ts";

/**
 * Object path text ↔ reference: `\\HOST\root\virtualization\v2:Class.Key="value",Other="value"` (DSP0004 8.2, as WMI writes it).
 * Reading is tolerant as real hosts and clients need it: the host and the namespace may be missing, slashes may lean either way,
 * quotes may be single, and a backslash that escapes nothing stands for itself (boot source paths are written undoubled).
 */
export class ObjectPathError extends Error {
  override readonly name = "ObjectPathError";
}

// InstanceIDs of the deepest devices are some 200 characters long; no path comes near this.
export const objectPathCharactersMax = 16_384;

export interface ParsedObjectPath {
  readonly server: string | null;
  /** `namespace` is "" when the text has none; a key without name is stored under "". */
  readonly reference: CimReference;
}

export function formatObjectPath(reference: CimReference, server?: string): string {
  const keys = Object.entries(reference.keys)
    .map(([name, value]) => `${name}="${value.replace(/[\\"]/g, "\\$&")}"`)
    .join(",");
  const namespace = reference.namespace.replaceAll("/", "\\");
  const prefix = server === undefined ? namespace : `\\\\${server}\\${namespace}`;
  return `${prefix === "" ? "" : `${prefix}:`}${reference.className}${keys === "" ? "" : `.${keys}`}`;
}

/** @throws ObjectPathError */
export function parseObjectPath(text: string): CimReference {
  return splitObjectPath(text).reference;
}

/** @throws ObjectPathError */
export function splitObjectPath(text: string): ParsedObjectPath {
  if (text.length > objectPathCharactersMax) throw new ObjectPathError(`The object path has ${text.length} characters; at most ${objectPathCharactersMax} are read.`);
  const head = /^\s*(?:[\\/]{2}([^\\/:]+)[\\/])?(?:([A-Za-z_][\w\\/ -]*):)?\s*([A-Za-z_]\w*)\s*/.exec(text);
  if (!head) throw new ObjectPathError(`"${shortened(text)}" is not an object path. Write it as \\\\HOST\\namespace:Class.Key="value".`);
  const reference: CimReference = {
    kind: "reference",
    namespace: (head[2] ?? "").replaceAll("\\", "/").replace(/\/+/g, "/").replace(/^\/|\/$/g, ""),
    className: head[3] ?? "",
    keys: readKeys(text, head[0].length),
  };
  return { server: head[1] ?? null, reference };
}

function readKeys(text: string, start: number): Record<string, string> {
  // Collected in a list, so that a key may have any name, `__proto__` too.
  const keys: [string, string][] = [];
  let at = start;
  if (at >= text.length || /^=\s*@\s*$/.test(text.slice(at))) return {};
  if (text[at] === ".") at += 1;
  else if (text[at] !== "=") throw new ObjectPathError(`"${shortened(text)}" goes on after the class name without "." or "=".`);
  for (;;) {
    const name = /^\s*([A-Za-z_]\w*)?\s*=\s*/.exec(text.slice(at));
    if (!name) throw new ObjectPathError(`"${shortened(text)}" has no key name at character ${at + 1}.`);
    at += name[0].length;
    const value = readKeyValue(text, at);
    keys.push([name[1] ?? "", value.value]);
    at = value.end;
    const rest = /^\s*(,?)/.exec(text.slice(at));
    at += rest?.[0].length ?? 0;
    if (at >= text.length && rest?.[1] !== ",") return Object.fromEntries(keys);
    if (rest?.[1] !== ",") throw new ObjectPathError(`"${shortened(text)}" has text after the key at character ${at + 1}.`);
  }
}

function readKeyValue(text: string, start: number): { value: string; end: number } {
  const quote = text[start];
  if (quote !== '"' && quote !== "'") {
    const bare = /^[^,\s"']+/.exec(text.slice(start));
    if (!bare) throw new ObjectPathError(`"${shortened(text)}" has a key without value.`);
    return { value: bare[0], end: start + bare[0].length };
  }
  let value = "";
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at];
    const next = text[at + 1];
    if (character === "\\" && (next === "\\" || next === quote)) {
      value += next;
      at += 1;
    } else if (character === quote) {
      return { value, end: at + 1 };
    } else {
      value += character;
    }
  }
  throw new ObjectPathError(`"${shortened(text)}" has a key value that is not closed.`);
}

function shortened(text: string): string {
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

/** Whether two references mean the same instance. Names and values are compared without case; an empty namespace matches any. */
export function sameReference(left: CimReference, right: CimReference): boolean {
  if (left.namespace !== "" && right.namespace !== "" && left.namespace.toLowerCase() !== right.namespace.toLowerCase()) return false;
  if (left.className.toLowerCase() !== right.className.toLowerCase()) return false;
  const mine = Object.entries(left.keys);
  const other = new Map(Object.entries(right.keys).map(([name, value]) => [name.toLowerCase(), value.toLowerCase()]));
  return mine.length === other.size && mine.every(([name, value]) => other.get(name.toLowerCase()) === value.toLowerCase());
}
