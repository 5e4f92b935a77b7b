/** One row of an SBAT table: a component and its generation, with who made it. */
export interface SbatRow {
  readonly component: string;
  readonly generation: number;
  readonly vendor: string;
  readonly product: string;
  readonly version: string;
}

const FIELDS_MIN = 6;

/**
 * Parses the .sbat section (SBAT.md of shim): comma-separated rows of at least six fields, none empty. Null when it is malformed, which
 * shim treats as an error of the program, not as an empty table.
 */
export function parseSbat(text: string): readonly SbatRow[] | null {
  const rows: SbatRow[] = [];
  for (const line of text.split(/\r?\n/).filter((item) => item.trim() !== "")) {
    const fields = line.split(",");
    if (fields.length < FIELDS_MIN || fields.slice(0, FIELDS_MIN).some((field) => field === "")) return null;
    const [component = "", generation = "", vendor = "", product = "", version = ""] = fields;
    rows.push({ component, generation: leadingNumber(generation), vendor, product, version });
  }
  return rows.length === 0 ? null : rows;
}

/** As C's atoi reads it, kept in 16 bits. */
const leadingNumber = (text: string): number => Number(/^\s*(\d+)/.exec(text)?.[1] ?? 0) & 0xffff;

/** The level that machines demand: minimal generations by component. */
export interface SbatLevel {
  /** The date of the first row, as a number such as 2025021800: what two levels are compared by. */
  readonly date: number;
  readonly generations: ReadonlyMap<string, number>;
  readonly text: string;
}

/** Parses the text of an SbatLevel variable or of shim's own levels. Null when its first row is not "sbat,…,DATE". */
export function parseSbatLevel(text: string): SbatLevel | null {
  const rows = text.replace(/\0[\s\S]*$/, "").split(/\r?\n/).filter((line) => line !== "").map((line) => line.split(","));
  const [first] = rows;
  if (first?.[0] !== "sbat" || first[2] === undefined) return null;
  return { date: leadingDate(first[2]), generations: new Map(rows.map(([component = "", generation = ""]) => [component, leadingNumber(generation)])), text };
}

const leadingDate = (text: string): number => Number(/^\d+/.exec(text)?.[0] ?? 0);

/** The first row that is below the level. Names must be the same to the letter; rows without a partner do not matter. */
export function findRevokedRow(rows: readonly SbatRow[], level: SbatLevel): { readonly row: SbatRow; readonly demanded: number } | null {
  for (const row of rows) {
    const demanded = level.generations.get(row.component);
    if (demanded !== undefined && row.generation < demanded) return { row, demanded };
  }
  return null;
}
