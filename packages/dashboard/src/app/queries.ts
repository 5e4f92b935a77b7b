import type { SignetHost, SignetImage, SignetImageVerdicts, SignetServer } from "@signet/control-plane/api-shapes";
import { QueryCache, QueryClient, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { ApiProblem, readSignet } from "./api-client.ts";
import { endSession, useToken } from "./session.ts";

/** Servers change while people watch them; images and hosts seldom do. */
const SERVERS_INTERVAL_MS = 5_000;
const REST_INTERVAL_MS = 20_000;
const RETRIES_MAX = 2;

export function createQueryClient(): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        const token = query.queryKey[0];
        if (error instanceof ApiProblem && error.status === 401 && typeof token === "string") endSession(token);
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 2_000,
        // What was refused stays refused; only silence and trouble of the server are worth another try.
        retry: (count, error) => count < RETRIES_MAX && error instanceof ApiProblem && (error.status === 0 || error.status >= 500),
        retryDelay: 700,
      },
    },
  });
}

/** Keys begin with the token: what one session read is never shown to the next. */
function useSignet<Answer>(path: string, intervalMs: number): UseQueryResult<Answer> {
  const token = useToken();
  return useQuery({ queryKey: [token, path], queryFn: ({ signal }) => readSignet<Answer>(path, token, signal), refetchInterval: intervalMs });
}

export function useImages(): UseQueryResult<{ readonly images: readonly SignetImage[] }> {
  return useSignet("/images", REST_INTERVAL_MS);
}

export function useImageVerdicts(id: string): UseQueryResult<SignetImageVerdicts> {
  return useSignet(`/images/${encodeURIComponent(id)}/verdicts`, REST_INTERVAL_MS);
}

export function useServers(): UseQueryResult<{ readonly servers: readonly SignetServer[] }> {
  return useSignet("/servers", SERVERS_INTERVAL_MS);
}

export function useServer(id: string): UseQueryResult<SignetServer> {
  return useSignet(`/servers/${encodeURIComponent(id)}`, SERVERS_INTERVAL_MS);
}

export function useHost(id: string): UseQueryResult<SignetHost> {
  return useSignet(`/hosts/${encodeURIComponent(id)}`, REST_INTERVAL_MS);
}

/** For administrators; others get the API's refusal. */
export function useHosts(): UseQueryResult<{ readonly hosts: readonly SignetHost[] }> {
  return useSignet("/hosts", REST_INTERVAL_MS);
}
