import { SaxesParser } from "saxes";

/** An element with its namespace resolved. `text` is the concatenation of its own text and CDATA, white space kept. */
export interface XmlElement {
  readonly local: string;
  readonly namespace: string;
  readonly attributes: readonly XmlAttribute[];
  readonly children: readonly XmlElement[];
  readonly text: string;
}

export interface XmlAttribute {
  readonly local: string;
  readonly namespace: string;
  readonly value: string;
}

export class XmlError extends Error {
  override readonly name = "XmlError";
}

// Envelopes nest about a dozen levels; what nests deeper is an attack on the stack.
export const xmlDepthMax = 64;
// A full answer of 500 KiB holds some ten thousand elements; a document of more is not a message.
export const xmlElementsMax = 200_000;
// An answer with several hundred instances stays below this; WinRM's own limit for one envelope is 500 KiB by default.
export const xmlCharactersMax = 16 * 1024 * 1024;

interface OpenElement {
  local: string;
  namespace: string;
  attributes: XmlAttribute[];
  children: XmlElement[];
  text: string;
}

/**
 * Reads one document. SOAP 1.2 section 5 forbids document types and processing instructions; both are refused, so no entity
 * beyond the five of XML can exist.
 */
export function readXml(text: string): XmlElement {
  if (text.length > xmlCharactersMax) throw new XmlError(`The document has ${text.length} characters; at most ${xmlCharactersMax} are read.`);
  const parser = new SaxesParser({ xmlns: true, position: false });
  const open: OpenElement[] = [];
  let root: XmlElement | null = null;
  let elements = 0;
  parser.on("error", (error) => { throw new XmlError(`Not well-formed XML: ${error.message}`); });
  parser.on("doctype", () => { throw new XmlError("A document type is not allowed here."); });
  parser.on("processinginstruction", () => { throw new XmlError("A processing instruction is not allowed here."); });
  parser.on("opentag", (tag) => {
    if (++elements > xmlElementsMax) throw new XmlError(`More than ${xmlElementsMax} elements.`);
    if (open.length >= xmlDepthMax) throw new XmlError(`Elements nest deeper than ${xmlDepthMax}.`);
    const attributes: XmlAttribute[] = [];
    for (const attribute of Object.values(tag.attributes)) {
      if (attribute.prefix === "xmlns" || attribute.name === "xmlns") continue;
      attributes.push({ local: attribute.local, namespace: attribute.uri, value: attribute.value });
    }
    const element: OpenElement = { local: tag.local, namespace: tag.uri, attributes, children: [], text: "" };
    open.at(-1)?.children.push(element);
    open.push(element);
    root ??= element;
  });
  const addText = (value: string) => {
    const element = open.at(-1);
    if (element) element.text += value;
  };
  parser.on("text", addText);
  parser.on("cdata", addText);
  parser.on("closetag", () => { open.pop(); });
  // A byte-order mark survives decoding when the sender wrote one.
  parser.write(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text).close();
  if (root === null) throw new XmlError("The document is empty.");
  return root;
}

export function child(element: XmlElement | undefined, namespace: string, local: string): XmlElement | undefined {
  return element?.children.find((one) => one.local === local && one.namespace === namespace);
}

export function children(element: XmlElement | undefined, namespace: string, local: string): readonly XmlElement[] {
  return element?.children.filter((one) => one.local === local && one.namespace === namespace) ?? [];
}

export function childText(element: XmlElement | undefined, namespace: string, local: string): string | undefined {
  return child(element, namespace, local)?.text.trim();
}

/** Attribute by local name; `namespace` is "" for one without prefix. */
export function attribute(element: XmlElement, local: string, namespace = ""): string | undefined {
  return element.attributes.find((one) => one.local === local && one.namespace === namespace)?.value;
}
