export type * from "./cim.ts";
export type * from "./provider.ts";
