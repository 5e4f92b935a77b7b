import { childAt, type DerElement, derChildren, derTags, objectIdText, toHex } from "./der.ts";

const SHORT_NAMES: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.5": "serialNumber",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "0.9.2342.19200300.100.1.25": "DC",
  "1.2.840.113549.1.9.1": "emailAddress",
};

/** String types that are compared as text: UTF8, Printable, T61, IA5, Visible, Universal, BMP. */
const TEXT_TAGS: ReadonlySet<number> = new Set([0x0c, 0x13, 0x14, 0x16, 0x1a, 0x1c, 0x1e]);

/** A name for people: most specific part first, "CN=…, O=…, C=…". */
export function nameText(name: DerElement): string {
  return attributes(name)
    .map(({ type, value }) => `${SHORT_NAMES[type] ?? type}=${TEXT_TAGS.has(value.tag) ? decode(value) : `#${toHex(value.whole)}`}`)
    .toReversed()
    .join(", ");
}

/** The common name, or the whole name where it has none. */
export function commonName(nameInText: string): string {
  return /(?:^|, )CN=(.*?)(?=, [A-Za-z0-9.]+=|$)/.exec(nameInText)?.[1] ?? nameInText;
}

/**
 * A form in which names are equal exactly when OpenSSL takes them for equal: text in lower case (ASCII only), spaces at the ends dropped
 * and runs of them collapsed; everything else byte for byte. Parts of one relative name keep together.
 */
export function canonicalName(name: DerElement): string {
  return derChildren(name.content)
    .map((set) => derChildren(set.content).map((pair) => canonicalPair(pair)).toSorted().join("+"))
    .join("/");
}

function canonicalPair(pair: DerElement): string {
  const { type, value } = pairOf(pair);
  if (!TEXT_TAGS.has(value.tag)) return `${type}=#${toHex(value.whole)}`;
  const text = decode(value).replace(/[\t\n\v\f\r ]+/g, " ").replace(/^ | $/g, "");
  return `${type}=${text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())}`;
}

function attributes(name: DerElement): readonly { type: string; value: DerElement }[] {
  return derChildren(name.content).flatMap((set) => derChildren(set.content).map(pairOf));
}

function pairOf(pair: DerElement): { type: string; value: DerElement } {
  const children = derChildren(pair.content);
  return { type: objectIdText(childAt(children, 0, derTags.objectId)), value: childAt(children, 1) };
}

function decode({ tag, content }: DerElement): string {
  if (tag === 0x1e) return String.fromCharCode(...Array.from({ length: content.length >> 1 }, (_, index) => (content[index * 2] ?? 0) * 256 + (content[index * 2 + 1] ?? 0)));
  if (tag === 0x1c) return String.fromCodePoint(...Array.from({ length: content.length >> 2 }, (_, index) => new DataView(content.buffer, content.byteOffset + index * 4, 4).getUint32(0)).filter((code) => code <= 0x10ffff));
  return new TextDecoder(tag === 0x0c ? "utf-8" : "latin1").decode(content);
}
