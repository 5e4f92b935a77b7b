import type { FastifyInstance, FastifySchema } from "fastify";
import { Type } from "typebox";

/** The description at `/signet/v1/openapi.json`. Routes stay free of it: what each answers is told here, by its method and path. */

const Nullable = <Schema extends Type.TSchema>(schema: Schema): Type.TUnion<[Schema, Type.TNull]> => Type.Union([schema, Type.Null()]);
const Outcome = Type.Union([Type.Literal("boots"), Type.Literal("refused"), Type.Literal("unbootable"), Type.Literal("unknown")], { description: "What firmware will do: boot; refuse because of Secure Boot; find nothing to boot, whatever is trusted; or not known, with the reason" });
const Reason = Type.Object({ code: Type.String(), text: Type.String() });
const Verdict = Type.Object({ trust: Type.String(), outcome: Outcome, serviceable: Nullable(Type.Boolean()), survivesNextRevocation: Nullable(Type.Boolean()) });
const Problem = Type.Object({ error: Type.Object({ code: Type.String(), message: Type.String(), remedy: Nullable(Type.String()), evidence: Type.Record(Type.String(), Type.Unknown()) }) }, { description: "A refusal: a stable code of docs/errors.md, one sentence, and what to change" });

const Image = Type.Object({
  id: Type.String(), name: Nullable(Type.String()), status: Type.String(), sizeBytes: Nullable(Type.Integer()),
  declaredFormat: Nullable(Type.String({ description: "disk_format, as the client declared it" })),
  detectedFormat: Nullable(Type.String({ description: "What the data is; decisions use this one" })),
  secureBoot: Type.String({ description: "os_secure_boot: disabled, optional or required" }),
  signature: Nullable(Type.Object({ value: Type.String(), source: Type.Union([Type.Literal("stated"), Type.Literal("derived")]), contradiction: Nullable(Type.String()) })),
  machineType: Nullable(Type.String()), family: Nullable(Type.Union([Type.Literal("windows"), Type.Literal("linux"), Type.Literal("other")])),
  verdicts: Type.Array(Verdict), createdAt: Type.String(),
});

const Host = Type.Object({
  id: Type.String(), name: Type.String(), state: Type.String(), enabled: Type.Boolean(), reason: Nullable(Type.String()), release: Nullable(Type.String()), osVersion: Nullable(Type.String()),
  templates: Type.Array(Type.Object({ id: Type.String(), name: Type.String() })), families: Type.Array(Type.String()), cpuCount: Type.Integer(),
  memoryBytes: Type.Integer(), memoryClaimedBytes: Type.Integer(), diskBytes: Type.Integer(), diskClaimedBytes: Type.Integer(), lastSeenAt: Nullable(Type.String()),
});

const SecureBootState = { secureBootEnabled: Type.Boolean(), templateId: Nullable(Type.String()), templateName: Nullable(Type.String()), generation: Type.Integer() };

const Policy = { profile: Type.String(), asked: Type.Array(Type.Object({ source: Type.String(), name: Type.String(), value: Nullable(Type.String()) })), decision: Type.String(), rule: Type.String() };
const Prediction = Nullable(Type.Object({ trust: Type.String(), outcome: Outcome, because: Type.Array(Reason), forcedBy: Nullable(Type.String()) }));

const Server = Type.Object({
  id: Type.String(), name: Type.String(), status: Type.String(), taskState: Nullable(Type.String()), projectId: Type.String(), hostName: Nullable(Type.String()), machineGuid: Nullable(Type.String()),
  image: Type.Object({ id: Type.String(), name: Nullable(Type.String()) }), flavorName: Type.String(),
  policy: Type.Object(Policy),
  desired: Type.Object(SecureBootState),
  actual: Nullable(Type.Object({ ...SecureBootState, powerState: Type.String(), readAt: Type.String() })),
  matches: Nullable(Type.Boolean()),
  drift: Nullable(Type.Array(Type.String(), { description: "What differs, one sentence each, as of the last read-back" })),
  standing: Type.Union(["enforced", "switched-on", "refused", "drift", "off", "no-machine"].map((standing) => Type.Literal(standing)), { description: "Where the machine stands with the promise: enforced is on, read back as asked, and not refused by firmware" }),
  prediction: Prediction,
  firmware: Nullable(Type.Object({ outcome: Type.String(), line: Nullable(Type.String()), heartbeat: Nullable(Type.String()), observedAt: Type.String() })),
  fault: Nullable(Type.Object({ code: Type.String(), message: Type.String(), remedy: Nullable(Type.String()) })),
  timeline: Type.Array(Type.Object({ at: Type.String(), event: Type.String(), text: Type.String() })),
});

const Connection = Type.Object({ name: Type.String(), url: Type.String(), user: Type.String(), password: Type.String(), tlsFingerprint: Type.Optional(Nullable(Type.String())) });
const Explanation = Type.Object({
  refusal: Nullable(Type.Object({ code: Type.String(), message: Type.String(), remedy: Nullable(Type.String()) })),
  policy: Nullable(Type.Object({ ...Policy, templateId: Nullable(Type.String()), templateName: Nullable(Type.String()), generation: Type.Integer() })), prediction: Prediction, fits: Type.Boolean(),
  hosts: Type.Array(Type.Object({ name: Type.Optional(Type.String({ description: "For administrators only" })), fits: Type.Boolean(), reasons: Type.Array(Type.String()) })),
});

const answer = (schema: Type.TSchema): Readonly<Record<number, Type.TSchema>> => ({ 200: schema, 401: Problem, 403: Problem, 404: Problem });

/** Every route of the API. A test holds that none is missing. */
export const routeDescriptions: Readonly<Record<string, FastifySchema>> = {
  "GET /images": { summary: "Images with their verdicts", response: answer(Type.Object({ images: Type.Array(Image) })) },
  "GET /images/:id": { summary: "One image, by id or unique name", response: answer(Image) },
  "GET /images/:id/verdicts": { summary: "The judge's whole report on an image", response: answer(Type.Object({ imageId: Type.String(), judgedAt: Nullable(Type.String()), report: Nullable(Type.Object({}, { additionalProperties: true, description: "As signet inspect --json gives it" })) })) },
  "GET /servers": { summary: "Servers: asked, decided, desired, actual", response: answer(Type.Object({ servers: Type.Array(Server) })) },
  "GET /servers/:id": { summary: "One server, with what happened to it", response: answer(Server) },
  "GET /hosts": { summary: "Hosts, for administrators", response: answer(Type.Object({ hosts: Type.Array(Host) })) },
  "GET /hosts/:id": { summary: "One host", response: answer(Host) },
  "POST /hosts": { summary: "Add a host, or change how it is reached", body: Connection, response: { 201: Host, 400: Problem, 403: Problem } },
  "DELETE /hosts/:id": { summary: "Remove a host without servers", response: { 204: Type.Null(), 403: Problem, 404: Problem, 409: Problem } },
  "GET /explain": { summary: "What would become of a server of this image and flavor, host by host", querystring: Type.Object({ image: Type.String(), flavor: Type.String() }), response: { ...answer(Explanation), 400: Problem } },
  "GET /transfers/:token": { summary: "An image's bytes for a host; the address itself is the permission", response: { 200: Type.String({ format: "binary" }), 404: Problem } },
};

/** Registers the description in a scope before its routes. Nothing is validated or serialized by it: it tells, the routes decide. */
export async function describeRoutes(scope: FastifyInstance): Promise<void> {
  const { fastifySwagger } = await import("@fastify/swagger");
  scope.setValidatorCompiler(() => () => true);
  scope.setSerializerCompiler(() => (body) => JSON.stringify(body));
  scope.addHook("onRoute", (route) => {
    const path = route.url.slice(route.prefix.length).replace(/\/$/, "");
    const described = routeDescriptions[`${String(route.method)} ${path}`];
    if (described !== undefined) route.schema = described;
  });
  await scope.register(fastifySwagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "Signet", version: "1", description: "Verdicts, servers, hosts and explanations. OpenStack's own resources are at /identity/v3, /image/v2 and /compute/v2.1." },
      components: { securitySchemes: { token: { type: "apiKey", in: "header", name: "X-Auth-Token" } } },
      security: [{ token: [] }],
    },
    hideUntagged: false,
  });
}
