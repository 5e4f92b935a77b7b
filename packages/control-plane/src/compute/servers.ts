import { randomBytes, randomUUID } from "node:crypto";
import type { ProfileName } from "@signet/secure-boot/policy";
import type { Selectable } from "kysely";
import type { ServerId } from "../ids.ts";
import { Refusal } from "../refusal.ts";
import type { ComputeStore, ComputeTransaction, ServerTable } from "../store/tables/compute.ts";
import { enqueueWorkflow } from "../workflows/journal.ts";
import { serverCreateKind } from "../workflows/server-create.ts";
import { type DeleteInput, serverDeleteKind } from "../workflows/server-delete.ts";
import { type PowerInput, serverPowerKind } from "../workflows/server-power.ts";
import type { CreateInput } from "./create-input.ts";
import { findFlavor, snapshotFlavor } from "./flavors.ts";
import type { BootImage, BootImages } from "./image-port.ts";
import { planServer, type ServerPlan } from "./plan-server.ts";
import type { FlavorSnapshot, TaskState, VmState } from "./server-record.ts";
import { recordEvent } from "./server-writes.ts";

export type Server = Selectable<ServerTable>;

/** Who asks, and under which request. */
export interface Requester {
  readonly userId: string;
  readonly userName: string;
  readonly projectId: string;
  readonly isAdmin: boolean;
  readonly requestId: string;
}

export interface ServerWish {
  readonly name: string;
  readonly imageId: string;
  readonly flavorId: string;
  readonly count: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly keyName: string | null;
  readonly userData: string | null;
  readonly configDrive: boolean;
  readonly description: string | null;
  readonly wantsNetwork: boolean;
  /** Go past a predicted refusal; administrators only. */
  readonly force: boolean;
}

export interface ServersOptions {
  readonly store: ComputeStore;
  readonly images: BootImages;
  readonly profile: ProfileName;
  /** Work was enqueued. */
  readonly wake: () => void;
}

/** What may be asked of servers. Everything that touches a host is enqueued in the transaction that records the wish. */
export class Servers {
  readonly #options: ServersOptions;

  constructor(options: ServersOptions) {
    this.#options = options;
  }

  /** Accepts one or several servers. Throws a `Refusal` for all that can be known before a host is looked at. */
  async create(wish: ServerWish, who: Requester): Promise<{ readonly ids: readonly ServerId[]; readonly reservationId: string }> {
    const { image, flavor, plan } = await this.plan(wish, who);
    const reservationId = `r-${randomBytes(5).toString("hex").slice(0, 8)}`;
    const ids = Array.from({ length: wish.count }, () => randomUUID() as ServerId);
    await this.#options.store.transaction().execute(async (transaction) => {
      for (const [index, id] of ids.entries()) {
        const name = wish.count === 1 ? wish.name : `${wish.name}-${index + 1}`;
        await insertServer(transaction, { id, name, index, reservationId, wish, who, image, flavor, plan });
      }
    });
    this.#options.wake();
    return { ids, reservationId };
  }

  /** What would be decided, without making anything. */
  async plan(wish: Pick<ServerWish, "imageId" | "flavorId" | "force">, who: Requester): Promise<{ image: BootImage; flavor: FlavorSnapshot; plan: ServerPlan }> {
    if (wish.force && !who.isAdmin) {
      throw new Refusal({ code: "SIG-FORCE-FORBIDDEN", httpStatus: 403, message: "Policy doesn't allow signet:force to be performed.", remedy: "Only an administrator may go past a predicted refusal." });
    }
    const image = await this.#options.images.findForBoot(wish.imageId, who);
    if (image === null) throw new Refusal({ code: "SIG-IMAGE-UNKNOWN", httpStatus: 400, message: "Can not find requested image", remedy: null });
    const flavor = snapshotFlavor(await findFlavor(this.#options.store, wish.flavorId).catch((error: unknown) => {
      // Creation calls an unknown flavor a bad request, as Nova does.
      throw error instanceof Refusal ? new Refusal({ code: error.code, httpStatus: 400, message: error.message }) : error;
    }));
    return { image, flavor, plan: planServer({ image, flavor, profile: this.#options.profile, forcedBy: wish.force ? who.userName : null }) };
  }

  async remove(server: Server, who: Requester): Promise<void> {
    await this.#options.store.transaction().execute(async (transaction) => {
      const taken = await transaction.updateTable("servers").set({ task_state: "deleting", updated_at: new Date() })
        .where("id", "=", server.id).where("deleted_at", "is", null).where(({ eb, or }) => or([eb("task_state", "is", null), eb("task_state", "!=", "deleting")])).returning("id").executeTakeFirst();
      // Repeated while it is being deleted: the wish is on its way already.
      if (taken === undefined) return;
      await recordAction(transaction, server.id, "delete", who);
      await recordEvent(transaction, server.id, "delete asked", `By ${who.userName}.`);
      await enqueueWorkflow(transaction, { kind: serverDeleteKind, lane: "work", subjectId: server.id, input: { requestId: who.requestId } satisfies DeleteInput });
    });
    this.#options.wake();
  }

  /** Starts, stops or reboots. Throws Nova's 409 in a state that does not allow it. */
  async power(server: Server, action: PowerInput["action"], who: Requester): Promise<void> {
    const rule = powerRules[action];
    await this.#options.store.transaction().execute(async (transaction) => {
      const taken = await transaction.updateTable("servers").set({ task_state: rule.while, updated_at: new Date() })
        .where("id", "=", server.id).where("vm_state", "in", rule.from).where("task_state", "is", null).returning("id").executeTakeFirst();
      if (taken === undefined) {
        const state = server.task_state !== null && rule.from.includes(server.vm_state) ? `task_state ${server.task_state}` : `vm_state ${server.vm_state}`;
        throw new Refusal({ code: "SIG-SERVER-STATE", httpStatus: 409, message: `Cannot '${rule.method}' instance ${server.id} while it is in ${state}` });
      }
      await recordAction(transaction, server.id, rule.method, who);
      await enqueueWorkflow(transaction, { kind: serverPowerKind, lane: "work", subjectId: server.id, input: { requestId: who.requestId, action } satisfies PowerInput });
    });
    this.#options.wake();
  }
}

/** Nova's table of what is allowed when (nova/compute/api.py). */
const powerRules: Readonly<Record<PowerInput["action"], { readonly from: readonly VmState[]; readonly while: TaskState; readonly method: "start" | "stop" | "reboot" }>> = {
  start: { from: ["stopped"], while: "powering-on", method: "start" },
  stop: { from: ["active", "error"], while: "powering-off", method: "stop" },
  "soft-reboot": { from: ["active"], while: "rebooting", method: "reboot" },
  "hard-reboot": { from: ["active", "stopped", "error"], while: "rebooting_hard", method: "reboot" },
};

interface NewServer {
  readonly id: ServerId;
  readonly name: string;
  readonly index: number;
  readonly reservationId: string;
  readonly wish: ServerWish;
  readonly who: Requester;
  readonly image: BootImage;
  readonly flavor: FlavorSnapshot;
  readonly plan: ServerPlan;
}

async function insertServer(transaction: ComputeTransaction, server: NewServer): Promise<void> {
  const { id, name, wish, who, image, flavor, plan } = server;
  await transaction.insertInto("servers").values({
    id, project_id: who.projectId, user_id: who.userId, name, description: wish.description, vm_state: "building", task_state: "scheduling", image_id: image.id, image_name: image.name,
    flavor: JSON.stringify(flavor), metadata: JSON.stringify(wish.metadata), key_name: wish.keyName, user_data: wish.userData, config_drive: wish.configDrive,
    reservation_id: server.reservationId, launch_index: server.index, host_id: null, host_name: null, machine_guid: null, policy: JSON.stringify(plan.policy),
    prediction: plan.prediction === null ? null : JSON.stringify(plan.prediction), desired: null, actual: null, drift: null, firmware: null, fault: null, launched_at: null, deleted_at: null,
  }).execute();
  await recordAction(transaction, id, "create", who);
  await recordEvent(transaction, id, "accepted", `Asked for by ${who.userName}; Secure Boot is ${plan.policy.decision}: ${plan.policy.rule} (policy profile ${plan.policy.profile})`);
  if (plan.prediction?.forcedBy != null) await recordEvent(transaction, id, "forced", `${plan.prediction.forcedBy} forced it although firmware is predicted to refuse the image.`);
  const input: CreateInput = {
    serverId: id, requestId: who.requestId, name, image: { id: image.id, name: image.name, format: plan.format, properties: image.properties }, generation: plan.generation,
    needs: plan.needs, secureBoot: plan.secureBoot, wantsNetwork: wish.wantsNetwork,
    policy: { profile: plan.policy.profile, imageProperty: image.properties["os_secure_boot"] ?? null, flavorSpec: flavor.extraSpecs["os:secure_boot"] === undefined ? null : String(flavor.extraSpecs["os:secure_boot"]) },
  };
  await enqueueWorkflow(transaction, { kind: serverCreateKind, lane: "work", subjectId: id, input });
}

async function recordAction(transaction: ComputeTransaction, serverId: string, action: string, who: Requester): Promise<void> {
  await transaction.insertInto("server_actions").values({ server_id: serverId, request_id: who.requestId, action, user_id: who.userId, project_id: who.projectId, finished_at: null, message: null, details: null }).execute();
}

/** The server, if the requester may see it. Throws Nova's 404. */
export async function findServer(store: ComputeStore, id: string, who: Pick<Requester, "projectId" | "isAdmin">): Promise<Server> {
  const isUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(id);
  const server = isUuid ? await store.selectFrom("servers").selectAll().where("id", "=", id).where("deleted_at", "is", null).executeTakeFirst() : undefined;
  if (server === undefined || (!who.isAdmin && server.project_id !== who.projectId)) {
    throw new Refusal({ code: "SIG-SERVER-UNKNOWN", httpStatus: 404, message: `Instance ${id} could not be found.` });
  }
  return server;
}

