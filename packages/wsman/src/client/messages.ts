import type { CimParameters, CimReference, CimScalar, CimValue } from "../cim.ts";
import { textOf } from "../cim-xml.ts";
import { newMessageId, readEnvelope } from "../envelope.ts";
import { WsmanFault, type FaultCode } from "../faults.ts";
import { ANONYMOUS, NS, WQL_DIALECT } from "../namespaces.ts";
import { writeReferenceContent, writeSelectorSet, classUri } from "../resource.ts";
import { isoFromDateTime } from "../date-time.ts";
import { attribute, child, childText, type XmlElement } from "../xml/read.ts";
import { element, escapeText, textElement } from "../xml/write.ts";

export interface RequestFields {
  readonly url: string;
  readonly action: string;
  readonly resourceUri: string;
  readonly operationTimeoutMs: number;
  readonly selectors?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, string>>;
  readonly body: string;
}

// WinRM's default for an answer; it fits every one of ours except large pictures.
const envelopeBytes = 512_000;

const must = { "s:mustUnderstand": "true" };

export function writeRequest(fields: RequestFields): string {
  const optionSet = Object.entries(fields.options ?? {}).map(([name, value]) => textElement("w:Option", value, { Name: name })).join("");
  const header = textElement("a:Action", fields.action, must)
    + textElement("a:To", fields.url, must)
    + textElement("w:ResourceURI", fields.resourceUri, must)
    + textElement("a:MessageID", newMessageId(), must)
    + element("a:ReplyTo", {}, textElement("a:Address", ANONYMOUS, must))
    + textElement("w:MaxEnvelopeSize", String(envelopeBytes), must)
    + textElement("w:OperationTimeout", `PT${(fields.operationTimeoutMs / 1000).toFixed(3)}S`)
    // Fault texts and localised values then come in one language; nothing is looked up by them all the same.
    + element("w:Locale", { "xml:lang": "en-US", "s:mustUnderstand": "false" }, "")
    + element("p:DataLocale", { "xml:lang": "en-US", "s:mustUnderstand": "false" }, "")
    + (optionSet === "" ? "" : element("w:OptionSet", {}, optionSet))
    + writeSelectorSet(fields.selectors ?? {});
  const namespaces = { "xmlns:s": NS.s, "xmlns:a": NS.a, "xmlns:w": NS.w, "xmlns:p": NS.p, "xmlns:n": NS.n, "xmlns:rsp": NS.rsp, "xmlns:xsi": NS.xsi, "xmlns:cim": NS.cim };
  return element("s:Envelope", namespaces, element("s:Header", {}, header) + `<s:Body>${fields.body}</s:Body>`);
}

export function writeIdentify(): string {
  return element("s:Envelope", { "xmlns:s": NS.s, "xmlns:wsmid": NS.wsmid }, "<s:Header/><s:Body><wsmid:Identify/></s:Body>");
}

export function writeEnumerate(wql: string, itemsMax: number): string {
  return element("n:Enumerate", {}, `<w:OptimizeEnumeration/>${textElement("w:MaxElements", String(itemsMax))}${textElement("w:Filter", wql, { Dialect: WQL_DIALECT })}`);
}

export function writePull(context: string, itemsMax: number): string {
  return element("n:Pull", {}, textElement("n:EnumerationContext", context) + textElement("n:MaxElements", String(itemsMax)));
}

export function writeRelease(context: string): string {
  return element("n:Release", {}, textElement("n:EnumerationContext", context));
}

/** Embedded instances become CIM-XML text, references become address and parameters without a wrapper. */
export function writeMethodInput(target: CimReference, method: string, parameters: CimParameters): string {
  let content = "";
  for (const [name, value] of Object.entries(parameters)) {
    if (value === null || value === undefined) continue;
    const items = (Array.isArray(value) ? value : [value]) as readonly CimScalar[];
    for (const item of items) content += writeParameter(`i:${name}`, item);
  }
  return element(`i:${method}_INPUT`, { "xmlns:i": classUri(target.namespace, target.className) }, content);
}

function writeParameter(tag: string, value: CimScalar): string {
  if (typeof value === "object" && value.kind === "reference") return element(tag, {}, writeReferenceContent(value));
  if (typeof value === "object" && value.kind === "datetime") {
    const iso = isoFromDateTime(value);
    return element(tag, {}, element(`cim:${iso.element}`, {}, escapeText(iso.text)));
  }
  return textElement(tag, textOf(value));
}

/** The first child of the Body. @throws WsmanFault when the answer is one */
export function readAnswer(text: string): XmlElement | undefined {
  const body = child(readEnvelope(text), NS.s, "Body")?.children[0];
  if (body && body.local === "Fault" && body.namespace === NS.s) throw readFault(body);
  return body;
}

const codes: Readonly<Record<string, FaultCode>> = { Sender: "s:Sender", Receiver: "s:Receiver", MustUnderstand: "s:MustUnderstand", VersionMismatch: "s:VersionMismatch" };

/** Prefixes are the sender's choice; the subcodes in use are unique by their local name. */
const subcodePrefix: Readonly<Record<string, string>> = {
  DestinationUnreachable: "a", ActionNotSupported: "a", InvalidMessageInformationHeader: "a", EndpointUnavailable: "a",
  CannotProcessFilter: "n", InvalidEnumerationContext: "n", FilterDialectRequestedUnavailable: "n", FilteringNotSupported: "n",
};

function readFault(fault: XmlElement): WsmanFault {
  const code = child(fault, NS.s, "Code");
  const localOf = (text: string | undefined) => text?.replace(/^.*:/, "");
  const subcode = localOf(childText(child(code, NS.s, "Subcode"), NS.s, "Value"));
  const numbers: number[] = [];
  const messages: string[] = [];
  const visit = (one: XmlElement) => {
    if (one.local === "WSManFault" && one.namespace === NS.f) {
      const number = attribute(one, "Code");
      if (number !== undefined && /^\d+$/.test(number)) numbers.push(Number(number));
    }
    if (one.local === "Message" && one.text.trim() !== "") messages.push(one.text.trim());
    one.children.forEach(visit);
  };
  fault.children.forEach(visit);
  const innermost = numbers.at(-1);
  const reason = childText(child(fault, NS.s, "Reason"), NS.s, "Text") || messages[0] || "The host gave no reason.";
  return new WsmanFault({
    code: codes[localOf(childText(code, NS.s, "Value")) ?? ""] ?? "s:Receiver",
    subcode: subcode === undefined ? null : `${subcodePrefix[subcode] ?? "w"}:${subcode}`,
    reason,
    wsmanCode: numbers[0] ?? null,
    // WBEM and RPC statuses are HRESULTs of facility 4 and 7; WS-Management's own are facility 0x33.
    wmiCode: innermost !== undefined && (innermost >>> 16 === 0x8004 || innermost >>> 16 === 0x8007) ? innermost : null,
  });
}

export function itemsOf(answer: XmlElement | undefined): readonly XmlElement[] {
  return (child(answer, NS.n, "Items") ?? child(answer, NS.w, "Items"))?.children ?? [];
}

/** The context to go on with; null when the sequence ended. */
export function contextOf(answer: XmlElement | undefined): string | null {
  if (child(answer, NS.n, "EndOfSequence") ?? child(answer, NS.w, "EndOfSequence")) return null;
  return childText(answer, NS.n, "EnumerationContext") || null;
}

export type MethodResult = Readonly<Record<string, CimValue>> & { readonly ReturnValue: number };
