import { type Command, CommandSyntaxError, type Condition, type Redirection } from "./command-tree.ts";

const delimiters = " \t,;=";
const comparisons: ReadonlySet<string> = new Set(["equ", "neq", "lss", "leq", "gtr", "geq"]);
// Groups within groups; a line of the greatest length could otherwise exhaust the stack.
const depthMax = 100;

/** Parses a line, in which variables are already replaced. @throws CommandSyntaxError */
export function parseLine(line: string): Command | null {
  const parser = new LineParser(line);
  const command = parser.sequence();
  parser.requireEnd();
  return command;
}

/** Recursive descent, loosest binding first: `&`, `||`, `&&`, `|`, then groups, IF, and single commands. */
class LineParser {
  readonly #line: string;
  #at = 0;
  #depth = 0;

  constructor(line: string) {
    this.#line = line;
  }

  sequence(): Command | null {
    let left = this.#alternatives();
    while (this.#peek() === "&" || this.#peek() === "\n") {
      this.#at++;
      const right = this.#alternatives();
      // A stray `&` at the end is nothing to run.
      if (right) left = left ? { kind: "join", operator: "&", left, right } : right;
    }
    return left;
  }

  requireEnd(): void {
    if (this.#peek() !== "") throw unexpected(this.#peek());
  }

  #alternatives(): Command | null {
    return this.#joined("||", () => this.#joined("&&", () => this.#joined("|", () => this.#command())));
  }

  #joined(operator: "&&" | "||" | "|", next: () => Command | null): Command | null {
    let left = next();
    while (this.#isOperator(operator)) {
      if (!left) throw unexpected(operator);
      this.#at += operator.length;
      const right = next();
      if (!right) throw this.#peek() === "" ? new CommandSyntaxError("The syntax of the command is incorrect.") : unexpected(this.#peek());
      left = { kind: "join", operator, left, right };
    }
    return left;
  }

  #isOperator(operator: string): boolean {
    this.#peek();
    if (!this.#line.startsWith(operator, this.#at)) return false;
    return operator.length === 2 || this.#line[this.#at + 1] !== operator;
  }

  #command(): Command | null {
    while (delimiters.includes(this.#peek() || "x") || this.#peek() === "@") this.#at++;
    const first = this.#peek();
    if (first === "(") return this.#group();
    if (/^if(?![^\s,;=/("])/i.test(this.#line.slice(this.#at))) return this.#if();
    if (first === "" || first === ")" || first === "&" || first === "|" || first === "\n") return null;
    const { text, redirections } = this.#simple();
    return { kind: "run", text, redirections };
  }

  #group(): Command {
    if (++this.#depth > depthMax) throw new CommandSyntaxError("The command line is nested too deeply.");
    this.#at++;
    const body = this.sequence();
    if (this.#peek() !== ")" || !body) throw this.#peek() === "" ? new CommandSyntaxError("The syntax of the command is incorrect.") : unexpected(this.#peek());
    this.#at++;
    this.#depth--;
    const redirections: Redirection[] = [];
    for (let found = this.#redirectionAhead(); found !== null; found = this.#redirectionAhead()) redirections.push(found);
    return redirections.length === 0 ? body : { kind: "group", body, redirections };
  }

  #redirectionAhead(): Redirection | null {
    const digit = /^\s*(\d?)[<>]/.exec(this.#line.slice(this.#at))?.[1];
    if (digit === undefined) return null;
    this.#peek();
    this.#at += digit.length;
    const redirection = this.#redirection(digit === "" ? null : Number(digit));
    this.#at++;
    return redirection;
  }

  #if(): Command {
    this.#at += 2;
    const condition = this.#condition();
    const grouped = this.#peekWordStart() === "(";
    const whenTrue = grouped ? this.#group() : this.sequence();
    if (!whenTrue) throw new CommandSyntaxError("The syntax of the command is incorrect.");
    if (!grouped || !/^\s*else\b/i.test(this.#line.slice(this.#at))) return { kind: "if", condition, whenTrue, whenFalse: null };
    this.#at = this.#line.toLowerCase().indexOf("else", this.#at) + 4;
    const whenFalse = this.#peekWordStart() === "(" ? this.#group() : this.sequence();
    return { kind: "if", condition, whenTrue, whenFalse };
  }

  #condition(): Condition {
    let word = this.#word();
    const flags = { negated: false, ignoreCase: false };
    for (; word.toLowerCase() === "/i" || word.toLowerCase() === "not"; word = this.#word()) {
      if (word.toLowerCase() === "not") flags.negated = !flags.negated;
      else flags.ignoreCase = true;
    }
    switch (word.toLowerCase()) {
      case "exist": return { ...flags, test: { kind: "exist", path: unquoted(this.#word()) } };
      case "errorlevel": return { ...flags, test: { kind: "errorlevel", least: Number.parseInt(this.#word(), 10) || 0 } };
      case "defined": return { ...flags, test: { kind: "defined", name: this.#word() } };
      default: return { ...flags, test: { kind: "compare", left: word, operator: this.#comparison(), right: this.#word() } };
    }
  }

  #comparison(): string {
    const rest = this.#line.slice(this.#at).trimStart();
    if (rest.startsWith("==")) {
      this.#at = this.#line.indexOf("==", this.#at) + 2;
      return "==";
    }
    const word = this.#word();
    if (!comparisons.has(word.toLowerCase())) throw unexpected(word);
    return word.toLowerCase();
  }

  /** A word of an IF: up to a delimiter outside quotes. */
  #word(): string {
    this.#peekWordStart();
    let word = "";
    let quoted = false;
    for (; this.#at < this.#line.length; this.#at++) {
      const character = this.#line[this.#at] ?? "";
      if (character === '"') quoted = !quoted;
      else if (!quoted && (delimiters.includes(character) || "()&|<>\n".includes(character))) break;
      word += character;
    }
    if (word === "") throw new CommandSyntaxError("The syntax of the command is incorrect.");
    return word;
  }

  #peekWordStart(): string {
    while (this.#at < this.#line.length && " \t,;".includes(this.#line[this.#at] ?? "")) this.#at++;
    return this.#line[this.#at] ?? "";
  }

  /** One command's text with carets removed, and what is redirected within it. */
  #simple(): { text: string; redirections: readonly Redirection[] } {
    const redirections: Redirection[] = [];
    let text = "";
    let quoted = false;
    for (; this.#at < this.#line.length; this.#at++) {
      const character = this.#line[this.#at] ?? "";
      if (character === '"') quoted = !quoted;
      else if (!quoted && character === "^") {
        this.#at++;
        text += this.#line[this.#at] ?? "";
        continue;
      } else if (!quoted && (character === "<" || character === ">")) {
        const digit = /(?:^|[\s,;=])(\d)$/.exec(text)?.[1];
        if (digit !== undefined) text = text.slice(0, -1);
        redirections.push(this.#redirection(digit === undefined ? null : Number(digit)));
        continue;
      } else if (!quoted && ("&|\n".includes(character) || (character === ")" && this.#depth > 0))) break;
      text += character;
    }
    return { text, redirections };
  }

  /** Leaves the position on the last character of the target. */
  #redirection(digit: number | null): Redirection {
    const isInput = this.#line[this.#at] === "<";
    const isAppending = this.#line.startsWith(">>", this.#at);
    this.#at += isAppending ? 2 : 1;
    const handle = digit ?? (isInput ? 0 : 1);
    if (this.#line[this.#at] === "&") {
      const other = /^&([0-2])/.exec(this.#line.slice(this.#at))?.[1];
      if (other === undefined) throw unexpected("&");
      this.#at++;
      return { handle, mode: isInput ? "read" : "write", target: { handle: Number(other) } };
    }
    const target = unquoted(this.#word());
    this.#at--;
    return { handle, mode: isInput ? "read" : isAppending ? "append" : "write", target };
  }

  /** The next character that counts, or "" at the end. */
  #peek(): string {
    while (this.#line[this.#at] === " " || this.#line[this.#at] === "\t" || this.#line[this.#at] === "\r") this.#at++;
    return this.#line[this.#at] ?? "";
  }
}

export function unquoted(text: string): string {
  return text.replaceAll('"', "");
}

function unexpected(what: string): CommandSyntaxError {
  return new CommandSyntaxError(`${what} was unexpected at this time.`);
}
