import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ComputeStore } from "../../store/tables/compute.ts";
import { requesterOf } from "./compute-caller.ts";
import type { ComputeParts } from "./compute-parts.ts";

/** Nova's word for no limit: capacity of the hosts is what limits here. */
const UNLIMITED = -1;

export function serveLimits(scope: FastifyInstance, { store }: ComputeParts): void {
  scope.get("/limits", async (request) => {
    const used = await usageOf(store, projectOf(request));
    const version = request.microversion;
    return {
      limits: {
        rate: [],
        absolute: {
          maxTotalInstances: UNLIMITED, maxTotalCores: UNLIMITED, maxTotalRAMSize: UNLIMITED, maxServerMeta: 128, maxTotalKeypairs: UNLIMITED, maxServerGroups: 0, maxServerGroupMembers: 0,
          totalInstancesUsed: used.servers, totalCoresUsed: used.vcpus, totalRAMUsed: used.memoryMib, totalServerGroupsUsed: 0,
          ...(version < 57 ? { maxImageMeta: 128, maxPersonality: 0, maxPersonalitySize: 0 } : {}),
          ...(version < 36 ? { maxTotalFloatingIps: 0, maxSecurityGroups: 0, maxSecurityGroupRules: 0, totalFloatingIpsUsed: 0, totalSecurityGroupsUsed: 0 } : {}),
        },
      },
    };
  });
  for (const path of ["/os-quota-sets/:project", "/os-quota-sets/:project/defaults"]) {
    scope.get<{ Params: { project: string } }>(path, async (request) => {
      requesterOf(request);
      return { quota_set: { id: request.params.project, ...quotas(request) } };
    });
  }
  scope.get<{ Params: { project: string } }>("/os-quota-sets/:project/detail", async (request) => {
    const used = await usageOf(store, visibleProject(request, request.params.project));
    const inUse: Readonly<Record<string, number>> = { instances: used.servers, cores: used.vcpus, ram: used.memoryMib };
    return { quota_set: { id: request.params.project, ...Object.fromEntries(Object.entries(quotas(request)).map(([name, limit]) => [name, { limit, in_use: inUse[name] ?? 0, reserved: 0 }])) } };
  });
  scope.get<{ Params: { name: string } }>("/os-quota-class-sets/:name", async (request) => {
    requesterOf(request);
    return { quota_class_set: { id: request.params.name, ...quotas(request) } };
  });
  scope.get("/extensions", async (request) => {
    requesterOf(request);
    return { extensions: [] };
  });
}

function quotas(request: FastifyRequest): Readonly<Record<string, number>> {
  const version = request.microversion;
  return {
    instances: UNLIMITED, cores: UNLIMITED, ram: UNLIMITED, key_pairs: UNLIMITED, metadata_items: 128, server_groups: 0, server_group_members: 0,
    ...(version < 57 ? { injected_files: 0, injected_file_content_bytes: 0, injected_file_path_bytes: 0 } : {}),
    ...(version < 36 ? { fixed_ips: UNLIMITED, floating_ips: 0, security_groups: 0, security_group_rules: 0 } : {}),
  };
}

function projectOf(request: FastifyRequest): string {
  return visibleProject(request, (request.query as { tenant_id?: string }).tenant_id ?? requesterOf(request).projectId);
}

/** Another project's figures are for administrators; others are shown their own. */
function visibleProject(request: FastifyRequest, projectId: string): string {
  const who = requesterOf(request);
  return who.isAdmin ? projectId : who.projectId;
}

async function usageOf(store: ComputeStore, projectId: string): Promise<{ servers: number; vcpus: number; memoryMib: number }> {
  const flavors = await store.selectFrom("servers").select("flavor").where("project_id", "=", projectId).where("deleted_at", "is", null).execute();
  return {
    servers: flavors.length, vcpus: flavors.reduce((sum, { flavor }) => sum + flavor.vcpus, 0), memoryMib: flavors.reduce((sum, { flavor }) => sum + flavor.memoryMib, 0),
  };
}
