import type { Readable, Writable } from "node:stream";

/** QEMU's machine protocol: one JSON document a line, commands answered in order, events between them. */
export class QmpConnection {
  readonly #waiting: { resolve(value: unknown): void; reject(error: Error): void; command: string }[] = [];
  readonly #output: Writable;
  readonly #onEvent: (event: QmpEvent) => void;
  #rest = "";
  #closed = false;

  constructor(input: Readable, output: Writable, onEvent: (event: QmpEvent) => void) {
    this.#output = output;
    this.#onEvent = onEvent;
    input.setEncoding("utf8");
    input.on("data", (text: string) => this.#read(text));
    input.on("close", () => this.#close());
    output.on("error", () => this.#close());
  }

  /** @throws Error with QEMU's own words when it refuses, or when it is gone */
  execute(command: string, commandArguments?: Readonly<Record<string, unknown>>): Promise<unknown> {
    if (this.#closed) return Promise.reject(new Error(`QEMU is gone; ${command} cannot be done.`));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject, command });
      this.#output.write(`${JSON.stringify({ execute: command, ...(commandArguments ? { arguments: commandArguments } : {}) })}\n`);
    });
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") this.#take(JSON.parse(line) as QmpMessage);
  }

  #take(message: QmpMessage): void {
    if (message.event !== undefined) return this.#onEvent({ name: message.event, data: message.data ?? {} });
    if (message.QMP !== undefined) return;
    const waiting = this.#waiting.shift();
    if (message.error) waiting?.reject(new Error(`QEMU refuses ${waiting.command}: ${message.error.desc}`));
    else waiting?.resolve(message.return);
  }

  #close(): void {
    this.#closed = true;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(new Error(`QEMU ended before it answered ${waiting.command}.`));
  }
}

export interface QmpEvent {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

interface QmpMessage {
  readonly QMP?: unknown;
  readonly event?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}
