import type { FastifyInstance } from "fastify";
import { bootstrapIdentity } from "../../identity/bootstrap.ts";
import { sessionReader } from "../../identity/session-reader.ts";
import { Tokens } from "../../identity/tokens.ts";
import { createTestDatabase, type TestDatabase } from "../../store/test-database.ts";
import { buildApi } from "../http/build-api.ts";
import type { SessionReader } from "../http/session.ts";
import { registerIdentityApi } from "./index.ts";

/** An identity service on a fresh database, for tests of it and of the services that ask it who calls. */
export class TestIdentity {
  readonly database: TestDatabase;
  readonly app: FastifyInstance;
  readonly tokens: Tokens;
  readonly readSession: SessionReader;
  readonly adminPassword: string;
  /** Moves the clock of the tokens. */
  readonly clock: { aheadMs: number };

  private constructor(database: TestDatabase, app: FastifyInstance, tokens: Tokens, clock: { aheadMs: number }, adminPassword: string) {
    this.database = database;
    this.app = app;
    this.tokens = tokens;
    this.clock = clock;
    this.readSession = sessionReader(tokens);
    this.adminPassword = adminPassword;
  }

  static async start(): Promise<TestIdentity> {
    const database = await createTestDatabase();
    const clock = { aheadMs: 0 };
    const tokens = new Tokens(database.store, () => new Date(Date.now() + clock.aheadMs));
    const password = await bootstrapIdentity(database.store);
    const { app } = buildApi({ publicUrl: null, notReady: async () => null });
    const identity = new TestIdentity(database, app, tokens, clock, password!);
    await registerIdentityApi(app, { store: database.store, tokens, readSession: identity.readSession });
    return identity;
  }

  /** A token for a project by name and password; throws when there is none. */
  async login(userName: string, password: string, projectName: string): Promise<string> {
    const response = await this.app.inject({ method: "POST", url: "/identity/v3/auth/tokens", payload: passwordRequest(userName, password, projectName) });
    if (response.statusCode !== 201) throw new Error(`login of ${userName}: ${response.statusCode} ${response.body}`);
    return String(response.headers["x-subject-token"]);
  }

  loginAsAdmin(): Promise<string> {
    return this.login("admin", this.adminPassword, "admin");
  }

  /** A project with a user of the same name who is its member. */
  async createMember(name: string): Promise<{ readonly token: string; readonly projectId: string; readonly userId: string }> {
    const headers = { "x-auth-token": await this.loginAsAdmin() };
    const project = (await this.app.inject({ method: "POST", url: "/identity/v3/projects", headers, payload: { project: { name } } })).json();
    const user = (await this.app.inject({ method: "POST", url: "/identity/v3/users", headers, payload: { user: { name, password: "secret" } } })).json();
    const roles = (await this.app.inject({ url: "/identity/v3/roles?name=member", headers })).json();
    await this.app.inject({ method: "PUT", url: `/identity/v3/projects/${project.project.id}/users/${user.user.id}/roles/${roles.roles[0].id}`, headers });
    return { token: await this.login(name, "secret", name), projectId: project.project.id, userId: user.user.id };
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.database.close();
  }
}

export function passwordRequest(userName: string, password: string, projectName?: string): Record<string, unknown> {
  const domain = { name: "Default" };
  return {
    auth: {
      identity: { methods: ["password"], password: { user: { name: userName, domain, password } } },
      ...(projectName === undefined ? {} : { scope: { project: { name: projectName, domain } } }),
    },
  };
}
