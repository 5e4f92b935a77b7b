import { type ChildProcess, spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { SignetServer } from "@signet/control-plane/api-shapes";

const launcher = fileURLToPath(new URL("../../signet", import.meta.url));
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 60_000;
const POLL_INTERVAL_MS = 200;

export interface CloudOptions {
  readonly releases?: readonly string[];
  readonly machines?: "firmware" | "instant";
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON, or the text when it is none. */
  // oxlint-disable-next-line typescript/no-explicit-any -- answers of three APIs; each test knows what it asked for
  readonly body: any;
}

/** A cloud as users run it: `./signet up` as a process of its own, on a new folder and free ports. */
export class RunningCloud {
  readonly folder: string;
  readonly #options: CloudOptions;
  #process: ChildProcess | null = null;
  #output = "";
  #endpoints: Record<string, any> = {};
  #token = "";

  private constructor(folder: string, options: CloudOptions) {
    this.folder = folder;
    this.#options = options;
  }

  static async start(options: CloudOptions = {}): Promise<RunningCloud> {
    const cloud = new RunningCloud(await mkdtemp(join(tmpdir(), "signet-cloud-")), options);
    await cloud.resume();
    return cloud;
  }

  /** Starts the program again on the same folder. */
  async resume(): Promise<void> {
    const readyFile = join(this.folder, `ready-${Date.now()}.json`);
    const args = ["up", "--data", join(this.folder, "data"), "--listen", "127.0.0.1:0", "--ready-file", readyFile, "--machines", this.#options.machines ?? "instant"];
    if (this.#options.releases !== undefined) args.push("--release", this.#options.releases.join(","));
    this.#output = "";
    const child = spawn(launcher, args, { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", (chunk: Buffer) => (this.#output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (this.#output += chunk.toString()));
    this.#process = child;
    await this.#waitForReady(readyFile);
    this.#endpoints = JSON.parse(await readFile(readyFile, "utf8"));
    this.#token = await this.#authenticate();
  }

  get processId(): number {
    return this.#process!.pid!;
  }

  /** What the program has printed since it was started last. */
  get output(): string {
    return this.#output;
  }

  get hosts(): readonly { name: string; release: string; url: string; user: string; passwordFile: string }[] {
    return this.#endpoints["hosts"];
  }

  endpoint(name: "identity" | "image" | "compute" | "signet" | "dashboard"): string {
    return this.#endpoints[name];
  }

  get dataFolder(): string {
    return join(this.folder, "data");
  }

  /** Variables for unmodified clients, with a home of their own. */
  async clientEnvironment(): Promise<NodeJS.ProcessEnv> {
    const openrc = await readFile(join(this.dataFolder, "openrc"), "utf8");
    const variables = Object.fromEntries([...openrc.matchAll(/^export (\w+)='([^']*)'$/gm)].map((match) => [match[1]!, match[2]!]));
    return { ...process.env, ...variables, HOME: this.folder, PYTHONWARNINGS: "ignore" };
  }

  async request(method: string, service: "identity" | "image" | "compute" | "signet", path: string, body?: unknown, headers: Record<string, string> = {}): Promise<ApiAnswer> {
    const base = service === "image" ? `${this.endpoint("image")}/v2` : this.endpoint(service);
    const response = await fetch(`${base}${path}`, {
      method,
      headers: { "X-Auth-Token": this.#token, Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parse(text) };
  }

  /** Registers an image and uploads its file. Answers with the upload's status and the image as it is afterwards. */
  async uploadImage(name: string, file: string, properties: Record<string, string> = {}, diskFormat = "vhdx"): Promise<{ id: string; uploadStatus: number; image: any }> {
    const created = await this.request("POST", "image", "/images", { name, disk_format: diskFormat, container_format: "bare", ...properties });
    if (created.status !== 201) throw new Error(`image ${name} was answered ${created.status}: ${JSON.stringify(created.body)}`);
    const id = created.body.id as string;
    const { size } = await stat(file);
    const uploaded = await fetch(`${this.endpoint("image")}/v2/images/${id}/file`, {
      method: "PUT",
      headers: { "X-Auth-Token": this.#token, "Content-Type": "application/octet-stream", "Content-Length": String(size) },
      body: Readable.toWeb(createReadStream(file)) as ReadableStream,
      duplex: "half",
    });
    await uploaded.text();
    return { id, uploadStatus: uploaded.status, image: (await this.request("GET", "image", `/images/${id}`)).body };
  }

  async createFlavor(name: string, extraSpecs: Record<string, string> = {}, ramMiB = 256): Promise<string> {
    const created = await this.request("POST", "compute", "/flavors", { flavor: { name, ram: ramMiB, vcpus: 1, disk: 1 } });
    if (created.status !== 200) throw new Error(`flavor ${name} was answered ${created.status}: ${JSON.stringify(created.body)}`);
    const id = created.body.flavor.id as string;
    if (Object.keys(extraSpecs).length > 0) await this.request("POST", "compute", `/flavors/${id}/os-extra_specs`, { extra_specs: extraSpecs });
    return id;
  }

  createServer(name: string, imageId: string, flavorId: string, hints: Record<string, unknown> = {}): Promise<ApiAnswer> {
    const body = { server: { name, imageRef: imageId, flavorRef: flavorId, networks: "none" }, ...(Object.keys(hints).length > 0 ? { "os:scheduler_hints": hints } : {}) };
    return this.request("POST", "compute", "/servers", body, { "OpenStack-API-Version": "compute 2.37" });
  }

  /** Waits until the server leaves BUILD; the server as compute shows it. */
  async waitForServer(id: string, timeoutMs = 60_000): Promise<any> {
    return this.waitFor(async () => {
      const { body } = await this.request("GET", "compute", `/servers/${id}`);
      return body.server !== undefined && body.server.status !== "BUILD" ? body.server : null;
    }, `server ${id} to leave BUILD`, timeoutMs);
  }

  async signetServer(id: string): Promise<SignetServer> {
    return (await this.request("GET", "signet", `/servers/${id}`)).body as SignetServer;
  }

  async waitFor<Found>(look: () => Promise<Found | null>, what: string, timeoutMs = 60_000): Promise<Found> {
    const deadline = Date.now() + timeoutMs;
    while (Date.now() < deadline) {
      const found = await look();
      if (found !== null) return found;
      await new Promise((settle) => setTimeout(settle, POLL_INTERVAL_MS));
    }
    throw new Error(`waited ${timeoutMs / 1000} s in vain for ${what}`);
  }

  /** kill -9, as a power cut or the kernel's memory killer would. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Stops the program and removes the folder. */
  async remove(): Promise<void> {
    if (this.#process !== null) await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null) return;
    const exited = new Promise((settle) => child.on("exit", settle));
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  }

  async #waitForReady(readyFile: string): Promise<void> {
    const child = this.#process!;
    const deadline = Date.now() + START_TIMEOUT_MS;
    while ((await stat(readyFile).catch(() => null)) === null) {
      if (child.exitCode !== null) throw new Error(`signet up ended with ${child.exitCode}:\n${this.#output}`);
      if (Date.now() > deadline) throw new Error(`signet up was not ready in time:\n${this.#output}`);
      await new Promise((settle) => setTimeout(settle, 50));
    }
  }

  /** A fresh token of the administrator, for requests that a test writes by hand. */
  issueToken(): Promise<string> {
    return this.#authenticate();
  }

  async #authenticate(): Promise<string> {
    const environment = await this.clientEnvironment();
    const domain = { name: "Default" };
    const auth = {
      identity: { methods: ["password"], password: { user: { name: "admin", domain, password: environment["OS_PASSWORD"] } } },
      scope: { project: { name: "admin", domain } },
    };
    const response = await fetch(`${this.endpoint("identity")}/auth/tokens`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ auth }) });
    const token = response.headers.get("X-Subject-Token");
    if (token === null) throw new Error(`no token: ${response.status} ${await response.text()}`);
    return token;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
