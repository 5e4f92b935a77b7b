import type { FastifyInstance } from "fastify";
import { type Servers } from "../../compute/servers.ts";
import { Refusal } from "../../refusal.ts";
import { readHostStates } from "../../scheduling/claims.ts";
import type { ImagePropertiesOptions } from "../../scheduling/image-properties-filter.ts";
import { selectHosts } from "../../scheduling/select-hosts.ts";
import type { ComputeStore } from "../../store/tables/compute.ts";
import { callerOf } from "../http/session.ts";
import type { SignetExplanation } from "./shapes.ts";

/** `/signet/v1/explain?image=&flavor=`: what would become of a server, before it is asked for. Hosts are named to administrators only. */
export function registerSignetExplain(scope: FastifyInstance, { store, servers, placement }: { readonly store: ComputeStore; readonly servers: Servers; readonly placement: ImagePropertiesOptions }): void {
  scope.get<{ Querystring: { image?: string; flavor?: string } }>("/explain", async (request): Promise<SignetExplanation> => {
    const caller = callerOf(request);
    const { image: imageId, flavor: flavorId } = request.query;
    if (!imageId || !flavorId) throw new Refusal({ code: "SIG-EXPLAIN-QUERY", httpStatus: 400, message: "Nothing is named to explain.", remedy: "Ask with ?image=<id>&flavor=<id>." });
    try {
      const { image, plan } = await servers.plan({ imageId, flavorId, force: false }, { ...caller, requestId: request.id });
      const { fitting, rejected } = selectHosts(await readHostStates(store), { imageProperties: image.properties, needs: plan.needs, generation: plan.generation, secureBoot: plan.secureBoot }, placement);
      const hosts = [...fitting.map(({ name }) => ({ name, fits: true, reasons: [] })), ...rejected.map(({ host, reasons }) => ({ name: host.name, fits: false, reasons: reasons.map(({ text }) => text) }))];
      const { template, ...policy } = plan.policy;
      return { refusal: null, policy: { ...policy, templateId: template?.id ?? null, templateName: template?.name ?? null }, prediction: plan.prediction, fits: fitting.length > 0, hosts: caller.isAdmin ? hosts : hosts.map(({ fits, reasons }) => ({ fits, reasons })) };
    } catch (error) {
      if (!(error instanceof Refusal) || error.httpStatus !== 400) throw error;
      return { refusal: { code: error.code, message: error.message, remedy: error.remedy }, policy: null, prediction: null, fits: false, hosts: [] };
    }
  });
}
