import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Refusal } from "../../refusal.ts";

/** Fewer and larger reads: half the time of Node's default of 64 KiB. */
const READ_BYTES = 1024 ** 2;

interface ByteRange {
  readonly start: number;
  /** The last byte, inclusive. */
  readonly end: number;
}

/** Answers with a file, or the one range of it that was asked for (RFC 9110, section 14). The file may be deleted meanwhile: it is open already. */
export async function sendFile(request: FastifyRequest, reply: FastifyReply, file: { readonly path: string; readonly sizeBytes: number }): Promise<unknown> {
  const range = readRange(request.headers.range, file.sizeBytes, reply);
  const length = range === null ? file.sizeBytes : range.end - range.start + 1;
  void reply.header("Content-Length", length).header("Accept-Ranges", "bytes").type("application/octet-stream");
  if (range !== null) void reply.code(206).header("Content-Range", `bytes ${range.start}-${range.end}/${file.sizeBytes}`);
  if (length === 0) return reply.send("");
  const handle = await open(file.path, "r");
  return reply.send(createReadStream(file.path, { fd: handle, start: range?.start ?? 0, end: (range?.start ?? 0) + length - 1, highWaterMark: READ_BYTES }));
}

/** Null for the whole file: without the header, and with one that is not a range of bytes, which RFC 9110 tells us to ignore. */
function readRange(header: string | undefined, sizeBytes: number, reply: FastifyReply): ByteRange | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? "");
  if (match === null || (match[1] === "" && match[2] === "")) {
    if (/^bytes=.*,/.test(header ?? "")) throw notSatisfiable(header!, sizeBytes, reply);
    return null;
  }
  const [first, last] = [match[1]!, match[2]!];
  const start = first === "" ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === "" || last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (start >= sizeBytes || start > end) throw notSatisfiable(header!, sizeBytes, reply);
  return { start, end };
}

function notSatisfiable(header: string, sizeBytes: number, reply: FastifyReply): Refusal {
  void reply.header("Content-Range", `bytes */${sizeBytes}`);
  return new Refusal({ code: "SIG-HTTP-RANGE", httpStatus: 416, message: `The range "${header}" cannot be served: the data has ${sizeBytes} bytes, and one range at a time is answered.` });
}
