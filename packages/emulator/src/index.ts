export { startEmulatedHost, type EmulatedHost, type EmulatedHostOptions } from "./host/emulated-host.ts";
export { defaultUncertainties, type Uncertainties } from "./uncertainties.ts";
