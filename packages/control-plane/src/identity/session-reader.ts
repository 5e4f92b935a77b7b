import type { Session, SessionReader } from "../api/http/session.ts";
import type { TokenFacts, Tokens } from "./tokens.ts";

/** What the other APIs need to know of a token. */
export function sessionReader(tokens: Tokens): SessionReader {
  return async (token) => {
    const facts = await tokens.read(token);
    return facts === null ? null : toSession(facts);
  };
}

function toSession({ user, roles, scope, project }: TokenFacts): Session {
  return {
    userId: user.id,
    userName: user.name,
    roles: roles.map(({ name }) => name),
    scope: scope === null ? null : project === null ? { kind: scope.kind === "system" ? "system" : "domain" } : { kind: "project", projectId: project.id, projectName: project.name },
  };
}
