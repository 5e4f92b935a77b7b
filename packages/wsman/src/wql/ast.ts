import type { CimReference } from "../cim.ts";

/** What a WQL text asks for (MS-WMI 2.2.1). Names keep the sender's spelling; they are compared without case. */
export type WqlQuery = SelectQuery | AssociatorsQuery | ReferencesQuery;

export interface SelectQuery {
  readonly kind: "select";
  readonly properties: "*" | readonly string[];
  readonly className: string;
  readonly where: WqlCondition | null;
}

export interface AssociatorsQuery {
  readonly kind: "associators";
  /** Namespace is "" when the path has none: the query's own namespace is meant. */
  readonly object: CimReference;
  readonly assocClass: string | null;
  readonly resultClass: string | null;
  readonly role: string | null;
  readonly resultRole: string | null;
}

export interface ReferencesQuery {
  readonly kind: "references";
  readonly object: CimReference;
  readonly resultClass: string | null;
  readonly role: string | null;
}

export type WqlCondition =
  | { readonly kind: "and" | "or"; readonly terms: readonly WqlCondition[] }
  | { readonly kind: "not"; readonly term: WqlCondition }
  | { readonly kind: "compare"; readonly left: WqlOperand; readonly operator: CompareOperator; readonly right: WqlOperand }
  | { readonly kind: "like"; readonly operand: WqlOperand; readonly pattern: string; readonly negated: boolean }
  | { readonly kind: "isNull"; readonly operand: WqlOperand; readonly negated: boolean }
  | { readonly kind: "isa"; readonly operand: WqlOperand; readonly className: string };

export type CompareOperator = "=" | "!=" | "<" | "<=" | ">" | ">=";

export type WqlOperand =
  /** A property, or one of the system properties `__SERVER`, `__NAMESPACE`, `__CLASS`, `__PATH`, `__RELPATH`, `__THIS`. */
  | { readonly kind: "property"; readonly name: string }
  | { readonly kind: "literal"; readonly value: WqlLiteral };

export type WqlLiteral = string | bigint | number | boolean | null;
