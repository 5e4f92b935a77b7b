/**
 * What goes wrong on the wire, as both ends hold it. `code` and `subcode` carry the prefixes of namespaces.ts; `wsmanCode` is the
 * number of `f:WSManFault`, `wmiCode` the innermost WBEM status when a provider refused (MS-WSMV 2.2.4.44, MS-WMI 2.2.11).
 */
export type FaultCode = "s:Sender" | "s:Receiver" | "s:MustUnderstand" | "s:VersionMismatch";

export class WsmanFault extends Error {
  override readonly name = "WsmanFault";
  readonly code: FaultCode;
  /** Such as "w:AccessDenied"; null when the fault has none. */
  readonly subcode: string | null;
  readonly reason: string;
  readonly wsmanCode: number | null;
  readonly wmiCode: number | null;

  constructor(fields: {
    code: FaultCode; subcode: string | null; reason: string; wsmanCode?: number | null; wmiCode?: number | null; cause?: unknown;
  }) {
    super(fields.reason, { cause: fields.cause });
    this.code = fields.code;
    this.subcode = fields.subcode;
    this.reason = fields.reason;
    this.wsmanCode = fields.wsmanCode ?? null;
    this.wmiCode = fields.wmiCode ?? null;
  }
}

/** A provider's way to break the connection instead of answering, as a host does that goes down in the middle of a call. */
export class LostConnection extends Error {
  override readonly name = "LostConnection";
}

/** WBEM status codes that this code base distinguishes (MS-WMI 2.2.11 and RPC). */
export const WMI = {
  failed: 0x80041001,
  notFound: 0x80041002,
  accessDenied: 0x80041003,
  outOfMemory: 0x80041006,
  invalidParameter: 0x80041008,
  notSupported: 0x8004100c,
  invalidNamespace: 0x8004100e,
  invalidClass: 0x80041010,
  invalidQuery: 0x80041017,
  providerNotCapable: 0x80041024,
  invalidMethodParameters: 0x8004102f,
  callCancelled: 0x80041032,
  shuttingDown: 0x80041033,
  rpcUnavailable: 0x800706ba,
} as const;

/** Numbers of `f:WSManFault` that clients look at. */
export const WSMAN = {
  accessDenied: 5,
  destinationUnreachable: 2150858752,
  timedOut: 2150858793,
  shellNotFound: 2150858843,
} as const;

function sender(subcode: string, reason: string, wsmanCode: number | null = null, wmiCode: number | null = null): WsmanFault {
  return new WsmanFault({ code: "s:Sender", subcode, reason, wsmanCode, wmiCode });
}

function receiver(subcode: string, reason: string, wsmanCode: number | null = null, wmiCode: number | null = null): WsmanFault {
  return new WsmanFault({ code: "s:Receiver", subcode, reason, wsmanCode, wmiCode });
}

export function instanceNotFound(what: string): WsmanFault {
  return sender("a:DestinationUnreachable", `No instance answers to ${what}.`, WSMAN.destinationUnreachable, WMI.notFound);
}

export function classNotFound(className: string): WsmanFault {
  return sender("a:DestinationUnreachable", `The class ${className} does not exist in this namespace.`, WSMAN.destinationUnreachable, WMI.invalidClass);
}

export function namespaceNotFound(namespace: string): WsmanFault {
  return sender("a:DestinationUnreachable", `The namespace ${namespace} does not exist.`, WSMAN.destinationUnreachable, WMI.invalidNamespace);
}

export function resourceNotFound(resource: string): WsmanFault {
  return sender("a:DestinationUnreachable", `The resource URI ${resource} is not known here.`, WSMAN.destinationUnreachable);
}

export function invalidSelectors(reason: string): WsmanFault {
  return sender("w:InvalidSelectors", reason);
}

export function invalidParameter(reason: string): WsmanFault {
  return sender("w:InvalidParameter", reason, null, WMI.invalidParameter);
}

/** What the machine management service answers when it is addressed without a selector. */
export function invalidMethodParameters(reason: string): WsmanFault {
  return sender("w:InvalidParameter", reason, null, WMI.invalidMethodParameters);
}

export function schemaValidationError(reason: string): WsmanFault {
  return sender("w:SchemaValidationError", reason);
}

export function cannotProcessFilter(reason: string): WsmanFault {
  return sender("n:CannotProcessFilter", reason, null, WMI.invalidQuery);
}

export function invalidEnumerationContext(): WsmanFault {
  return receiver("n:InvalidEnumerationContext", "The enumeration context is unknown, used up or expired.");
}

export function actionNotSupported(action: string): WsmanFault {
  return sender("a:ActionNotSupported", `The action ${action} is not supported by this resource.`);
}

export function dialectUnavailable(dialect: string): WsmanFault {
  return sender("n:FilterDialectRequestedUnavailable", `The filter dialect ${dialect} is not supported; use WQL.`);
}

export function accessDenied(reason = "Access is denied."): WsmanFault {
  return sender("w:AccessDenied", reason, WSMAN.accessDenied, WMI.accessDenied);
}

export function encodingLimit(sizeBytesMax: number): WsmanFault {
  return sender("w:EncodingLimit", `The answer does not fit in the ${sizeBytesMax} bytes of MaxEnvelopeSize.`);
}

export function timedOut(reason = "The operation did not complete within the time given in OperationTimeout."): WsmanFault {
  return receiver("w:TimedOut", reason, WSMAN.timedOut);
}

export function shellNotFound(shellId: string): WsmanFault {
  return sender("w:InvalidSelectors", `The shell ${shellId} does not exist or has ended.`, WSMAN.shellNotFound);
}

export function quotaLimit(reason: string): WsmanFault {
  return receiver("w:QuotaLimit", reason);
}

export function internalError(reason: string, cause?: unknown): WsmanFault {
  return new WsmanFault({ code: "s:Receiver", subcode: "w:InternalError", reason, cause });
}

/** A refusal by the provider behind WMI, such as WMI.failed when a drive still holds its disk. */
export function wmiFailure(wmiCode: number, reason: string): WsmanFault {
  return receiver("w:InternalError", reason, null, wmiCode);
}

export function mustUnderstand(header: string): WsmanFault {
  return new WsmanFault({ code: "s:MustUnderstand", subcode: null, reason: `The header ${header} must be understood, but is not known here.` });
}

export function invalidMessage(reason: string, cause?: unknown): WsmanFault {
  return new WsmanFault({ code: "s:Sender", subcode: "a:InvalidMessageInformationHeader", reason, cause });
}
