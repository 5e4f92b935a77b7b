import type { PatchStep } from "../../images/change-image.ts";
import { invalidImage } from "../../images/refusals.ts";

/** Both media types that Glance takes for PATCH, the newer first in use. */
export const PATCH_TYPES = ["application/openstack-images-v2.0-json-patch", "application/openstack-images-v2.1-json-patch"] as const;

const OPERATIONS = ["add", "remove", "replace"] as const;
type Operation = (typeof OPERATIONS)[number];

/** Reads a patch: v2.1 is RFC 6902's form, v2.0 names the path by the operation. Throws a `Refusal` in Glance's words. */
export function readPatch(body: unknown, mediaType: string): readonly PatchStep[] {
  if (!Array.isArray(body)) throw invalidImage("Request body must be a JSON array of operation objects.");
  return (body as unknown[]).map((item) => {
    if (typeof item !== "object" || item === null || Array.isArray(item)) throw invalidImage("Operations must be JSON objects.");
    return mediaType.includes("v2.0") ? readOldStep(item as Record<string, unknown>) : readStep(item as Record<string, unknown>);
  });
}

function readStep(item: Record<string, unknown>): PatchStep {
  if (item["op"] === undefined) throw invalidImage("Unable to find 'op' in JSON Schema change. It must be one of the following: add, remove, replace.");
  return build(readOperation(item["op"]), item["path"], item);
}

function readOldStep(item: Record<string, unknown>): PatchStep {
  const operation = OPERATIONS.find((name) => item[name] !== undefined);
  if (operation === undefined) throw invalidImage("Operation objects must contain exactly one member named \"add\", \"remove\", or \"replace\".");
  return build(operation, item[operation], item);
}

function readOperation(op: unknown): Operation {
  const operation = OPERATIONS.find((name) => name === op);
  if (operation === undefined) throw invalidImage(`Invalid operation: \`${String(op)}\`. It must be one of the following: ${OPERATIONS.join(", ")}.`);
  return operation;
}

function build(op: Operation, path: unknown, item: Record<string, unknown>): PatchStep {
  const name = readPointer(path);
  if (op === "remove") return { op, name };
  if (!("value" in item)) throw invalidImage(`Operation "${op}" requires a member named "value".`);
  return { op, name, value: item["value"] };
}

/** A JSON pointer (RFC 6901) of one step: everything that clients may change lies at the top. */
function readPointer(path: unknown): string {
  if (typeof path !== "string") throw invalidImage("Operation objects must contain a path.");
  if (!path.startsWith("/")) throw invalidImage(`Pointer \`${path}\` does not start with "/".`);
  if (/\/.*\//.test(path) || /~(?![01])/.test(path)) throw invalidImage(`Invalid JSON pointer for this resource: '${path}'`);
  return path.slice(1).replaceAll("~1", "/").replaceAll("~0", "~");
}
