export { type AskedBy, decideSecureBoot, type PolicyDecision, type PolicyQuestion, profiles } from "./decide.ts";
export { type Decision, type PolicyCell, type PolicyProfile, type PolicyTable, profileNames, type ProfileName, type Said, saidInOrder } from "./profile.ts";
export { generation2MachineType, type Objection, objectToSecureBoot, type SecureBootCandidate, vhdObjection } from "./requirements.ts";
export { printPolicyTables } from "./print-tables.ts";
