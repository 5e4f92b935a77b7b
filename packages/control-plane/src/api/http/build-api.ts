import { randomUUID } from "node:crypto";
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from "fastify";
import type { Registry } from "prom-client";
import { serveMetrics } from "./metrics.ts";

export interface ApiOptions {
  readonly logger?: FastifyBaseLogger;
  readonly publicUrl: string | null;
  /** What is missing before requests can be answered; null when ready. */
  readonly notReady: () => Promise<string | null>;
}

export interface Api {
  readonly app: FastifyInstance;
  readonly metrics: Registry;
}

/** A name of 255 characters, percent-encoded as UTF-8 of up to four bytes each. */
const PATH_PART_MAX = 255 * 4 * 3;

/** The HTTP server without any API: request ids, health, metrics. Each API is a plugin of its own with its own manner of errors. */
export function buildApi(options: ApiOptions): Api {
  const app = fastify({
    ...(options.logger === undefined ? {} : { loggerInstance: options.logger }),
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => `req-${randomUUID()}`,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: PATH_PART_MAX },
  }) as unknown as FastifyInstance;
  app.decorate("publicUrl", options.publicUrl?.replace(/\/+$/, "") ?? null);
  app.decorateRequest("session", null);
  app.addHook("onRequest", async (request, reply) => {
    void reply.header("X-Openstack-Request-Id", request.id);
  });
  app.addHook("onResponse", async (request, reply) => {
    // The pattern and not the path: transfer addresses carry their secret in the path.
    request.log.debug({ method: request.method, route: request.routeOptions.url, status: reply.statusCode, ms: Math.round(reply.elapsedTime), user: request.session?.userName }, "request");
  });
  const metrics = serveMetrics(app);
  app.get("/healthz", async () => ({ status: "alive" }));
  app.get("/readyz", async (_request, reply) => {
    const missing = await options.notReady();
    return missing === null ? { status: "ready" } : reply.code(503).send({ status: "not ready", missing });
  });
  return { app, metrics };
}
