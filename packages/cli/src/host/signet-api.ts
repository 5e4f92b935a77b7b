import { ExitError, exitCodes } from "../exit.ts";

/** Signet's own API, reached as the OpenStack clients reach theirs: by the OS_… variables of an openrc file. */
export interface SignetApi {
  readonly url: string;
  request<Answer>(method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<Answer>;
}

interface CatalogEntry {
  readonly type: string;
  readonly endpoints: readonly { readonly interface: string; readonly url: string }[];
}

/** Asks for a token. Throws `ExitError` when a variable is missing or the control plane says no. */
export async function openSignetApi(environment: NodeJS.ProcessEnv): Promise<SignetApi> {
  const read = (name: string, fallback?: string): string => {
    const value = environment[name] ?? fallback;
    if (value === undefined || value === "") throw new ExitError(exitCodes.usage, `the variable ${name} is not set. Run: source signet-data/openrc (signet up writes it).`);
    return value;
  };
  const identity = read("OS_AUTH_URL").replace(/\/+$/, "");
  const auth = {
    identity: { methods: ["password"], password: { user: { name: read("OS_USERNAME"), domain: { name: read("OS_USER_DOMAIN_NAME", "Default") }, password: read("OS_PASSWORD") } } },
    scope: { project: { name: read("OS_PROJECT_NAME"), domain: { name: read("OS_PROJECT_DOMAIN_NAME", "Default") } } },
  };
  const response = await call(`${identity}/auth/tokens`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ auth }) });
  const token = response.headers.get("X-Subject-Token") ?? "";
  const { token: scoped } = (await response.json()) as { token: { catalog: readonly CatalogEntry[] } };
  const found = scoped.catalog.find(({ type }) => type === "signet")?.endpoints.find((endpoint) => endpoint.interface === "public")?.url;
  const url = found ?? `${new URL(identity).origin}/signet/v1`;
  return {
    url,
    async request<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
      const answer = await call(`${url}${path}`, { method, headers: { "X-Auth-Token": token, ...(body === undefined ? {} : { "Content-Type": "application/json" }) }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
      return (answer.status === 204 ? undefined : await answer.json()) as Answer;
    },
  };
}

async function call(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    throw new ExitError(exitCodes.usage, `the control plane at ${new URL(url).origin} does not answer. Start it (signet up), or correct OS_AUTH_URL.`, { cause: error });
  }
  if (response.ok) return response;
  throw new ExitError(1, sentenceOf(await response.text()) ?? `${url} answered ${response.status}.`);
}

/** Every API of ours puts its sentence below one key; which key differs. */
function sentenceOf(text: string): string | null {
  try {
    const body = JSON.parse(text) as Record<string, unknown>;
    const inner = Object.values(body)[0];
    const message = typeof inner === "object" && inner !== null ? (inner as { message?: unknown }).message : body["message"];
    return typeof message === "string" ? message : null;
  } catch {
    return null;
  }
}
