import type { FastifyInstance } from "fastify";
import type { IncomingMessage } from "node:http";
import { Refusal } from "../../refusal.ts";

/** JSON bodies of the APIs are small; the largest legitimate one is user data of a server (64 KiB, base64). */
export const JSON_BODY_MAX = 2 * 1024 ** 2;

/**
 * Reads bodies as JSON whatever their media type says: clients send `application/octet-stream` with GET and DELETE, and wrong types
 * with JSON (reference: trap 18). An empty body is `undefined`. What is not JSON is refused with the given words.
 */
export function parseAnyBodyAsJson(scope: FastifyInstance, complain: (cause: unknown) => Refusal): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser("*", async (_request: unknown, payload: IncomingMessage) => parseJson(await readText(payload), complain));
}

export function parseJson(text: string, complain: (cause: unknown) => Refusal): unknown {
  if (text.trim() === "") return undefined;
  try {
    // A key named __proto__ would reach into objects that the value is merged with.
    return JSON.parse(text, (key, value: unknown) => (key === "__proto__" ? undefined : value));
  } catch (error) {
    throw complain(error);
  }
}

export async function readText(payload: IncomingMessage, sizeMax: number = JSON_BODY_MAX): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of payload as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > sizeMax) throw new Refusal({ code: "SIG-HTTP-BODY-SIZE", httpStatus: 413, message: `The body of the request is larger than ${sizeMax} bytes, the most that is read.`, remedy: "Send less." });
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
