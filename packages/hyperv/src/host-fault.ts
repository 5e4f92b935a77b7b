import { WMI, WsmanFault } from "@signet/wsman";
import { WsmanTransportError } from "@signet/wsman/client";

/** When another attempt makes sense. */
export type Retry = "now" | "later" | "never";

/** Stable codes and, for each, what to do when nothing more precise is known. */
const retryByCode = {
  /** No answer from the host: nothing is known of its mind. */
  "HV-UNREACHABLE": "later",
  "HV-TIMEOUT": "later",
  /** The certificate is not the one that is expected. */
  "HV-TLS": "never",
  /** User or password are refused. */
  "HV-UNAUTHORIZED": "never",
  /** The user is known, but lacks a right. */
  "HV-ACCESS-DENIED": "never",
  /** What answers is no WinRM, or a proxy before it. */
  "HV-HTTP": "later",
  /** A Windows without the Hyper-V role, or one too old. */
  "HV-NOT-HYPERV": "never",
  /** The host's own limits: shells, memory, operations. */
  "HV-BUSY": "later",
  /** The management service is stopped, stopping or starting. */
  "HV-SERVICE-DOWN": "later",
  "HV-NOT-FOUND": "never",
  /** The provider failed without saying more. */
  "HV-FAILED": "later",
  /** The host does not accept the request as it is. */
  "HV-REFUSED": "never",
  /** A method returned a code that means no. */
  "HV-METHOD-REFUSED": "never",
  "HV-JOB-FAILED": "later",
  "HV-JOB-TIMEOUT": "later",
  /** A job disappeared and its effect cannot be seen. */
  "HV-JOB-LOST": "later",
  "HV-NOT-SUPPORTED": "never",
  /** The host keeps its disks where the driver cannot work. */
  "HV-PATH": "never",
  /** A file is used by another, or could not be changed. */
  "HV-FILE": "later",
  /** The host could not fetch the image. */
  "HV-IMAGE-FETCH": "later",
  /** What the host fetched is not the image. */
  "HV-IMAGE-DIGEST": "never",
  "HV-IMAGE-MISSING": "never",
  "HV-DISK-MISSING": "never",
  "HV-SWITCH-UNKNOWN": "never",
  "HV-MACHINE-UNKNOWN": "never",
  /** More than one machine carries the note of one server. */
  "HV-MACHINE-TWICE": "never",
  /** The machine is in a state in which this cannot be done. */
  "HV-STATE": "never",
  /** The guest cannot be asked to shut down. */
  "HV-GUEST-SILENT": "never",
  "HV-NO-CONSOLE": "never",
} as const satisfies Readonly<Record<string, Retry>>;

export type HostFaultCode = keyof typeof retryByCode;
export const hostFaultCodes = Object.keys(retryByCode) as readonly HostFaultCode[];

/** An event a machine acts on: something that a host did not do. The message is a sentence for people; secrets are in none. */
export class HostFault extends Error {
  override readonly name = "HostFault";
  readonly code: HostFaultCode;
  readonly retry: Retry;
  /** The host and what was being done there. */
  readonly where: string;

  constructor(code: HostFaultCode, where: string, message: string, options: { readonly retry?: Retry; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retry = options.retry ?? retryByCode[code];
    this.where = where;
  }
}

/** How to give an account what the driver needs, by the groups' well-known ids: their names differ by the language of Windows. */
export const grantAccess = "Give the account both rights in PowerShell on the host: Add-LocalGroupMember -SID S-1-5-32-578 -Member USER (Hyper-V Administrators) and Add-LocalGroupMember -SID S-1-5-32-580 -Member USER (Remote Management Users).";
const installHyperV = "Install the role in PowerShell on the host: Install-WindowsFeature Hyper-V -IncludeManagementTools -Restart.";

/** What a failure on the wire means for the one who asked. What is neither fault nor transport error is a bug and stays as it is. */
export function explainWireFailure(error: unknown, where: string): unknown {
  if (error instanceof WsmanTransportError) return explainTransport(error, where);
  if (error instanceof WsmanFault) return explainFault(error, where);
  return error;
}

function explainTransport(error: WsmanTransportError, where: string): HostFault {
  switch (error.kind) {
    case "unreachable": return new HostFault("HV-UNREACHABLE", where, error.message, { cause: error });
    case "timeout": return new HostFault("HV-TIMEOUT", where, error.message, { cause: error });
    case "tls": return new HostFault("HV-TLS", where, error.message, { cause: error });
    case "unauthorized": return new HostFault("HV-UNAUTHORIZED", where, error.message, { cause: error });
    case "http": return new HostFault("HV-HTTP", where, error.message, { cause: error });
  }
}

function explainFault(fault: WsmanFault, where: string): HostFault {
  const as = (code: HostFaultCode, message = fault.reason): HostFault => new HostFault(code, where, message, { cause: fault });
  switch (fault.wmiCode) {
    case WMI.accessDenied: return as("HV-ACCESS-DENIED", `The host denies access. ${grantAccess}`);
    case WMI.invalidNamespace: return as("HV-NOT-HYPERV", `The host has no Hyper-V management (namespace root/virtualization/v2). ${installHyperV}`);
    case WMI.notFound: return as("HV-NOT-FOUND");
    case WMI.outOfMemory: return as("HV-BUSY", "The host is out of memory.");
    case WMI.rpcUnavailable:
    case WMI.shuttingDown:
    case WMI.callCancelled: return as("HV-SERVICE-DOWN", "The host's management service does not answer; it may be restarting.");
    case WMI.failed: return as("HV-FAILED");
  }
  switch (fault.subcode) {
    case "w:AccessDenied": return as("HV-ACCESS-DENIED", `The host denies access. ${grantAccess}`);
    case "w:TimedOut": return as("HV-TIMEOUT");
    case "w:QuotaLimit": return as("HV-BUSY");
    case "w:InternalError":
    case "n:InvalidEnumerationContext": return as("HV-FAILED");
    default: return as("HV-REFUSED");
  }
}
