export type * from "./ids.ts";
export type * from "./ports.ts";
export { Refusal } from "./refusal.ts";
export { type ControlPlane, type ControlPlaneOptions, startControlPlane } from "./start.ts";
