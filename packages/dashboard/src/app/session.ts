import { useSyncExternalStore } from "react";
import { ApiProblem, request } from "./api-client.ts";

export interface Session {
  readonly token: string;
  readonly user: string;
  readonly project: string;
}

/** The tab's own storage: the token is gone when the tab is closed. */
const STORAGE_KEY = "signet.session";

let current: Session | null = readStored();
/** Why there is no session, when it was not the user who ended it. */
let endedBecause: string | null = null;
const listeners = new Set<() => void>();

export function useSession(): Session | null {
  return useSyncExternalStore(subscribe, () => current);
}

/** The session of a page that is shown only to those who have one. */
export function useToken(): string {
  const session = useSession();
  if (session === null) throw new Error("a page of the signed-in was shown without a session");
  return session.token;
}

export function useSessionEnd(): string | null {
  return useSyncExternalStore(subscribe, () => endedBecause);
}

/** Asks the identity API for a token of the project. Throws `ApiProblem`. */
export async function signIn(user: string, password: string, project: string): Promise<void> {
  const domain = { name: "Default" };
  const response = await request("/identity/v3/auth/tokens", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({
      auth: {
        identity: { methods: ["password"], password: { user: { name: user, domain, password } } },
        scope: { project: { name: project, domain } },
      },
    }),
  });
  const token = response.headers.get("x-subject-token");
  if (token === null) throw new ApiProblem(response.status, "The identity API answered without a token. A proxy in between may drop the header X-Subject-Token.");
  change({ token, user, project }, null);
}

/** Forgets the token here and asks the identity API to forget it too; this tab is signed out whatever that answers. */
export function signOut(): void {
  const token = current?.token;
  change(null, null);
  if (token !== undefined) void request("/identity/v3/auth/tokens", { method: "DELETE", headers: { "x-auth-token": token, "x-subject-token": token } }).catch(() => undefined);
}

/** The token is no longer taken: back to sign-in. A token that has been replaced meanwhile ends nothing. */
export function endSession(token: string): void {
  if (current?.token === token) change(null, "Your session has ended. Sign in again to go on where you were.");
}

function change(session: Session | null, because: string | null): void {
  current = session;
  endedBecause = because;
  if (session === null) sessionStorage.removeItem(STORAGE_KEY);
  else sessionStorage.setItem(STORAGE_KEY, JSON.stringify(session));
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function readStored(): Session | null {
  try {
    const stored = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "null") as Partial<Session> | null;
    if (typeof stored?.token === "string" && typeof stored.user === "string" && typeof stored.project === "string") return { token: stored.token, user: stored.user, project: stored.project };
  } catch {
    // Storage may be blocked or hold what an older page left: sign in again.
  }
  return null;
}
