import type { Selectable } from "kysely";
import { Refusal } from "../refusal.ts";
import type { ComputeStore, FlavorTable } from "../store/tables/compute.ts";
import type { FlavorSnapshot } from "./server-record.ts";

export type Flavor = Selectable<FlavorTable>;

/** Throws Nova's 404. */
export async function findFlavor(store: ComputeStore, id: string): Promise<Flavor> {
  const flavor = await store.selectFrom("flavors").selectAll().where("id", "=", id).executeTakeFirst();
  if (flavor === undefined) throw new Refusal({ code: "SIG-FLAVOR-UNKNOWN", httpStatus: 404, message: `Flavor ${id} could not be found.` });
  return flavor;
}

export async function listFlavors(store: ComputeStore, visible: { readonly isPublic: boolean | null }): Promise<readonly Flavor[]> {
  const flavors = await store.selectFrom("flavors").selectAll().orderBy("id").execute();
  return visible.isPublic === null ? flavors : flavors.filter((flavor) => flavor.is_public === visible.isPublic);
}

export interface NewFlavor {
  readonly id: string;
  readonly name: string;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
  readonly ephemeralGib: number;
  readonly swapMib: number;
  readonly rxtxFactor: number;
  readonly isPublic: boolean;
  readonly description: string | null;
}

/** Throws Nova's 409 for a name or an id that is taken. */
export async function createFlavor(store: ComputeStore, flavor: NewFlavor): Promise<Flavor> {
  return store.transaction().execute(async (transaction) => {
    const taken = await transaction.selectFrom("flavors").select(["id", "name"]).where(({ eb, or }) => or([eb("id", "=", flavor.id), eb("name", "=", flavor.name)])).execute();
    if (taken.some(({ name }) => name === flavor.name)) throw new Refusal({ code: "SIG-FLAVOR-NAME-TAKEN", httpStatus: 409, message: `Flavor with name ${flavor.name} already exists.` });
    if (taken.length > 0) throw new Refusal({ code: "SIG-FLAVOR-ID-TAKEN", httpStatus: 409, message: `Flavor with ID ${flavor.id} already exists.` });
    return transaction.insertInto("flavors").values({
      id: flavor.id, name: flavor.name, vcpus: flavor.vcpus, memory_mib: flavor.memoryMib, disk_gib: flavor.diskGib, ephemeral_gib: flavor.ephemeralGib, swap_mib: flavor.swapMib,
      rxtx_factor: flavor.rxtxFactor, is_public: flavor.isPublic, description: flavor.description, extra_specs: "{}",
    }).returningAll().executeTakeFirstOrThrow();
  });
}

export async function deleteFlavor(store: ComputeStore, id: string): Promise<void> {
  await findFlavor(store, id);
  await store.deleteFrom("flavors").where("id", "=", id).execute();
}

/** Changes a flavor's extra specs under a lock of its row, so that two changes at once both last. */
export async function changeExtraSpecs(store: ComputeStore, id: string, change: (specs: Readonly<Record<string, string | number>>) => Record<string, string | number>): Promise<Record<string, string | number>> {
  await findFlavor(store, id);
  return store.transaction().execute(async (transaction) => {
    const flavor = await transaction.selectFrom("flavors").select("extra_specs").where("id", "=", id).forUpdate().executeTakeFirstOrThrow();
    const specs = change(flavor.extra_specs);
    await transaction.updateTable("flavors").set({ extra_specs: JSON.stringify(specs) }).where("id", "=", id).execute();
    return specs;
  });
}

export function snapshotFlavor(flavor: Flavor): FlavorSnapshot {
  return {
    id: flavor.id, name: flavor.name, vcpus: flavor.vcpus, memoryMib: flavor.memory_mib, diskGib: flavor.disk_gib, ephemeralGib: flavor.ephemeral_gib, swapMib: flavor.swap_mib, extraSpecs: flavor.extra_specs,
  };
}
