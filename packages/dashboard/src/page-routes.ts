/** Addresses that are pages. The responder answers them with the page; the page's own router reads them. */
export type PageRoute =
  | { readonly page: "overview" }
  | { readonly page: "images" }
  | { readonly page: "image"; readonly id: string }
  | { readonly page: "servers" }
  | { readonly page: "server"; readonly id: string }
  | { readonly page: "hosts" }
  | { readonly page: "inspect" }
  | { readonly page: "json"; readonly kind: ResourceKind; readonly id: string };

export type ResourceKind = "images" | "servers" | "hosts";

const ID = "([A-Za-z0-9][A-Za-z0-9._-]{0,127})";
const IMAGE = new RegExp(`^/images/${ID}$`);
const SERVER = new RegExp(`^/servers/${ID}$`);
const JSON_OF = new RegExp(`^/json/(images|servers|hosts)/${ID}$`);

/** The page behind a path, without its query; null when there is none. A slash at the end does not matter. */
export function matchPageRoute(path: string): PageRoute | null {
  const plain = path.length > 1 ? path.replace(/\/$/, "") : path;
  if (plain === "/") return { page: "overview" };
  if (plain === "/inspect") return { page: "inspect" };
  if (plain === "/images" || plain === "/servers" || plain === "/hosts") return { page: plain.slice(1) as ResourceKind };
  const image = IMAGE.exec(plain)?.[1];
  if (image !== undefined) return { page: "image", id: image };
  const server = SERVER.exec(plain)?.[1];
  if (server !== undefined) return { page: "server", id: server };
  const json = JSON_OF.exec(plain);
  if (json?.[1] !== undefined && json[2] !== undefined) return { page: "json", kind: json[1] as ResourceKind, id: json[2] };
  return null;
}
