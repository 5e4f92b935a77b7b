import { ObjectPathError, parseObjectPath } from "../object-path.ts";
import type { CimReference } from "../cim.ts";
import type { AssociatorsQuery, CompareOperator, ReferencesQuery, SelectQuery, WqlCondition, WqlLiteral, WqlOperand, WqlQuery } from "./ast.ts";
import { tokenize, WqlSyntaxError, type WqlToken } from "./lexer.ts";

// Queries nest two or three levels; the limit keeps a hostile one off the stack.
export const wqlDepthMax = 64;

/** @throws WqlSyntaxError with the place in the text */
export function parseWql(text: string): WqlQuery {
  return new Parser(text).query();
}

class Parser {
  readonly #tokens: readonly WqlToken[];
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokenize(text);
  }

  query(): WqlQuery {
    const query = this.#accept("SELECT") ? this.#select() : this.#accept("ASSOCIATORS") ? this.#associators() : this.#accept("REFERENCES") ? this.#references() : null;
    if (query === null) throw this.#error("SELECT, ASSOCIATORS OF or REFERENCES OF");
    if (this.#peek()) throw this.#error("the end of the query");
    return query;
  }

  #select(): SelectQuery {
    let properties: "*" | string[] = "*";
    if (!this.#acceptSign("*")) {
      properties = [this.#word("a property name")];
      while (this.#acceptSign(",")) properties.push(this.#word("a property name"));
    }
    this.#expect("FROM");
    const className = this.#word("a class name");
    return { kind: "select", properties, className, where: this.#accept("WHERE") ? this.#or() : null };
  }

  #associators(): AssociatorsQuery {
    const object = this.#path();
    const words = this.#assignments(["AssocClass", "ResultClass", "Role", "ResultRole"]);
    return { kind: "associators", object, assocClass: words.assocclass ?? null, resultClass: words.resultclass ?? null, role: words.role ?? null, resultRole: words.resultrole ?? null };
  }

  #references(): ReferencesQuery {
    const object = this.#path();
    const words = this.#assignments(["ResultClass", "Role"]);
    return { kind: "references", object, resultClass: words.resultclass ?? null, role: words.role ?? null };
  }

  #path(): CimReference {
    this.#expect("OF");
    const token = this.#next();
    if (token?.kind !== "path") throw this.#error("an object path in braces", token);
    try {
      return parseObjectPath(token.text);
    } catch (cause) {
      if (cause instanceof ObjectPathError) throw new WqlSyntaxError(cause.message, { cause });
      throw cause;
    }
  }

  #assignments(allowed: readonly string[]): Record<string, string> {
    const words: Record<string, string> = {};
    if (!this.#accept("WHERE")) return words;
    do {
      const name = this.#word(allowed.join(", "));
      if (!allowed.some((one) => one.toLowerCase() === name.toLowerCase())) throw new WqlSyntaxError(`"${name}" is not known here; use ${allowed.join(", ")}.`);
      if (!this.#acceptSign("=")) throw this.#error('"="');
      const value = this.#next();
      if (value?.kind !== "word" && value?.kind !== "string") throw this.#error(`a name for ${name}`, value);
      words[name.toLowerCase()] = value.text;
    } while (this.#peek()?.kind === "word");
    return words;
  }

  #or(): WqlCondition {
    const terms = [this.#and()];
    while (this.#accept("OR")) terms.push(this.#and());
    return terms.length === 1 ? terms[0] as WqlCondition : { kind: "or", terms };
  }

  #and(): WqlCondition {
    const terms = [this.#not()];
    while (this.#accept("AND")) terms.push(this.#not());
    return terms.length === 1 ? terms[0] as WqlCondition : { kind: "and", terms };
  }

  #not(): WqlCondition {
    this.#depth += 1;
    if (this.#depth > wqlDepthMax) throw new WqlSyntaxError(`Conditions nest deeper than ${wqlDepthMax}.`);
    try {
      if (this.#accept("NOT")) return { kind: "not", term: this.#not() };
      if (!this.#acceptSign("(")) return this.#comparison();
      const inner = this.#or();
      if (!this.#acceptSign(")")) throw this.#error('")"');
      return inner;
    } finally {
      this.#depth -= 1;
    }
  }

  #comparison(): WqlCondition {
    const left = this.#operand();
    if (this.#accept("IS")) {
      const negated = this.#accept("NOT");
      this.#expect("NULL");
      return { kind: "isNull", operand: left, negated };
    }
    if (this.#accept("ISA")) return { kind: "isa", operand: left, className: this.#wordOrString("a class name") };
    const negated = this.#accept("NOT");
    if (this.#accept("LIKE")) return { kind: "like", operand: left, pattern: this.#string("a pattern"), negated };
    const token = this.#next();
    const operator = token?.text === "<>" ? "!=" : token?.text;
    if (negated || token?.kind !== "sign" || !["=", "!=", "<", "<=", ">", ">="].includes(operator ?? "")) throw this.#error("a comparison", token);
    return { kind: "compare", left, operator: operator as CompareOperator, right: this.#operand() };
  }

  #operand(): WqlOperand {
    const token = this.#next();
    if (token?.kind === "string") return { kind: "literal", value: token.text };
    if (token?.kind === "number") return { kind: "literal", value: numberLiteral(token.text) };
    if (token?.kind !== "word") throw this.#error("a property or a value", token);
    const constants: Readonly<Record<string, WqlLiteral>> = { TRUE: true, FALSE: false, NULL: null };
    const upper = token.text.toUpperCase();
    return Object.hasOwn(constants, upper) ? { kind: "literal", value: constants[upper] ?? null } : { kind: "property", name: token.text };
  }

  #peek(): WqlToken | undefined {
    return this.#tokens[this.#at];
  }

  #next(): WqlToken | undefined {
    return this.#tokens[this.#at++];
  }

  #accept(keyword: string): boolean {
    const token = this.#peek();
    if (token?.kind !== "word" || token.text.toUpperCase() !== keyword) return false;
    this.#at += 1;
    return true;
  }

  #acceptSign(text: string): boolean {
    const token = this.#peek();
    if (token?.kind !== "sign" || token.text !== text) return false;
    this.#at += 1;
    return true;
  }

  #expect(keyword: string): void {
    if (!this.#accept(keyword)) throw this.#error(keyword);
  }

  #word(what: string): string {
    const token = this.#next();
    if (token?.kind !== "word") throw this.#error(what, token);
    return token.text;
  }

  #string(what: string): string {
    const token = this.#next();
    if (token?.kind !== "string") throw this.#error(what, token);
    return token.text;
  }

  #wordOrString(what: string): string {
    const token = this.#next();
    if (token?.kind !== "word" && token?.kind !== "string") throw this.#error(what, token);
    return token.text;
  }

  #error(expected: string, token: WqlToken | undefined = this.#peek()): WqlSyntaxError {
    const found = token ? `"${token.text}" at character ${token.at + 1}` : `the end of "${this.#text.slice(-40)}"`;
    return new WqlSyntaxError(`The query should go on with ${expected}, but there is ${found}.`);
  }
}

function numberLiteral(text: string): bigint | number {
  if (/^[+-]?\d+$/.test(text)) return BigInt(text.replace(/^\+/, ""));
  const hexadecimal = /^([+-]?)(0x[0-9a-f]+)$/i.exec(text);
  if (hexadecimal) return (hexadecimal[1] === "-" ? -1n : 1n) * BigInt(hexadecimal[2] ?? "0");
  return Number(text);
}
