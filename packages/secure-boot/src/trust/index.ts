export { certificateById, certificateBySha256, listCertificates, type DataSource, type KnownCertificate } from "./certificate-data.ts";
export { type DbxRelease, dbxReleases, type MinimumVersion, minimumVersions, type Revocation, revocationHashes, type RevocationList, revocationLists, revocationOf, revocations } from "./revocations.ts";
export { newestSbatRelease, sbatLevelText, type SbatRelease, sbatReleases, sbatSource } from "./sbat-levels.ts";
export { listNamedTrusts, listTemplates, templateById, templateByName, trustByName, type TrustTemplate } from "./templates.ts";
export { parseTrustFile, TrustFileError, type TrustFileCode } from "./trust-file.ts";
export { type ShimVariable, type Trust, type TrustVariables, trustVariableNames } from "./trust.ts";
export { attributeBits, authenticatedAttributes, type EfiVariable, globalVendor, imageSecurityVendor, readVariableStore, secureBootEnableVendor, shimVendor, VariableStoreError, writeVariables } from "./variable-store.ts";
