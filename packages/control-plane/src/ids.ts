/** Ids are all GUIDs on the wire and must never mix inside. */
declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type ServerId = Branded<"ServerId">;
export type ImageId = Branded<"ImageId">;
export type HostId = Branded<"HostId">;
export type ProjectId = Branded<"ProjectId">;
export type UserId = Branded<"UserId">;
/** `Msvm_ComputerSystem.Name`: upper-case GUID. */
export type MachineGuid = Branded<"MachineGuid">;
/** `SecureBootTemplateId`: lower-case GUID. */
export type TemplateGuid = Branded<"TemplateGuid">;
