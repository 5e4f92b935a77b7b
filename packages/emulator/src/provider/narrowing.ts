import type { CimReference } from "@signet/wsman/cim";
import type { WqlCondition } from "@signet/wsman/wql";

const guidPattern = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;
const wildcard = /[%_[]/;

/**
 * What a query already says about the instances it wants, so that asking after one machine does not visit all. A source may use it
 * to leave out what cannot match; what it yields is tested against the whole condition anyway.
 */
export class Narrowing {
  readonly #values: ReadonlyMap<string, string>;
  readonly #prefixes: ReadonlyMap<string, string>;

  private constructor(values: ReadonlyMap<string, string>, prefixes: ReadonlyMap<string, string>) {
    this.#values = values;
    this.#prefixes = prefixes;
  }

  static readonly none = new Narrowing(new Map(), new Map());

  /** From the equalities and LIKE prefixes that hold for every instance the condition selects. */
  static of(where: WqlCondition | null): Narrowing {
    const values = new Map<string, string>();
    const prefixes = new Map<string, string>();
    const visit = (condition: WqlCondition): void => {
      if (condition.kind === "and") condition.terms.forEach(visit);
      if (condition.kind === "like" && !condition.negated && condition.operand.kind === "property") {
        const end = condition.pattern.search(wildcard);
        prefixes.set(condition.operand.name.toLowerCase(), end < 0 ? condition.pattern : condition.pattern.slice(0, end));
      }
      if (condition.kind !== "compare" || condition.operator !== "=") return;
      const [property, literal] = condition.left.kind === "property" ? [condition.left, condition.right] : [condition.right, condition.left];
      if (property.kind === "property" && literal.kind === "literal" && typeof literal.value === "string") values.set(property.name.toLowerCase(), literal.value);
    };
    if (where) visit(where);
    return new Narrowing(values, prefixes);
  }

  static ofKeys(reference: CimReference): Narrowing {
    return new Narrowing(new Map(Object.entries(reference.keys).map(([name, value]) => [name.toLowerCase(), value])), new Map());
  }

  /** The value that a property must have, if the query fixes one. */
  equals(property: string): string | undefined {
    return this.#values.get(property.toLowerCase());
  }

  /** The first GUID, upper-case, in what the query demands of one of these properties. */
  guid(properties: readonly string[]): string | null {
    for (const property of properties) {
      const text = this.#values.get(property.toLowerCase()) ?? this.#prefixes.get(property.toLowerCase());
      const found = text === undefined ? null : guidPattern.exec(text);
      if (found) return found[0].toUpperCase();
    }
    return null;
  }
}

/** The first GUID, upper-case, in the keys of a reference. */
export function guidIn(reference: CimReference): string | null {
  for (const value of Object.values(reference.keys)) {
    const found = guidPattern.exec(value);
    if (found) return found[0].toUpperCase();
  }
  return null;
}
