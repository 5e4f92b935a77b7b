import type { FastifyInstance } from "fastify";
import type { ComputeService } from "../../compute/compute-service.ts";
import type { ImageFiles } from "../../images/image-files.ts";
import { Refusal } from "../../refusal.ts";
import type { Store } from "../../store/database.ts";
import { parseAnyBodyAsJson } from "../http/body-parsing.ts";
import { answerErrors } from "../http/error-envelope.ts";
import { requireToken, type SessionReader } from "../http/session.ts";
import { signetEnvelope } from "./envelope.ts";
import { registerSignetExplain } from "./explain.ts";
import { registerSignetHosts } from "./hosts.ts";
import { registerSignetImages } from "./images.ts";
import { describeRoutes } from "./openapi.ts";
import { registerSignetServers } from "./servers.ts";
import { registerTransfers } from "./transfers.ts";

export interface SignetDeps {
  readonly store: Store;
  readonly files: ImageFiles;
  readonly compute: ComputeService;
  readonly readSession: SessionReader;
}

/** Signet's own resources, below `/signet/v1`. */
export async function registerSignetApi(app: FastifyInstance, { store, files, compute, readSession }: SignetDeps): Promise<void> {
  await app.register(async (scope) => {
    parseAnyBodyAsJson(scope, (cause) => new Refusal({ code: "SIG-HTTP-JSON", httpStatus: 400, message: "The body of the request is not JSON.", cause }));
    answerErrors(scope, signetEnvelope);
    requireToken(scope, readSession, { unknownPathsToo: true });
    scope.setNotFoundHandler(() => {
      throw new Refusal({ code: "SIG-HTTP-PATH", httpStatus: 404, message: "There is nothing at this path.", remedy: "See /signet/v1/openapi.json for what there is." });
    });
    await describeRoutes(scope);
    registerSignetImages(scope, { store });
    registerTransfers(scope, { store, files });
    registerSignetServers(scope, { store });
    registerSignetHosts(scope, { store, registry: compute.registry });
    registerSignetExplain(scope, { store, servers: compute.servers, placement: compute.placement });
    scope.get("/openapi.json", { config: { openToAll: true }, schema: { hide: true } }, async () => scope.swagger());
  }, { prefix: "/signet/v1" });
}
