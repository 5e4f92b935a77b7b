import { createHash } from "node:crypto";
import type { FastifyRequest } from "fastify";
import type { Server } from "../../compute/servers.ts";
import { briefFault } from "../../compute/server-writes.ts";
import { requesterOf } from "./compute-caller.ts";
import { bookmarkOf, linksOf } from "./links.ts";

/** Nova's word for a server's state (nova/api/openstack/common.py). */
export function statusOf({ vm_state: vmState, task_state: taskState }: Pick<Server, "vm_state" | "task_state">): string {
  if (vmState === "active" && taskState === "rebooting") return "REBOOT";
  if (taskState === "rebooting_hard" && vmState !== "building") return "HARD_REBOOT";
  return { building: "BUILD", active: "ACTIVE", stopped: "SHUTOFF", error: "ERROR", deleted: "DELETED" }[vmState];
}

export function viewServerBriefly(request: FastifyRequest, server: Server): object {
  return { id: server.id, name: server.name, links: linksOf(request, "servers", server.id) };
}

/** A server as microversion and caller see it. */
export function viewServer(request: FastifyRequest, server: Server, kind: "show" | "list"): object {
  const { microversion: version } = request;
  const { isAdmin } = requesterOf(request);
  const status = statusOf(server);
  return {
    id: server.id, name: server.name, status, tenant_id: server.project_id, user_id: server.user_id, metadata: server.metadata, hostId: hostIdOf(server),
    image: { id: server.image_id, links: [bookmarkOf(request, "images", server.image_id)] }, flavor: viewFlavorOf(request, server),
    created: seconds(server.created_at), updated: seconds(server.updated_at), addresses: {}, accessIPv4: "", accessIPv6: "", links: linksOf(request, "servers", server.id), "OS-DCF:diskConfig": "MANUAL",
    ...(["ACTIVE", "BUILD", "REBOOT", "HARD_REBOOT"].includes(status) ? { progress: 0 } : {}),
    ...(server.fault !== null && (status === "ERROR" || status === "DELETED") ? { fault: { code: server.fault.httpStatus, created: seconds(new Date(server.fault.at)), message: briefFault(server.fault) } } : {}),
    "OS-EXT-AZ:availability_zone": server.host_name === null ? "" : "nova", config_drive: server.config_drive ? "True" : "", key_name: server.key_name,
    "OS-SRV-USG:launched_at": microseconds(server.launched_at), "OS-SRV-USG:terminated_at": microseconds(server.deleted_at),
    "OS-EXT-STS:task_state": server.task_state, "OS-EXT-STS:vm_state": server.vm_state, "OS-EXT-STS:power_state": server.power_state, "os-extended-volumes:volumes_attached": [],
    ...(isAdmin ? viewHostOf(server, version) : {}),
    ...(version >= 9 ? { locked: false } : {}), ...(version >= 19 ? { description: server.description } : {}), ...(version >= 26 ? { tags: [] } : {}),
    ...(version >= 63 ? { trusted_image_certificates: null } : {}), ...(version >= 71 && kind === "show" ? { server_groups: [] } : {}), ...(version >= 73 ? { locked_reason: null } : {}),
    ...(version >= 90 ? { "OS-EXT-SRV-ATTR:hostname": hostnameOf(server.name) } : {}),
  };
}

function viewFlavorOf(request: FastifyRequest, { flavor }: Server): object {
  if (request.microversion < 47) return { id: flavor.id, links: [bookmarkOf(request, "flavors", flavor.id)] };
  return { vcpus: flavor.vcpus, ram: flavor.memoryMib, disk: flavor.diskGib, ephemeral: flavor.ephemeralGib, swap: flavor.swapMib, original_name: flavor.name, extra_specs: flavor.extraSpecs };
}

function viewHostOf(server: Server, version: number): object {
  return {
    "OS-EXT-SRV-ATTR:host": server.host_name, "OS-EXT-SRV-ATTR:instance_name": `instance-${server.number.toString(16).padStart(8, "0")}`, "OS-EXT-SRV-ATTR:hypervisor_hostname": server.host_name,
    ...(version >= 3 ? {
      "OS-EXT-SRV-ATTR:reservation_id": server.reservation_id, "OS-EXT-SRV-ATTR:launch_index": server.launch_index, "OS-EXT-SRV-ATTR:hostname": hostnameOf(server.name), "OS-EXT-SRV-ATTR:kernel_id": "",
      "OS-EXT-SRV-ATTR:ramdisk_id": "", "OS-EXT-SRV-ATTR:root_device_name": "/dev/sda", "OS-EXT-SRV-ATTR:user_data": server.user_data,
    } : {}),
    ...(version >= 16 ? { host_status: server.host_name === null ? "" : "UP" } : {}),
  };
}

/** The same for all servers of a project on one host, and for nobody else: tells tenants who shares a host without naming it. */
function hostIdOf({ project_id: projectId, host_name: hostName }: Server): string {
  return hostName === null ? "" : createHash("sha224").update(projectId + hostName).digest("hex");
}

const hostnameOf = (name: string): string => name.toLowerCase().replace(/[^a-z0-9-]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 63) || "server";

/** Six digits and no zone: how Nova writes the times of usage. */
export const microseconds = (time: Date | null): string | null => (time === null ? null : `${time.toISOString().slice(0, 23)}000`);
export const seconds = (time: Date): string => `${time.toISOString().slice(0, 19)}Z`;
