import type { FastifyInstance } from "fastify";
import type { UploadParts } from "../../images/upload-image.ts";
import { Refusal } from "../../refusal.ts";
import { collectMethods } from "../http/allowed-methods.ts";
import { answerErrors } from "../http/error-envelope.ts";
import { requireToken, type SessionReader } from "../http/session.ts";
import { registerDataRoutes } from "./data.ts";
import { imageEnvelope } from "./envelope.ts";
import { registerImageRoutes } from "./images.ts";
import { registerInfoRoutes } from "./info.ts";
import { registerMemberAndTagRoutes } from "./members-and-tags.ts";
import { answerUnknownVersion, registerImageVersions } from "./versions.ts";

export interface ImageDeps extends UploadParts {
  readonly readSession: SessionReader;
}

/** The image API, version 2, below `/image`. */
export async function registerImageApi(app: FastifyInstance, deps: ImageDeps): Promise<void> {
  await app.register(async (scope) => {
    // Bodies stay unread: each route knows whether it wants JSON or a stream, and clients send any type with requests that have no body.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", async () => undefined);
    answerErrors(scope, imageEnvelope);
    requireToken(scope, deps.readSession, { unknownPathsToo: false });
    const allowedMethods = collectMethods(scope);
    scope.setNotFoundHandler(async (request, reply) => {
      if (!/^\/image\/v2(\/|\?|$)/.test(request.url)) return answerUnknownVersion(request, reply);
      const allowed = allowedMethods(request);
      if (allowed.length > 0) {
        void reply.header("Allow", allowed.join(", "));
        throw new Refusal({ code: "SIG-HTTP-METHOD", httpStatus: 405, message: "The method specified is not allowed for this resource." });
      }
      throw new Refusal({ code: "SIG-HTTP-PATH", httpStatus: 404, message: "The resource could not be found." });
    });
    registerImageVersions(scope);
    // Neither is a version document: they want a token, and then there is nothing.
    scope.get("/v2", async () => {
      throw new Refusal({ code: "SIG-HTTP-PATH", httpStatus: 404, message: "The resource could not be found." });
    });
    registerImageRoutes(scope, deps);
    registerDataRoutes(scope, deps);
    registerMemberAndTagRoutes(scope, deps);
    registerInfoRoutes(scope);
  }, { prefix: "/image" });
}
