/**
 * Splits a command line's tail as programs of the C run-time do (CommandLineToArgvW): blanks separate, quotes join, a backslash counts
 * only in front of a quote, and a quote inside quotes may be written twice.
 */
export function splitArguments(tail: string): string[] {
  const found: string[] = [];
  let current = "";
  let started = false;
  let quoted = false;
  for (let at = 0; at < tail.length; at++) {
    const character = tail[at] ?? "";
    if (character === "\\") {
      let count = 1;
      while (tail[at + count] === "\\") count++;
      const beforeQuote = tail[at + count] === '"';
      current += "\\".repeat(beforeQuote ? count >> 1 : count);
      started = true;
      at += count - 1;
      if (beforeQuote && count % 2 === 1) {
        current += '"';
        at++;
      }
    } else if (character === '"') {
      started = true;
      if (quoted && tail[at + 1] === '"') {
        current += '"';
        at++;
      } else {
        quoted = !quoted;
      }
    } else if (!quoted && (character === " " || character === "\t")) {
      if (started) found.push(current);
      current = "";
      started = false;
    } else {
      current += character;
      started = true;
    }
  }
  if (started) found.push(current);
  return found;
}
