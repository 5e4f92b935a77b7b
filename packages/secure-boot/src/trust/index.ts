export { certificateById, certificateBySha256, listCertificates, type DataSource, type KnownCertificate } from "./certificate-data.ts";
export { listNamedTrusts, listTemplates, revocationHashes, revocationLists, templateById, templateByName, trustByName, type TrustTemplate } from "./templates.ts";
export { parseTrustFile, TrustFileError, type TrustFileCode } from "./trust-file.ts";
export { type ShimVariable, type Trust, type TrustVariables, trustVariableNames } from "./trust.ts";
