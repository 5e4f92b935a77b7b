/**
 * CIM values as both ends of the wire hold them. One vocabulary for WS-CIM elements in SOAP (DSP0230), for CIM-XML text in
 * parameters (DSP0201) and for the object graph of the emulated host. 64-bit integers are `bigint`, smaller ones `number`.
 */

/** CIM intrinsic types, spelled as CIM-XML spells them (DSP0201 5.2). */
export type CimType =
  | "string" | "boolean" | "datetime" | "reference" | "object" | "char16" | "real32" | "real64"
  | "uint8" | "uint16" | "uint32" | "uint64" | "sint8" | "sint16" | "sint32" | "sint64";

/** A reference to an instance: an EPR on the wire, an object path (`\\HOST\ns:Class.Key="…"`) in text. */
export interface CimReference {
  readonly kind: "reference";
  /** With slashes and without leading ones: `root/virtualization/v2`. */
  readonly namespace: string;
  readonly className: string;
  readonly keys: Readonly<Record<string, string>>;
}

/** Datetime and interval in CIM's native 25-character form (DSP0004 5.2.4). */
export interface CimDateTime {
  readonly kind: "datetime";
  readonly native: string;
}

export interface CimInstance {
  readonly kind: "instance";
  readonly className: string;
  readonly properties: Readonly<Record<string, CimProperty>>;
}

export type CimScalar = string | boolean | number | bigint | CimDateTime | CimReference | CimInstance;
export type CimValue = CimScalar | null | readonly CimScalar[];

export interface CimProperty {
  readonly type: CimType;
  readonly array: boolean;
  readonly value: CimValue;
}

/** Method parameters by name. Undefined and null both mean "not given". */
export type CimParameters = Readonly<Record<string, CimValue | undefined>>;
