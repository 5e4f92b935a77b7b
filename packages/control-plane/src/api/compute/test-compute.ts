import { randomBytes, randomUUID } from "node:crypto";
import { type ComputeService, startCompute } from "../../compute/compute-service.ts";
import type { BootImage } from "../../compute/image-port.ts";
import type { ImageId } from "../../ids.ts";
import type { HostFacts } from "../../ports.ts";
import { sampleFacts } from "../../scheduling/sample-hosts.ts";
import { SecretBox } from "../../store/secret-box.ts";
import { MemoryHost } from "../../workflows/memory-host.ts";
import { TestIdentity } from "../identity/test-identity.ts";
import { registerComputeApi } from "./index.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  // oxlint-disable-next-line typescript/no-explicit-any -- each test knows what it asked for
  readonly body: any;
}

/** A compute API with its workers over hosts in memory, for tests of what clients see. */
export class TestCompute {
  readonly identity: TestIdentity;
  readonly compute: ComputeService;
  readonly hosts: ReadonlyMap<string, MemoryHost>;
  readonly images: Map<string, BootImage>;
  readonly problems: { what: string; details: unknown }[];
  readonly #adminToken: string;

  private constructor(identity: TestIdentity, compute: ComputeService, parts: Pick<TestCompute, "hosts" | "images" | "problems">, adminToken: string) {
    this.identity = identity;
    this.compute = compute;
    this.hosts = parts.hosts;
    this.images = parts.images;
    this.problems = parts.problems;
    this.#adminToken = adminToken;
  }

  /** Hosts by name with their release, or their facts; `registerMore` adds APIs to the same server. */
  static async start(hosts: Readonly<Record<string, string | HostFacts>>, registerMore?: (identity: TestIdentity, compute: ComputeService) => Promise<void>): Promise<TestCompute> {
    const identity = await TestIdentity.start();
    const made = new Map(Object.entries(hosts).map(([name, facts]) => [name, new MemoryHost(typeof facts === "string" ? sampleFacts(facts) : facts)]));
    const images = new Map<string, BootImage>();
    const problems: { what: string; details: unknown }[] = [];
    const compute = await startCompute({
      store: identity.database.store, secrets: new SecretBox(randomBytes(32)), nodeId: "node-1", isWorker: true, connectHost: ({ name }) => made.get(name)!,
      images: { findForBoot: async (id) => images.get(id) ?? null, issueTransfer: async () => ({ sha256: "00".repeat(32), sizeBytes: 1000, sourceUrl: "http://127.0.0.1:1/once" }) },
      onProblem: (what, details) => problems.push({ what, details }),
    });
    const { store } = identity.database;
    await registerComputeApi(identity.app, { store, servers: compute.servers, registry: compute.registry, readSession: identity.readSession });
    await registerMore?.(identity, compute);
    const token = await identity.loginAsAdmin();
    for (const name of made.keys()) await compute.registry.register({ name, url: `http://${name}.example/wsman`, user: "u", password: "p", tlsFingerprint: null });
    return new TestCompute(identity, compute, { hosts: made, images, problems }, token);
  }

  addImage(name: string, properties: Record<string, string>, changes: Partial<BootImage> = {}): string {
    const id = randomUUID() as ImageId;
    this.images.set(id, {
      id, name, status: "active", properties, detectedFormat: "vhdx", sizeBytes: 1000, virtualSizeBytes: 1024 ** 3, minRamMib: 0, minDiskGib: 0, report: null,
      signature: { value: "MicrosoftUEFICertificateAuthority", source: "derived", contradiction: null }, ...changes,
    });
    return id;
  }

  async ask(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: unknown, options: { version?: string; token?: string } = {}): Promise<Answer> {
    const headers = { "x-auth-token": options.token ?? this.#adminToken, ...(options.version === undefined ? {} : { "openstack-api-version": `compute ${options.version}` }) };
    const answer = await this.identity.app.inject({ method, url: `/compute/v2.1${path}`, headers, ...(body === undefined ? {} : { payload: JSON.stringify(body) }) });
    const isJson = String(answer.headers["content-type"]).startsWith("application/json");
    return { status: answer.statusCode, headers: answer.headers, body: isJson && answer.body !== "" ? answer.json() : answer.body };
  }

  createServer(name: string, imageRef: string, changes: Record<string, unknown> = {}, hints?: Record<string, unknown>): Promise<Answer> {
    return this.ask("POST", "/servers", { server: { name, imageRef, flavorRef: "1", networks: "none", ...changes }, ...(hints === undefined ? {} : { "os:scheduler_hints": hints }) }, { version: "2.37" });
  }

  /** Waits until the server has left the state that it is passing through. */
  // oxlint-disable-next-line typescript/no-explicit-any -- each test knows what it asked for
  async settled(id: string): Promise<any> {
    const deadline = Date.now() + 10_000;
    while (Date.now() < deadline) {
      const { body, status } = await this.ask("GET", `/servers/${id}`, undefined, { version: "2.93" });
      if (status === 404) return null;
      if (body.server.status !== "BUILD" && body.server["OS-EXT-STS:task_state"] === null) return body.server;
      await new Promise((settle) => setTimeout(settle, 20));
    }
    throw new Error(`server ${id} does not settle`);
  }

  async close(): Promise<void> {
    await this.compute.close();
    await this.identity.close();
  }
}
