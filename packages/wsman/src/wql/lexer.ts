/** Words, literals and signs of WQL. Strings are unescaped: a backslash makes the next character plain (MS-WMI 2.2.1.3). */
export type WqlToken =
  | { readonly kind: "word"; readonly text: string; readonly at: number }
  | { readonly kind: "string"; readonly text: string; readonly at: number }
  | { readonly kind: "number"; readonly text: string; readonly at: number }
  | { readonly kind: "path"; readonly text: string; readonly at: number }
  | { readonly kind: "sign"; readonly text: string; readonly at: number };

export class WqlSyntaxError extends Error {
  override readonly name = "WqlSyntaxError";
}

// Our own queries stay under 1,000 characters; os-win's longest under 2,000.
export const wqlCharactersMax = 32_768;

const blank = /\s+/y;
const word = /[A-Za-z_][\w.]*/y;
const number = /[+-]?(?:0x[0-9a-f]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?)/iy;
const sign = /<>|!=|<=|>=|[=<>(),*]/y;

export function tokenize(text: string): readonly WqlToken[] {
  if (text.length > wqlCharactersMax) throw new WqlSyntaxError(`The query has ${text.length} characters; at most ${wqlCharactersMax} are read.`);
  const tokens: WqlToken[] = [];
  let at = 0;
  const match = (expression: RegExp): string | null => {
    expression.lastIndex = at;
    return expression.exec(text)?.[0] ?? null;
  };
  while (at < text.length) {
    const space = match(blank);
    if (space !== null) {
      at += space.length;
      continue;
    }
    const start = at;
    const character = text[at];
    if (character === "'" || character === '"') {
      const string = readString(text, at);
      tokens.push({ kind: "string", text: string.text, at: start });
      at = string.end;
    } else if (character === "{") {
      at = pathEnd(text, at);
      tokens.push({ kind: "path", text: text.slice(start + 1, at - 1), at: start });
    } else {
      const found = match(word);
      const other = found ?? match(number) ?? match(sign);
      if (other === null) throw new WqlSyntaxError(`The query cannot be read at character ${at + 1}: "${text.slice(at, at + 20)}".`);
      const kind = found !== null ? "word" : /[\d]/.test(other) ? "number" : "sign";
      tokens.push({ kind, text: other, at: start });
      at += other.length;
    }
  }
  return tokens;
}

function readString(text: string, start: number): { text: string; end: number } {
  const quote = text[start];
  let value = "";
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at];
    if (character === "\\" && at + 1 < text.length) {
      at += 1;
      value += text[at];
    } else if (character === quote) {
      return { text: value, end: at + 1 };
    } else {
      value += character;
    }
  }
  throw new WqlSyntaxError(`The string that begins at character ${start + 1} is not closed.`);
}

/** Key values inside the braces of an object path may hold braces themselves, so quotes are honoured. */
function pathEnd(text: string, start: number): number {
  let quote: string | null = null;
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at] as string;
    if (quote !== null) {
      if (character === "\\") at += 1;
      else if (character === quote) quote = null;
    } else if (character === "'" || character === '"') {
      quote = character;
    } else if (character === "}") {
      return at + 1;
    }
  }
  throw new WqlSyntaxError(`The object path that begins at character ${start + 1} is not closed with "}".`);
}
