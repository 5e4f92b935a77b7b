import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { serveDashboard } from "../serve-dashboard.ts";
import { hosts, images, servers, verdicts } from "./fixtures.ts";

export const PASSWORD = "correct horse";
export const WRONG_PASSWORD_SENTENCE = "User or password is wrong. Check them in openrc of the data folder.";
export const FORBIDDEN_SENTENCE = "Only an administrator sees and changes hosts. Ask for a token of a user with the role admin.";
export const SERVER_TROUBLE_SENTENCE = "Server web-1 cannot be read: host hv1 does not answer. Try again in a minute.";

/** What a test may change while the page is open. */
export interface Cloud {
  isEmpty: boolean;
  /** Whether tokens given out so far are still taken. */
  areTokensValid: boolean;
  /** Whether single servers answer with a refusal. */
  isServerInTrouble: boolean;
  /** Whether the caller is no administrator. */
  isMember: boolean;
}

export interface PageServer {
  readonly url: string;
  readonly cloud: Cloud;
  close(): Promise<void>;
}

/** The page through its responder and the API paths from the fixtures, on one origin as the control plane serves them. */
export async function startPageServer(): Promise<PageServer> {
  const cloud: Cloud = { isEmpty: false, areTokensValid: true, isServerInTrouble: false, isMember: false };
  const server = createServer((request, response) => {
    answer(request, response, cloud).catch((error: unknown) => {
      response.writeHead(500, { "content-type": "text/plain" }).end(String(error));
    });
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cloud,
    close: () =>
      new Promise((settle) => {
        server.closeAllConnections();
        server.close(() => settle());
      }),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, cloud: Cloud): Promise<void> {
  const path = request.url ?? "/";
  if (path === "/identity/v3/auth/tokens") return answerIdentity(request, response, cloud);
  if (path.startsWith("/signet/v1/")) {
    if (request.headers["x-auth-token"] !== "token-1" || !cloud.areTokensValid) return send(response, 401, { error: { code: 401, title: "Unauthorized", message: "The token has expired." } });
    return answerSignet(path.slice("/signet/v1".length), response, cloud);
  }
  const page = await serveDashboard(path);
  if (page === null) return send(response, 404, { message: `Nothing is at ${path}.` });
  response.writeHead(page.status, page.headers).end(page.body);
}

async function answerIdentity(request: IncomingMessage, response: ServerResponse, cloud: Cloud): Promise<void> {
  if (request.method === "DELETE") {
    response.writeHead(204).end();
    return;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { auth } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { auth: { identity: { methods: string[]; password: { user: { name: string; password: string; domain: { name: string } } } }; scope: { project: { name: string } } } };
  const { user } = auth.identity.password;
  if (user.name !== "admin" || user.password !== PASSWORD || auth.scope.project.name !== "admin") return send(response, 401, { error: { code: 401, title: "Unauthorized", message: WRONG_PASSWORD_SENTENCE } });
  cloud.areTokensValid = true;
  return send(response, 201, { token: { methods: ["password"] } }, { "x-subject-token": "token-1" });
}

function answerSignet(path: string, response: ServerResponse, cloud: Cloud): void {
  if (path === "/images") return send(response, 200, { images: cloud.isEmpty ? [] : images });
  if (path === "/servers") return send(response, 200, { servers: cloud.isEmpty ? [] : servers });
  if (path.startsWith("/hosts") && cloud.isMember) return send(response, 403, { error: { code: 403, title: "Forbidden", message: FORBIDDEN_SENTENCE } }, { "signet-refusal": "SIG-HOST-FORBIDDEN" });
  const host = hosts.find(({ id }) => path === `/hosts/${id}`);
  if (host !== undefined) return send(response, 200, host);
  if (path === "/hosts") return send(response, 200, { hosts: cloud.isEmpty ? [] : hosts });
  const judged = verdicts[/^\/images\/([^/]+)\/verdicts$/.exec(path)?.[1] ?? ""];
  if (judged !== undefined) return send(response, 200, judged);
  const server = servers.find(({ id }) => path === `/servers/${id}`);
  if (server !== undefined && cloud.isServerInTrouble) return send(response, 409, { code: "SIG-HOST-AWAY", message: SERVER_TROUBLE_SENTENCE, remedy: null });
  if (server !== undefined) return send(response, 200, server);
  return send(response, 404, { code: "SIG-NOT-FOUND", message: `There is nothing at ${path}.`, remedy: null });
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}
