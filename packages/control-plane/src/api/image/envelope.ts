import type { FastifyReply, FastifyRequest } from "fastify";
import type { Refusal } from "../../refusal.ts";
import { titleOf, wordsOf } from "../http/error-envelope.ts";

/** Glance's manner of errors: JSON when asked for, a page for browsers and for clients that take anything, else plain text. Clients cut the sentence out of each. */
export function imageEnvelope(refusal: Refusal, request: FastifyRequest, reply: FastifyReply): unknown {
  const status = `${refusal.httpStatus} ${titleOf(refusal.httpStatus)}`;
  const words = wordsOf(refusal);
  const accept = request.headers.accept;
  if (accept === undefined || accept.trim() === "") return reply.type("text/plain; charset=UTF-8").send(`${status}\n\n${words}\n\n   `);
  if (/application\/json/.test(accept)) return reply.type("application/json").send({ message: `${words}\n\n\n`, code: status, title: titleOf(refusal.httpStatus) });
  return reply.type("text/html; charset=UTF-8").send(`<html>\n <head>\n  <title>${status}</title>\n </head>\n <body>\n  <h1>${status}</h1>\n  ${escape(words)}<br /><br />\n\n\n\n </body>\n</html>`);
}

/** Quotes stay: inside text they are harmless, and the clients do not turn entities back. */
function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
