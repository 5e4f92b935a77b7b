import type { FastifyReply, FastifyRequest } from "fastify";
import type { Refusal } from "../../refusal.ts";
import { titleOf, wordsOf } from "../http/error-envelope.ts";

/** Keystone's manner of errors: always JSON, except where its web framework answers before it (unknown path: HTML, wrong method: a bare message). */
export function identityEnvelope(refusal: Refusal, _request: FastifyRequest, reply: FastifyReply): unknown {
  return reply.header("Vary", "X-Auth-Token").send({ error: { code: refusal.httpStatus, message: wordsOf(refusal), title: titleOf(refusal.httpStatus) } });
}

export const UNKNOWN_PATH_PAGE = `<!doctype html>
<html lang=en>
<title>404 Not Found</title>
<h1>Not Found</h1>
<p>The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.</p>
`;

export const WRONG_METHOD = { message: "The method is not allowed for the requested URL." } as const;
