import type { Socket } from "node:net";

/** Reads a socket in pieces of wanted length. One reader at a time. */
export class SocketReader {
  readonly #socket: Socket;
  #ended = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("readable", () => this.#wake());
    for (const event of ["end", "close"]) {
      socket.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
    }
  }

  /** Null when the other side ends before so much has come. */
  async read(lengthBytes: number): Promise<Buffer | null> {
    if (lengthBytes === 0) return Buffer.alloc(0);
    for (;;) {
      const bytes = this.#socket.read(lengthBytes) as Buffer | null;
      if (bytes?.length === lengthBytes) return bytes;
      if (bytes || this.#ended) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
