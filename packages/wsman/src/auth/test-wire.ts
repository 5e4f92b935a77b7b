import { createServer, connect, type AddressInfo, type Server, type Socket } from "node:net";
import type { TestContext } from "node:test";

/** A stretch of network between a client and a host, for tests: it counts connections, listens, changes what passes, and breaks. */
export class TestWire {
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #sockets = new Set<Socket>();
  /** Connections since the beginning. */
  connections = 0;
  /** All bytes of both ways. */
  heard = Buffer.alloc(0);
  /** What passes on towards the host, and back from it. */
  onRequest: (data: Buffer) => Buffer = (data) => data;
  onAnswer: (data: Buffer) => Buffer = (data) => data;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((client) => this.#relay(client));
  }

  static async open(context: TestContext, targetPort: number): Promise<TestWire> {
    const wire = new TestWire(targetPort);
    await new Promise<void>((resolve) => wire.#server.listen(0, "127.0.0.1", resolve));
    context.after(() => {
      wire.cut();
      wire.#server.close();
    });
    return wire;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get open(): number {
    return this.#sockets.size / 2;
  }

  /** Ends every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #relay(client: Socket): void {
    this.connections++;
    const host = connect(this.#targetPort, "127.0.0.1");
    const pass = (from: Socket, to: Socket, change: (data: Buffer) => Buffer) => {
      this.#sockets.add(from);
      from.on("error", () => {}).on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.on("data", (data: Buffer) => {
        this.heard = Buffer.concat([this.heard, data]);
        to.write(change(data));
      });
    };
    pass(client, host, (data) => this.onRequest(data));
    pass(host, client, (data) => this.onAnswer(data));
  }
}
