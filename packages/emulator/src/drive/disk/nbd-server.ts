import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DiskChain } from "./disk-chain.ts";
import { SocketReader } from "./socket-reader.ts";

// The NBD protocol (doc/proto.md of nbd), as far as QEMU and qemu-img speak it with a server without extensions.
const flagFixedNewstyle = 1;
const flagNoZeroes = 2;
const option = { exportName: 1, abort: 2, list: 3, info: 6, go: 7 } as const;
const reply = { ack: 1, server: 2, info: 3, unsupported: 0x8000_0001 } as const;
const infoExport = 0;
const infoBlockSize = 3;
const command = { read: 0, write: 1, disconnect: 2, flush: 3 } as const;
/** Has flags, flush is known, force-unit-access is known. */
const transmissionFlags = 1 | 4 | 8;
const flagForceUnitAccess = 1;
const requestMagic = 0x2560_9513;
const replyMagic = 0x6744_6698;
const optionReplyMagic = 0x0003_e889_0455_65a9n;
const errorNumbers = { io: 5, invalid: 22 } as const;
// What the protocol lets a client assume; also what one request may make us hold in memory.
const requestBytesMax = 32 * 1024 * 1024;
const optionBytesMax = 65_536;

/**
 * Serves a chain of disks to QEMU, on a socket in a folder that only this user can enter. Requests are done one at a time, so that the
 * layers need no locks; a disk has one reader, its machine.
 */
export class NbdServer {
  readonly #chain: DiskChain;
  readonly #folder: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #work: Promise<unknown> = Promise.resolve();

  private constructor(chain: DiskChain, folder: string) {
    this.#chain = chain;
    this.#folder = folder;
    this.#server = createServer((socket) => void this.#serve(socket));
  }

  static async start(chain: DiskChain): Promise<NbdServer> {
    // Not in the host's own folder: the path of a socket has room for a hundred characters only.
    const server = new NbdServer(chain, await mkdtemp(join(tmpdir(), "signet-disk-")));
    await new Promise<void>((resolve, reject) => server.#server.once("error", reject).listen(join(server.#folder, "nbd"), resolve));
    server.#server.unref();
    return server;
  }

  /** What QEMU takes for a file name. */
  get address(): string {
    return `nbd+unix:///?socket=${encodeURI(join(this.#folder, "nbd"))}`;
  }

  /** Ends the connections and waits for the request that is being done. The chain stays open. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await this.#work;
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => { /* QEMU is gone; the reader sees the end. */ });
    const reader = new SocketReader(socket);
    try {
      if (await this.#negotiate(socket, reader)) while (await this.#request(socket, reader)) { /* One request after the other. */ }
    } finally {
      socket.destroy();
    }
  }

  /** True once the client may send requests. */
  async #negotiate(socket: Socket, reader: SocketReader): Promise<boolean> {
    const hello = Buffer.alloc(18);
    hello.write("NBDMAGICIHAVEOPT", "latin1");
    hello.writeUInt16BE(flagFixedNewstyle | flagNoZeroes, 16);
    socket.write(hello);
    const noZeroes = ((await reader.read(4))?.readUInt32BE(0) ?? 0) & flagNoZeroes;
    for (;;) {
      const head = await reader.read(16);
      const length = head?.readUInt32BE(12) ?? 0;
      if (!head || head.toString("latin1", 0, 8) !== "IHAVEOPT" || length > optionBytesMax || !await reader.read(length)) return false;
      const number = head.readUInt32BE(8);
      switch (number) {
        case option.exportName:
          socket.write(Buffer.concat([this.#exportFacts(), Buffer.alloc(noZeroes ? 0 : 124)]));
          return true;
        case option.info:
        case option.go:
          sendOption(socket, number, reply.info, Buffer.concat([uint16(infoExport), this.#exportFacts()]));
          sendOption(socket, number, reply.info, this.#blockSizes());
          sendOption(socket, number, reply.ack);
          if (number === option.go) return true;
          break;
        case option.list:
          sendOption(socket, number, reply.server, Buffer.alloc(4));
          sendOption(socket, number, reply.ack);
          break;
        case option.abort:
          sendOption(socket, number, reply.ack);
          return false;
        default:
          sendOption(socket, number, reply.unsupported);
      }
    }
  }

  async #request(socket: Socket, reader: SocketReader): Promise<boolean> {
    const head = await reader.read(28);
    if (!head || head.readUInt32BE(0) !== requestMagic) return false;
    const kind = head.readUInt16BE(6);
    const lengthBytes = head.readUInt32BE(24);
    if (kind === command.disconnect || lengthBytes > requestBytesMax) return false;
    const data = kind === command.write ? await reader.read(lengthBytes) : Buffer.alloc(0);
    if (!data) return false;
    const work = this.#work.then(() => this.#perform(kind, head.readUInt16BE(4), Number(head.readBigUInt64BE(16)), lengthBytes, data));
    this.#work = work;
    const { error, content } = await work;
    const answer = Buffer.alloc(16);
    answer.writeUInt32BE(replyMagic, 0);
    answer.writeUInt32BE(error, 4);
    answer.set(head.subarray(8, 16), 8);
    socket.write(Buffer.concat([answer, content]));
    return true;
  }

  async #perform(kind: number, flags: number, offset: number, lengthBytes: number, data: Buffer): Promise<{ error: number; content: Buffer }> {
    const nothing = Buffer.alloc(0);
    const sectorBytes = this.#chain.top.facts.logicalSectorBytes;
    const misplaced = offset + lengthBytes > this.#chain.sizeBytes || offset % sectorBytes !== 0 || lengthBytes % sectorBytes !== 0;
    if (misplaced && kind !== command.flush) return { error: errorNumbers.invalid, content: nothing };
    try {
      if (kind === command.read) return { error: 0, content: await this.#chain.read(offset, lengthBytes) };
      if (kind === command.write) await this.#chain.write(offset, data);
      else if (kind !== command.flush) return { error: errorNumbers.invalid, content: nothing };
      if (kind === command.flush || flags & flagForceUnitAccess) await this.#chain.flush();
      return { error: 0, content: nothing };
    } catch {
      // A damaged file or a full disk: to the guest it is a medium error, as it would be under Hyper-V.
      return { error: errorNumbers.io, content: nothing };
    }
  }

  #exportFacts(): Buffer {
    const facts = Buffer.alloc(10);
    facts.writeBigUInt64BE(BigInt(this.#chain.sizeBytes), 0);
    facts.writeUInt16BE(transmissionFlags, 8);
    return facts;
  }

  #blockSizes(): Buffer {
    const sizes = Buffer.alloc(14);
    sizes.writeUInt16BE(infoBlockSize, 0);
    sizes.writeUInt32BE(this.#chain.top.facts.logicalSectorBytes, 2);
    sizes.writeUInt32BE(4096, 6);
    sizes.writeUInt32BE(requestBytesMax, 10);
    return sizes;
  }
}

function sendOption(socket: Socket, number: number, kind: number, data: Buffer = Buffer.alloc(0)): void {
  const head = Buffer.alloc(20);
  head.writeBigUInt64BE(optionReplyMagic, 0);
  head.writeUInt32BE(number, 8);
  head.writeUInt32BE(kind, 12);
  head.writeUInt32BE(data.length, 16);
  socket.write(Buffer.concat([head, data]));
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
