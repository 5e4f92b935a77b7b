import { type Expression, type ExpressionBuilder, type RawBuilder, type SqlBool, sql } from "kysely";
import type { Caller } from "../api/http/session.ts";
import type { Database, Store } from "../store/database.ts";
import type { ImageRecord } from "./image-record.ts";
import { readFilters } from "./list-filters.ts";
import { imageNotFound, invalidQuery } from "./refusals.ts";
import { isMember, mayShow } from "./visibility.ts";

/** Glance's `limit_param_default` and `api_limit_max`. */
const LIMIT_DEFAULT = 25;
const LIMIT_MAX = 1000;

/** A query as it came: keys may repeat. */
export type ListQuery = Readonly<Record<string, string | readonly string[]>>;

export interface ImagePage {
  readonly images: readonly ImageRecord[];
  /** Id to continue after; null when the page was not full. */
  readonly nextMarker: string | null;
}

type Images = ExpressionBuilder<Database, "images">;

/** Sort keys by Glance's names, with what stands for nothing, so that the order is total. */
const SORT_COLUMNS: Readonly<Record<string, RawBuilder<unknown>>> = {
  name: sql`coalesce(images.name, '')`,
  status: sql`images.status`,
  container_format: sql`coalesce(images.container_format, '')`,
  disk_format: sql`coalesce(images.disk_format, '')`,
  size: sql`coalesce(images.size_bytes, -1)`,
  id: sql`images.id`,
  created_at: sql`images.created_at`,
  updated_at: sql`images.updated_at`,
};

interface SortKey {
  readonly name: string;
  readonly direction: "asc" | "desc";
}

/** A page of the images that the caller may list. Throws a `Refusal` in Glance's words for what the query gets wrong. */
export async function listImages(store: Store, caller: Caller, query: ListQuery): Promise<ImagePage> {
  const limit = readLimit(query["limit"]);
  const sort = readSort(query);
  const filters = readFilters(query);
  let select = store.selectFrom("images").selectAll().where((image) => listable(image, caller, filters.visibility, filters.memberStatus)).where("hidden", "=", filters.hidden);
  for (const condition of filters.conditions) select = select.where(condition);
  const marker = single(query["marker"]);
  if (marker !== undefined) {
    await requireMarker(store, caller, marker);
    select = select.where(() => after(sort, marker));
  }
  for (const { name, direction } of sort) select = select.orderBy(SORT_COLUMNS[name]!, direction);
  const images = limit === 0 ? [] : await select.limit(limit).execute();
  return { images, nextMarker: images.length === limit && limit > 0 ? images.at(-1)!.id : null };
}

/** What a caller finds in a list: less than what they may look at by id. Community images only when asked for, shared ones once accepted. */
function listable(image: Images, caller: Caller, visibility: string | null, memberStatus: string): Expression<SqlBool> {
  const wanted = visibility === null || visibility === "all" ? sql<SqlBool>`true` : image("visibility", "=", visibility as "public");
  if (caller.isAdmin) return image.and([wanted, visibility === null ? image.or([image("visibility", "!=", "community"), image("owner", "=", caller.projectId)]) : sql<SqlBool>`true`]);
  const accepted = memberStatus === "all" ? isMember(image, caller.projectId)
    : image.exists(image.selectFrom("image_members").select("image_members.image_id").whereRef("image_members.image_id", "=", "images.id").where("image_members.project_id", "=", caller.projectId).where("image_members.status", "=", memberStatus as "accepted"));
  const known = [image("owner", "=", caller.projectId), image("visibility", "=", "public"), image.and([image("visibility", "=", "shared"), accepted])];
  if (visibility === "community" || visibility === "all") known.push(image("visibility", "=", "community"));
  return image.and([wanted, image.or(known)]);
}

async function requireMarker(store: Store, caller: Caller, marker: string): Promise<void> {
  const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(marker);
  const found = isId ? await store.selectFrom("images").select("id").where("id", "=", marker).where(mayShow(caller)).executeTakeFirst() : undefined;
  if (found === undefined) throw invalidQuery(imageNotFound(marker).message);
}

/** Rows after the marker in the order: equal in the first keys and beyond in the next. The marker's own values are read in the store, exactly. */
function after(sort: readonly SortKey[], marker: string): Expression<SqlBool> {
  const atMarker = (name: string): RawBuilder<unknown> => sql`(SELECT ${SORT_COLUMNS[name]!} FROM images WHERE images.id = ${marker})`;
  const cases = sort.map(({ name, direction }, position) => {
    const equal = sort.slice(0, position).map((key) => sql`${SORT_COLUMNS[key.name]!} = ${atMarker(key.name)}`);
    const beyond = sql`${SORT_COLUMNS[name]!} ${sql.raw(direction === "asc" ? ">" : "<")} ${atMarker(name)}`;
    return sql`(${sql.join([...equal, beyond], sql` AND `)})`;
  });
  return sql<SqlBool>`(${sql.join(cases, sql` OR `)})`;
}

function readLimit(value: string | readonly string[] | undefined): number {
  const text = single(value);
  if (text === undefined) return LIMIT_DEFAULT;
  if (!/^-?\d+$/.test(text)) throw invalidQuery("limit param must be an integer");
  if (text.startsWith("-")) throw invalidQuery("limit param must be positive");
  return Math.min(Number(text), LIMIT_MAX);
}

function readSort(query: ListQuery): readonly SortKey[] {
  const [keys, directions] = [several(query["sort_key"]), several(query["sort_dir"])];
  const combined = single(query["sort"]);
  if (combined !== undefined && keys.length + directions.length > 0) throw invalidQuery("Old and new sorting syntax cannot be combined");
  const asked = combined === undefined ? keys.map((name, index) => [name, directions[index] ?? directions[0] ?? "desc"] as const) : combined.split(",").map((part) => readSortPart(part.trim()));
  if (combined === undefined && keys.length === 0 && directions[0] !== undefined) asked.push(["created_at", directions[0]]);
  const sort: SortKey[] = [];
  for (const [name, direction] of [...asked, ...(asked.length === 0 ? [["created_at", "desc"] as const] : []), ["id", asked.at(-1)?.[1] ?? "desc"] as const]) {
    if (SORT_COLUMNS[name] === undefined) throw invalidQuery(`Invalid sort key: ${name}. It must be one of the following: ${Object.keys(SORT_COLUMNS).join(", ")}.`);
    if (direction !== "asc" && direction !== "desc") throw invalidQuery(`Invalid sort direction: ${direction}`);
    if (!sort.some((key) => key.name === name)) sort.push({ name, direction });
  }
  return sort;
}

function readSortPart(part: string): readonly [string, string] {
  const [name = "", direction = "desc"] = part.split(":");
  return [name, direction];
}

function several(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === "string" ? [value] : value;
}

function single(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.at(-1);
}
