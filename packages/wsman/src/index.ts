export type * from "./cim.ts";
export type * from "./provider.ts";
export * from "./cim-xml.ts";
export * from "./date-time.ts";
export * from "./faults.ts";
export * from "./object-path.ts";
