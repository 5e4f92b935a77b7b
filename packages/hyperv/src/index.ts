export { checkHost, type CheckOptions, type HostCheck } from "./check-host.ts";
export { connectHyperVHost, HyperVHost } from "./connect.ts";
export { interpretConsole } from "./console.ts";
export { HostFault, hostFaultCodes, type HostFaultCode, type Retry } from "./host-fault.ts";
export { defaultQuirks, type Quirks } from "./quirks.ts";
export type * from "./host-types.ts";
