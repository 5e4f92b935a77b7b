import type { Selectable } from "kysely";
import type { Caller } from "../api/http/session.ts";
import { Refusal } from "../refusal.ts";
import type { Store } from "../store/database.ts";
import type { ImageMemberTable } from "../store/tables/images.ts";
import { isUniqueViolation } from "../store/violations.ts";
import type { ImageRecord } from "./image-record.ts";
import { conflictingImage, forbiddenImage, imageLimit, invalidImage } from "./refusals.ts";
import { findImage, requireWriter } from "./visibility.ts";

/** Projects that a shared image is offered to. They accept or reject it themselves. */
export type ImageMember = Selectable<ImageMemberTable>;

/** Glance's default `image_member_quota`. */
const MEMBERS_MAX = 128;
const STATUSES = ["pending", "accepted", "rejected"] as const;

export async function addMember(store: Store, caller: Caller, idOrName: string, projectId: unknown): Promise<ImageMember> {
  const image = await findShared(store, caller, idOrName, "create members");
  requireWriter(caller, image, "add_member");
  if (typeof projectId !== "string" || projectId === "" || projectId.length > 255) throw invalidImage("Member can't be empty");
  const { count } = await store.selectFrom("image_members").select(({ fn }) => fn.countAll<number>().as("count")).where("image_id", "=", image.id).executeTakeFirstOrThrow();
  if (count >= MEMBERS_MAX) throw imageLimit(`The limit has been exceeded on the number of allowed image members for this image. Attempted: ${count + 1}, Maximum: ${MEMBERS_MAX}`);
  try {
    return await store.insertInto("image_members").values({ image_id: image.id, project_id: projectId }).returningAll().executeTakeFirstOrThrow();
  } catch (error) {
    throw isUniqueViolation(error) ? conflictingImage(`Member ${projectId} is duplicated for image ${image.id}`) : error;
  }
}

/** The owner sees all members, a member itself. */
export async function listMembers(store: Store, caller: Caller, idOrName: string): Promise<readonly ImageMember[]> {
  const image = await findShared(store, caller, idOrName, "list members");
  const members = await store.selectFrom("image_members").selectAll().where("image_id", "=", image.id).orderBy("created_at").execute();
  return caller.isAdmin || image.owner === caller.projectId ? members : members.filter((member) => member.project_id === caller.projectId);
}

export async function findMember(store: Store, caller: Caller, idOrName: string, projectId: string): Promise<ImageMember> {
  const member = (await listMembers(store, caller, idOrName)).find((candidate) => candidate.project_id === projectId);
  if (member === undefined) throw memberNotFound(projectId, idOrName);
  return member;
}

export async function answerMembership(store: Store, caller: Caller, idOrName: string, projectId: string, status: unknown): Promise<ImageMember> {
  const known = STATUSES.find((word) => word === status);
  if (known === undefined) throw invalidImage('Incorrect request: Status must be "pending", "accepted" or "rejected".');
  const member = await findMember(store, caller, idOrName, projectId);
  if (!caller.isAdmin && caller.projectId !== projectId) throw forbiddenImage("You are not authorized to complete modify_member action.");
  return store.updateTable("image_members").set({ status: known, updated_at: new Date() }).where("image_id", "=", member.image_id).where("project_id", "=", projectId).returningAll().executeTakeFirstOrThrow();
}

export async function removeMember(store: Store, caller: Caller, idOrName: string, projectId: string): Promise<void> {
  const image = await findShared(store, caller, idOrName, "delete members");
  requireWriter(caller, image, "delete_member");
  const { numDeletedRows } = await store.deleteFrom("image_members").where("image_id", "=", image.id).where("project_id", "=", projectId).executeTakeFirst();
  if (numDeletedRows === 0n) throw memberNotFound(projectId, idOrName);
}

async function findShared(store: Store, caller: Caller, idOrName: string, doing: string): Promise<ImageRecord> {
  const image = await findImage(store, caller, idOrName);
  if (image.visibility !== "shared") throw forbiddenImage(`Not allowed to ${doing} for image ${image.id}: Only shared images have members.`);
  return image;
}

function memberNotFound(projectId: string, image: string): Refusal {
  return new Refusal({ code: "SIG-IMAGE-MEMBER-NOT-FOUND", httpStatus: 404, message: `${projectId} not found in the member list of the image ${image}.` });
}
