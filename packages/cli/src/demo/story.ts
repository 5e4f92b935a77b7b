import { spawn } from "node:child_process";

export interface CommandResult {
  readonly exitCode: number;
  readonly output: string;
}

/** Longest that one client command of the demo may take; the slowest waits for a machine to boot under emulation. */
const COMMAND_TIMEOUT_MS = 120_000;

/** A story in numbered steps: what is about to happen, the command that does it, what came out, how long it took. */
export class Story {
  #step = 0;
  #startedAt = performance.now();
  readonly #environment: NodeJS.ProcessEnv;
  readonly #write: (text: string) => void;

  constructor(environment: NodeJS.ProcessEnv, write: (text: string) => void) {
    this.#environment = environment;
    this.#write = write;
  }

  /** The same story, from here on with the user's environment. */
  continueAs(environment: NodeJS.ProcessEnv): Story {
    const story = new Story(environment, this.#write);
    story.#step = this.#step;
    return story;
  }

  begin(title: string): void {
    this.#step += 1;
    this.#startedAt = performance.now();
    this.#write(`\n${this.#step}. ${title}\n`);
  }

  end(): void {
    this.#write(`   (${((performance.now() - this.#startedAt) / 1000).toFixed(1)} s)\n`);
  }

  tell(text: string): void {
    this.#write(indent(text));
  }

  /** Runs a command that the reader could type, shows it, and shows the lines of its output that `pick` keeps. */
  async type(command: readonly string[], pick: (lines: readonly string[]) => readonly string[] = (lines) => lines): Promise<CommandResult> {
    this.#write(`   $ ${command.map(quote).join(" ")}\n`);
    const result = await this.run(command);
    this.tell(pick(result.output.split("\n").filter((line) => line.trim() !== "")).join("\n"));
    return result;
  }

  run(command: readonly string[]): Promise<CommandResult> {
    const [program, ...args] = command;
    return new Promise((settle, fail) => {
      const child = spawn(program!, args, { env: this.#environment, stdio: ["ignore", "pipe", "pipe"], timeout: COMMAND_TIMEOUT_MS });
      const chunks: Buffer[] = [];
      child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
      child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
      child.on("error", fail);
      child.on("close", (code) => settle({ exitCode: code ?? 1, output: Buffer.concat(chunks).toString() }));
    });
  }
}

/** A promise of the demo that was not kept: the demo ends with 1 and says which. */
export class DemoFailure extends Error {
  override readonly name = "DemoFailure";
}

export function expect(condition: boolean, what: string): asserts condition {
  if (!condition) throw new DemoFailure(what);
}

function indent(text: string): string {
  return text === "" ? "" : `${text.split("\n").map((line) => `     ${line}`).join("\n")}\n`;
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
