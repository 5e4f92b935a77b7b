export type * from "./report.ts";
export { inspectImage, type InspectOptions, judgeRules } from "./inspect.ts";
export { firmwareNames, type FirmwareName } from "./quirks/quirk.ts";
export { quirks } from "./quirks/firmware-rules.ts";
export type { Trust, TrustVariables } from "./trust/trust.ts";
export { deriveSignatureClaim, matchSignatureClaim, type SignatureClaim } from "./signature-claim.ts";
export { applyUpdate, type AppliedUpdate, updatableVariables, type UpdatableVariable, UpdateError, type UpdateProblemCode } from "./trust/apply-update.ts";
