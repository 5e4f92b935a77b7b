import type { FastifyInstance } from "fastify";

/** An answer of the dashboard, which the control plane serves and does not know. */
export interface PageAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The page's answer to a path; null when it has nothing there. */
export type PageResponder = (path: string) => Promise<PageAnswer | null>;

/** Everything that no API claims belongs to the page. */
export function servePage(app: FastifyInstance, respond: PageResponder | undefined): void {
  app.setNotFoundHandler(async (request, reply) => {
    const page = respond === undefined || (request.method !== "GET" && request.method !== "HEAD") ? null : await respond(request.url);
    if (page === null) return reply.code(404).send({ error: { code: "SIG-HTTP-PATH", message: `There is nothing at ${request.url.split("?")[0]}.`, remedy: "The APIs are at /identity/v3, /image/v2, /compute/v2.1 and /signet/v1." } });
    return reply.code(page.status).headers(page.headers).send(request.method === "HEAD" ? "" : page.body);
  });
}
