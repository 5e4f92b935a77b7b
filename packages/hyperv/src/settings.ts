import type { CimInstance, CimProperty, CimType, CimValue } from "@signet/wsman/cim";
import { classSchema, virtualizationNamespace } from "./schema/index.ts";

/**
 * An embedded instance with these properties only: what is left out keeps its value or takes the host's default. Each property has the
 * type that its class declares; a wrong TYPE ends in a job that fails with 32768.
 */
export function settingsOf(className: string, values: Readonly<Record<string, CimValue>>): CimInstance {
  const schema = classSchema(virtualizationNamespace, className);
  if (!schema) throw new Error(`The class ${className} is not in the class data.`);
  const properties: Record<string, CimProperty> = {};
  for (const [name, value] of Object.entries(values)) {
    const member = schema.properties[name];
    if (!member) throw new Error(`${className} has no property ${name}.`);
    properties[name] = { type: member.type as CimType, array: member.array, value };
  }
  return { kind: "instance", className, properties };
}
