import { Refusal } from "../refusal.ts";

/** Keystone 22's own sentences: clients and their users know them. Unauthenticated requests are refused in api/http/session.ts. */

export type IdentityKind = "project" | "user" | "role" | "domain" | "group" | "service" | "endpoint" | "region";

export const notFound = (kind: IdentityKind, id: string): Refusal => new Refusal({ code: "SIG-IDENTITY-NOT-FOUND", httpStatus: 404, message: `Could not find ${kind}: ${id}.` });

export const forbidden = (action: string): Refusal =>
  new Refusal({ code: "SIG-IDENTITY-FORBIDDEN", httpStatus: 403, message: `You are not authorized to perform the requested action: identity:${action}.` });

export const malformed = (expected: string, cause?: unknown): Refusal => new Refusal({
  code: "SIG-IDENTITY-MALFORMED", httpStatus: 400, cause,
  message: `Expecting to find ${expected} in request body. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.`,
});

export const invalid = (message: string): Refusal => new Refusal({ code: "SIG-IDENTITY-INVALID", httpStatus: 400, message });

export const duplicateProject = (name: string, id: string): Refusal => new Refusal({
  code: "SIG-IDENTITY-DUPLICATE", httpStatus: 409,
  message: `Conflict occurred attempting to store project - it is not permitted to have two projects with either the same name or same id in the same domain: name is ${name}, project id ${id}.`,
});

export const duplicate = (kind: IdentityKind, name: string): Refusal => new Refusal({
  code: "SIG-IDENTITY-DUPLICATE", httpStatus: 409,
  message: `Conflict occurred attempting to store ${kind} - Duplicate entry found with name ${name}${kind === "user" ? " at domain ID default" : ""}.`,
});

export const inUse = (message: string, remedy: string): Refusal => new Refusal({ code: "SIG-IDENTITY-IN-USE", httpStatus: 403, message, remedy });
