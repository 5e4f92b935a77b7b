import type { AddressInfo } from "node:net";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ImageReport } from "@signet/secure-boot";
import { registerImageApi } from "../api/image/index.ts";
import { TestIdentity } from "../api/identity/test-identity.ts";
import { blankReport } from "./judge/blank-report.ts";
import { ImageFiles } from "./image-files.ts";
import type { JudgeRequest } from "./judge/judge-image.ts";

export interface ImageAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- each test knows what it asked for
  readonly body: any;
}

/** An image service that listens, with a judge that says what the test wants. */
export class TestImages {
  readonly identity: TestIdentity;
  readonly files: ImageFiles;
  readonly folder: string;
  /** What the judge answers; the default finds nothing to say. */
  judge: (request: JudgeRequest) => Promise<ImageReport> = async ({ file, declaredFormat, sizeBytes }) =>
    blankReport({ outcome: "unknown", file, detected: "raw", declared: declaredFormat, sizeBytes, trusts: ["MicrosoftWindows"], reason: { code: "SIG-TEST", text: "nobody looked" } });
  /** What the disk has left; null asks it. */
  freeBytes: number | null = null;
  token = "";
  base = "";

  private constructor(identity: TestIdentity, folder: string) {
    this.identity = identity;
    this.folder = folder;
    this.files = new ImageFiles(folder, { freeBytes: async () => this.freeBytes ?? Number.MAX_SAFE_INTEGER });
  }

  static async start(): Promise<TestImages> {
    const images = new TestImages(await TestIdentity.start(), await mkdtemp(join(tmpdir(), "signet-images-")));
    const { identity, files } = images;
    await files.open(async () => new Set());
    await registerImageApi(identity.app, { store: identity.database.store, files, judge: (request) => images.judge(request), nodeId: "node-1", readSession: identity.readSession });
    await identity.app.listen({ host: "127.0.0.1", port: 0 });
    images.base = `http://127.0.0.1:${(identity.app.server.address() as AddressInfo).port}/image`;
    images.token = await identity.loginAsAdmin();
    return images;
  }

  async ask(method: string, path: string, options: { body?: unknown; data?: string | Uint8Array; headers?: Record<string, string>; token?: string } = {}): Promise<ImageAnswer> {
    const type: Record<string, string> = options.data !== undefined ? { "content-type": "application/octet-stream" } : options.body !== undefined ? { "content-type": "application/json" } : {};
    const response = await fetch(`${this.base}${path}`, {
      method, redirect: "manual", headers: { "x-auth-token": options.token ?? this.token, accept: "application/json", ...type, ...options.headers },
      ...(options.data !== undefined ? { body: options.data, duplex: "half" } : options.body !== undefined ? { body: JSON.stringify(options.body) } : {}),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: response.headers.get("content-type")?.includes("json") === true && text !== "" ? JSON.parse(text) : null };
  }

  async create(name: string, more: Record<string, unknown> = {}, token?: string): Promise<string> {
    const { status, body, text } = await this.ask("POST", "/v2/images", { body: { name, disk_format: "raw", container_format: "bare", ...more }, ...(token === undefined ? {} : { token }) });
    if (status !== 201) throw new Error(`image ${name}: ${status} ${text}`);
    return body.id;
  }

  async upload(name: string, data: string | Uint8Array, more: Record<string, unknown> = {}): Promise<string> {
    const id = await this.create(name, more);
    const { status, text } = await this.ask("PUT", `/v2/images/${id}/file`, { data });
    if (status !== 204) throw new Error(`upload of ${name}: ${status} ${text}`);
    return id;
  }

  patch(idOrName: string, steps: unknown, version = "v2.1"): Promise<ImageAnswer> {
    return this.ask("PATCH", `/v2/images/${encodeURIComponent(idOrName)}`, { body: steps, headers: { "content-type": `application/openstack-images-${version}-json-patch` } });
  }

  /** Every file of the service, below its folder. */
  async listFiles(): Promise<readonly string[]> {
    const found = await readdir(this.folder, { recursive: true, withFileTypes: true });
    return found.filter((entry) => entry.isFile()).map((entry) => entry.name);
  }

  async close(): Promise<void> {
    await this.identity.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
