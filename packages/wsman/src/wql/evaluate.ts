import type { CimInstance, CimReference, CimScalar, CimValue } from "../cim.ts";
import { propertyOf, textOf } from "../cim-xml.ts";
import { formatObjectPath, parseObjectPath, sameReference } from "../object-path.ts";
import type { CompareOperator, WqlCondition, WqlOperand } from "./ast.ts";
import { matchesLike } from "./like.ts";

/** What system properties and ISA are answered from. */
export interface WqlContext {
  /** The host's name: `__SERVER`. */
  readonly server: string;
  readonly namespace: string;
  /** The path of the instance at hand: `__PATH` and `__RELPATH`. */
  readonly reference: CimReference;
  /** Whether `className` is `ancestor` or derives from it. */
  isA(className: string, ancestor: string): boolean;
}

/** Whether the instance satisfies the condition. Null compared with anything is neither true nor false, as in SQL. */
export function evaluateWhere(where: WqlCondition | null, instance: CimInstance, context: WqlContext): boolean {
  return where === null || truth(where, instance, context) === true;
}

type Truth = boolean | null;

function truth(condition: WqlCondition, instance: CimInstance, context: WqlContext): Truth {
  const value = (operand: WqlOperand) => valueOfOperand(operand, instance, context);
  switch (condition.kind) {
    case "and":
    case "or": {
      const decisive = condition.kind === "or";
      let unknown = false;
      for (const term of condition.terms) {
        const result = truth(term, instance, context);
        if (result === decisive) return decisive;
        unknown ||= result === null;
      }
      return unknown ? null : !decisive;
    }
    case "not": {
      const result = truth(condition.term, instance, context);
      return result === null ? null : !result;
    }
    case "isNull":
      return (value(condition.operand) === null) !== condition.negated;
    case "like": {
      const subject = value(condition.operand);
      if (subject === null || isArray(subject)) return null;
      return matchesLike(textOf(subject), condition.pattern) !== condition.negated;
    }
    case "isa": {
      const subject = value(condition.operand);
      if (subject === null || typeof subject !== "object" || isArray(subject)) {
        return condition.operand.kind === "property" && condition.operand.name.toLowerCase() === "__this" ? context.isA(instance.className, condition.className) : null;
      }
      return subject.kind === "datetime" ? null : context.isA(subject.className, condition.className);
    }
    case "compare":
      return compare(value(condition.left), condition.operator, value(condition.right));
  }
}

function valueOfOperand(operand: WqlOperand, instance: CimInstance, context: WqlContext): CimValue {
  if (operand.kind === "literal") return operand.value;
  switch (operand.name.toLowerCase()) {
    case "__server": return context.server;
    case "__namespace": return context.namespace;
    case "__class": return instance.className;
    case "__path": return context.reference;
    case "__relpath": return formatObjectPath({ ...context.reference, namespace: "" });
  }
  let current: CimValue = instance;
  for (const name of operand.name.split(".")) {
    if (current === null || typeof current !== "object" || isArray(current) || current.kind !== "instance") return null;
    current = propertyOf(current, name)?.value ?? null;
  }
  return current === instance ? null : current;
}

function isArray(value: CimValue): value is readonly CimScalar[] {
  return Array.isArray(value);
}

/** WMI reads `= NULL` and `<> NULL` as IS NULL and IS NOT NULL. */
function compare(left: CimValue, operator: CompareOperator, right: CimValue): Truth {
  if (left === null && right === null) return operator === "=" || operator === "<=" || operator === ">=";
  if (left === null || right === null || isArray(left) || isArray(right)) return null;
  const order = orderOf(left, right);
  if (order === null) return null;
  switch (operator) {
    case "=": return order === 0;
    case "!=": return order !== 0;
    case "<": return order < 0;
    case "<=": return order <= 0;
    case ">": return order > 0;
    case ">=": return order >= 0;
  }
}

function orderOf(left: CimScalar, right: CimScalar): number | null {
  const numbers = bothNumbers(left, right);
  if (numbers) return numbers[0] < numbers[1] ? -1 : numbers[0] > numbers[1] ? 1 : 0;
  if (typeof left === "boolean" || typeof right === "boolean") return booleanOf(left) === null || booleanOf(right) === null ? null : Number(booleanOf(left)) - Number(booleanOf(right));
  const paths = bothReferences(left, right);
  if (paths) return sameReference(paths[0], paths[1]) ? 0 : 1;
  const first = textOf(left).toLowerCase();
  const second = textOf(right).toLowerCase();
  return first < second ? -1 : first > second ? 1 : 0;
}

/** Numbers are compared as numbers when one side is a number and the other reads as one. */
function bothNumbers(left: CimScalar, right: CimScalar): readonly [number | bigint, number | bigint] | null {
  const isNumber = (value: CimScalar) => typeof value === "number" || typeof value === "bigint";
  if (!isNumber(left) && !isNumber(right)) return null;
  const first = numberOf(left);
  const second = numberOf(right);
  return first === null || second === null ? null : [first, second];
}

function numberOf(value: CimScalar): number | bigint | null {
  if (typeof value === "number" || typeof value === "bigint") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value !== "string" || !/^\s*-?\d+(\.\d+)?\s*$/.test(value)) return null;
  return value.includes(".") ? Number(value) : BigInt(value.trim());
}

function booleanOf(value: CimScalar): boolean | null {
  if (typeof value === "boolean") return value;
  if (typeof value === "number" || typeof value === "bigint") return value != 0;
  if (typeof value !== "string") return null;
  const lower = value.toLowerCase();
  return lower === "true" || lower === "1" ? true : lower === "false" || lower === "0" ? false : null;
}

function bothReferences(left: CimScalar, right: CimScalar): readonly [CimReference, CimReference] | null {
  const first = referenceOf(left);
  const second = referenceOf(right);
  const oneIs = [left, right].some((value) => typeof value === "object" && value.kind === "reference");
  return oneIs && first && second ? [first, second] : null;
}

function referenceOf(value: CimScalar): CimReference | null {
  if (typeof value === "object") return value.kind === "reference" ? value : null;
  if (typeof value !== "string") return null;
  try {
    return parseObjectPath(value);
  } catch {
    return null;
  }
}
