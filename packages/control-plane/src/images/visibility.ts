import { type Expression, type ExpressionBuilder, type SqlBool, sql } from "kysely";
import type { Caller } from "../api/http/session.ts";
import type { Database, Store } from "../store/database.ts";
import type { ImageRecord } from "./image-record.ts";
import { ambiguousName, forbiddenImage, imageNotFound } from "./refusals.ts";

type Who = Pick<Caller, "projectId" | "isAdmin">;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** Enough to say that a name is not unique, and which ones it could be. */
const NAMESAKES_MAX = 5;

/** Images that a caller may look at when they name them: own, public, community, shared with them; administrators all. */
export function mayShow(who: Who) {
  return (image: ExpressionBuilder<Database, "images">): Expression<SqlBool> => (who.isAdmin ? sql<SqlBool>`true` : image.or([
    image("owner", "=", who.projectId),
    image("visibility", "in", ["public", "community"]),
    image.and([image("visibility", "=", "shared"), isMember(image, who.projectId)]),
  ]));
}

export function isMember(image: ExpressionBuilder<Database, "images">, projectId: string): Expression<SqlBool> {
  return image.exists(image.selectFrom("image_members").select("image_members.image_id").whereRef("image_members.image_id", "=", "images.id").where("image_members.project_id", "=", projectId));
}

/**
 * The image with this id, or the only one with this name: the blueprint's commands name images, and today's glance client hands the name
 * on as it is. Throws 404 (also for what the caller may not see) or 409 with the ids when the name is not unique.
 */
export async function findImage(store: Store, who: Who, idOrName: string): Promise<ImageRecord> {
  if (UUID.test(idOrName)) {
    const byId = await store.selectFrom("images").selectAll().where("id", "=", idOrName.toLowerCase()).where(mayShow(who)).executeTakeFirst();
    if (byId !== undefined) return byId;
  }
  const named = await store.selectFrom("images").selectAll().where("name", "=", idOrName).where(mayShow(who)).orderBy("created_at").limit(NAMESAKES_MAX).execute();
  if (named.length > 1) throw ambiguousName(idOrName, named.map(({ id }) => id));
  const [image] = named;
  if (image === undefined) throw imageNotFound(idOrName);
  return image;
}

/** Who may change an image: members of the owning project, and administrators. Throws 403 in Glance's words. */
export function requireWriter(caller: Caller, image: ImageRecord, action: string): void {
  if (caller.isAdmin || (image.owner === caller.projectId && caller.roles.includes("member"))) return;
  throw forbiddenImage(`You are not authorized to complete ${action} action.`);
}
