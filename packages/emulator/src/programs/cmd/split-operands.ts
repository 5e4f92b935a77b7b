/** Operands and switches of a command inside cmd.exe: `/y` in lower case, operands without their quotes. */
export interface Operands {
  readonly switches: ReadonlySet<string>;
  readonly operands: readonly string[];
}

/** Splits as cmd.exe's own commands do: at blanks, commas, semicolons and equals signs outside quotes; switches may stick together. */
export function splitOperands(tail: string): Operands {
  const switches = new Set<string>();
  const operands: string[] = [];
  for (const word of tail.match(/(?:"[^"]*"?|[^\s,;="])+/g) ?? []) {
    if (!word.startsWith("/")) {
      // `dir/b` and `C:\x/y`: a slash outside quotes begins a switch.
      const [operand = "", ...stuck] = word.includes('"') ? [word] : word.split(/(?=\/[A-Za-z?](?:$|[:/]))/);
      if (operand !== "") operands.push(operand.replaceAll('"', ""));
      for (const one of stuck) switches.add(one.toLowerCase());
      continue;
    }
    for (const one of word.split(/(?=\/)/)) switches.add(one.toLowerCase());
  }
  return { switches, operands };
}
