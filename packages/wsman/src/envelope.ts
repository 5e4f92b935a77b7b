import { randomUUID } from "node:crypto";
import { millisecondsFromDuration } from "./date-time.ts";
import { invalidMessage, mustUnderstand, type WsmanFault } from "./faults.ts";
import { ACTION, ANONYMOUS, NS } from "./namespaces.ts";
import { readSelectors } from "./resource.ts";
import { attribute, child, children, childText, readXml, XmlError, type XmlElement } from "./xml/read.ts";
import { element, escapeText, textElement } from "./xml/write.ts";

/** A request as the server sees it: headers understood, body still an element. */
export interface WsmanRequest {
  readonly action: string;
  readonly resourceUri: string;
  readonly messageId: string;
  /** Selectors without `__cimnamespace`. */
  readonly selectors: Readonly<Record<string, string>>;
  readonly allSelectors: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  readonly operationTimeoutMs: number;
  readonly envelopeBytesMax: number;
  /** First child of the Body. */
  readonly body: XmlElement | undefined;
}

// WinRM's defaults: MaxTimeoutms and MaxEnvelopeSizekb (MS-WSMV 2.2.4 and the WinRM configuration).
export const operationTimeoutDefaultMs = 60_000;
export const envelopeBytesDefault = 512_000;
/** Smallest MaxEnvelopeSize that may be asked for (DSP0226 6.2). */
export const envelopeBytesMin = 8192;

const understood = new Set([
  ...["Action", "To", "MessageID", "ReplyTo", "FaultTo", "From", "RelatesTo"].map((name) => `${NS.a} ${name}`),
  ...["ResourceURI", "SelectorSet", "OptionSet", "MaxEnvelopeSize", "OperationTimeout", "Locale", "RequestTotalItemsCountEstimate"].map((name) => `${NS.w} ${name}`),
  ...["DataLocale", "SessionId", "OperationID", "SequenceId", "CompressionType", "FirstSequenceId"].map((name) => `${NS.p} ${name}`),
]);

/**
 * Reads a request; the size of the answer is bounded by what the client asks and by the server's own `envelopeBytesMax`.
 * @throws WsmanFault for what is not a WS-Management request, or demands what is not understood here
 */
export function readRequest(text: string, envelopeBytesMax: number = envelopeBytesDefault): WsmanRequest {
  const envelope = readEnvelope(text);
  const header = child(envelope, NS.s, "Header");
  for (const one of header?.children ?? []) {
    const demand = attribute(one, "mustUnderstand", NS.s)?.toLowerCase();
    if ((demand === "true" || demand === "1") && !understood.has(`${one.namespace} ${one.local}`)) throw mustUnderstand(one.local);
  }
  const selectors = readSelectors(child(header, NS.w, "SelectorSet"));
  const options = children(child(header, NS.w, "OptionSet"), NS.w, "Option").map((option) => [attribute(option, "Name") ?? "", option.text.trim()] as const);
  return {
    action: childText(header, NS.a, "Action") ?? "",
    resourceUri: childText(header, NS.w, "ResourceURI") ?? "",
    messageId: childText(header, NS.a, "MessageID") ?? "",
    selectors: selectors.keys,
    allSelectors: selectors.all,
    options: Object.fromEntries(options),
    operationTimeoutMs: millisecondsFromDuration(childText(header, NS.w, "OperationTimeout") ?? "") ?? operationTimeoutDefaultMs,
    envelopeBytesMax: readEnvelopeSize(childText(header, NS.w, "MaxEnvelopeSize"), envelopeBytesMax),
    body: child(envelope, NS.s, "Body")?.children[0],
  };
}

function readEnvelopeSize(text: string | undefined, limit: number): number {
  if (text === undefined || !/^\d{1,12}$/.test(text)) return limit;
  return Math.min(Math.max(Number(text), envelopeBytesMin), limit);
}

/** @throws WsmanFault when the text is not a SOAP 1.2 envelope */
export function readEnvelope(text: string): XmlElement {
  let root: XmlElement;
  try {
    root = readXml(text);
  } catch (cause) {
    if (cause instanceof XmlError) throw invalidMessage(`The message cannot be read: ${cause.message}`, cause);
    throw cause;
  }
  if (root.local !== "Envelope" || root.namespace !== NS.s) throw invalidMessage(`The message has the root <${root.local}>; a SOAP 1.2 Envelope is expected.`);
  return root;
}

const envelopeNamespaces = {
  "xml:lang": "en-US", "xmlns:s": NS.s, "xmlns:a": NS.a, "xmlns:x": NS.x, "xmlns:n": NS.n, "xmlns:w": NS.w, "xmlns:p": NS.p, "xmlns:xsi": NS.xsi,
};

/** An answer with the prefixes WinRM uses; libvirt looks values up by them literally. */
export function writeAnswer(action: string, relatesTo: string, body: string): string {
  const header = textElement("a:Action", action)
    + textElement("a:MessageID", newMessageId())
    + textElement("a:To", ANONYMOUS)
    + (relatesTo === "" ? "" : textElement("a:RelatesTo", relatesTo));
  return element("s:Envelope", envelopeNamespaces, element("s:Header", {}, header) + `<s:Body>${body}</s:Body>`);
}

export function newMessageId(): string {
  return `uuid:${randomUUID().toUpperCase()}`;
}

export function writeFault(fault: WsmanFault, relatesTo: string, machine: string): string {
  const subcode = fault.subcode === null ? "" : element("s:Subcode", {}, textElement("s:Value", fault.subcode));
  const code = element("s:Code", {}, textElement("s:Value", fault.code) + subcode);
  const reason = element("s:Reason", {}, textElement("s:Text", fault.reason, { "xml:lang": "en-US" }));
  return writeAnswer(ACTION.fault, relatesTo, element("s:Fault", {}, code + reason + element("s:Detail", {}, writeDetail(fault, machine))));
}

function writeDetail(fault: WsmanFault, machine: string): string {
  const own = fault.wsmanCode ?? fault.wmiCode;
  if (own === null) return element("f:WSManFault", { "xmlns:f": NS.f, Machine: machine }, element("f:Message", {}, escapeText(fault.reason)));
  const inner = fault.wmiCode === null
    ? escapeText(fault.reason)
    : element("f:ProviderFault", { provider: "WMI Provider", path: "%systemroot%\\system32\\WsmWmiPl.dll" },
      element("f:WSManFault", { "xmlns:f": NS.f, Code: String(fault.wmiCode), Machine: machine }, element("f:Message", {}, escapeText(fault.reason))));
  return element("f:WSManFault", { "xmlns:f": NS.f, Code: String(own), Machine: machine }, element("f:Message", {}, inner));
}
