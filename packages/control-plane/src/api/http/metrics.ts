import type { FastifyInstance } from "fastify";
import { collectDefaultMetrics, Histogram, Registry } from "prom-client";

/** Upper ends in seconds: a token is read in under 5 ms, an upload of a large image takes minutes. */
const BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10, 60, 600];

/** Measures every request, and answers `/metrics` in Prometheus' text format. Labels are route patterns, never paths: those hold names and tokens. */
export function serveMetrics(app: FastifyInstance): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: "signet_" });
  const duration = new Histogram({ name: "signet_http_request_duration_seconds", help: "Time from a request's head to the end of its answer", labelNames: ["method", "route", "status"], buckets: BUCKETS, registers: [registry] });
  app.addHook("onResponse", async (request, reply) => {
    duration.observe({ method: request.method, route: request.routeOptions.url ?? "unknown", status: String(reply.statusCode) }, reply.elapsedTime / 1000);
  });
  app.get("/metrics", async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()));
  return registry;
}
