import { execFileSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HostImage } from "@signet/control-plane/ports";

const formats = { vhdx: "vhdx", vhd: "vpc" } as const;

/** Two small disks made by qemu-img, and an address for each from which a host fetches it. */
export class ImageSource {
  readonly #folder: string;
  readonly #server: Server;
  readonly #address: string;
  readonly #images = new Map<string, HostImage>();
  readonly #paths = new Map<string, string>();
  /** How often an image was asked for. */
  requests = 0;

  private constructor(folder: string, server: Server, address: string) {
    this.#folder = folder;
    this.#server = server;
    this.#address = address;
  }

  /** `host` is an address of this computer that the host under test reaches. */
  static async start(host = "127.0.0.1"): Promise<ImageSource> {
    const folder = await mkdtemp(join(tmpdir(), "signet-images-"));
    const server = createServer();
    await new Promise<void>((listening) => server.listen(0, host, listening));
    const source = new ImageSource(folder, server, `http://${host}:${(server.address() as AddressInfo).port}`);
    server.on("request", (request, response) => {
      source.requests += 1;
      const path = source.#paths.get(request.url ?? "");
      if (path === undefined) return void response.writeHead(404).end();
      response.writeHead(200, { "Content-Type": "application/octet-stream" });
      return void createReadStream(path).pipe(response);
    });
    for (const format of ["vhdx", "vhd"] as const) await source.#make(format);
    return source;
  }

  image(format: "vhdx" | "vhd"): HostImage {
    return this.#images.get(format)!;
  }

  /** An address of the same server that leads nowhere. */
  get deadAddress(): string {
    return `${this.#address}/${randomUUID()}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #make(format: "vhdx" | "vhd"): Promise<void> {
    const path = join(this.#folder, `image.${format}`);
    execFileSync("qemu-img", ["create", "-q", "-f", formats[format], path, "32M"]);
    const bytes = await readFile(path);
    const url = `/${randomUUID()}`;
    this.#paths.set(url, path);
    this.#images.set(format, {
      imageId: randomUUID() as HostImage["imageId"], format, sha256: createHash("sha256").update(bytes).digest("hex"), sizeBytes: bytes.length, sourceUrl: `${this.#address}${url}`,
    });
  }
}
