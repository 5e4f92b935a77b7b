import type { FastifyInstance } from "fastify";
import { imageSchemas } from "./schemas.ts";

/** What the service can do: schemas, stores, ways to import (none: data is uploaded), limits (none), metadata definitions (none). */
export function registerInfoRoutes(scope: FastifyInstance): void {
  for (const [path, schema] of Object.entries(imageSchemas)) scope.get(`/v2/schemas/${path}`, async () => schema);
  scope.get("/v2/info/import", async () => ({ "import-methods": { description: "Import methods available.", type: "array", value: [] } }));
  scope.get("/v2/info/stores", async () => ({ stores: [{ id: "file", default: "true" }] }));
  scope.get("/v2/info/usage", async () => ({ usage: {} }));
  scope.get("/v2/tasks", async () => ({ tasks: [], first: "/v2/tasks", schema: "/v2/schemas/tasks" }));
  scope.get("/v2/metadefs/namespaces", async () => ({ namespaces: [], first: "/v2/metadefs/namespaces", schema: "/v2/schemas/metadefs/namespaces" }));
  scope.get("/v2/metadefs/resource_types", async () => ({ resource_types: [] }));
}
