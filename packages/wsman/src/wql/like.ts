/**
 * LIKE of WQL: `%` any run, `_` any one character, `[abc]`, `[a-z]`, `[^a]` sets (MS-WMI 2.2.1). Without case. Two pointers
 * instead of a regular expression: the time stays below pattern length times text length, whatever the pattern.
 */
export function matchesLike(text: string, pattern: string): boolean {
  const parts = readPattern(pattern.toLowerCase());
  const subject = text.toLowerCase();
  let at = 0;
  let part = 0;
  let runPart = -1;
  let runAt = 0;
  while (at < subject.length) {
    const current = parts[part];
    if (current === "run") {
      runPart = part;
      runAt = at;
      part += 1;
    } else if (current !== undefined && current(subject[at] as string)) {
      at += 1;
      part += 1;
    } else if (runPart >= 0) {
      part = runPart + 1;
      runAt += 1;
      at = runAt;
    } else {
      return false;
    }
  }
  return parts.slice(part).every((rest) => rest === "run");
}

type Part = "run" | ((character: string) => boolean);

function readPattern(pattern: string): readonly Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] as string;
    const close = character === "[" ? pattern.indexOf("]", at + 2) : -1;
    if (character === "%") parts.push("run");
    else if (character === "_") parts.push(() => true);
    else if (close > 0) {
      parts.push(readSet(pattern.slice(at + 1, close)));
      at = close;
    } else parts.push((one) => one === character);
  }
  return parts;
}

function readSet(body: string): (character: string) => boolean {
  const negated = body.startsWith("^") || body.startsWith("!");
  const members = negated ? body.slice(1) : body;
  const tests: ((character: string) => boolean)[] = [];
  for (let at = 0; at < members.length; at++) {
    const low = members[at] as string;
    const high = members[at + 2];
    if ((members[at + 1] === "-" || members[at + 1] === "=") && high !== undefined) {
      tests.push((one) => one >= low && one <= high);
      at += 2;
    } else {
      tests.push((one) => one === low);
    }
  }
  return (character) => tests.some((test) => test(character)) !== negated;
}
