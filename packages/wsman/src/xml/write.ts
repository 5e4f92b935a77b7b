/** Text that cannot be written in XML 1.0 at all: control characters and lone surrogates (XML 1.0 section 2.2). */
// eslint-disable-next-line no-control-regex
const unwritable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#xD;", "\n": "&#xA;", "\t": "&#x9;" };

/** Characters that XML cannot carry become U+FFFD: a title with a control character must not break the whole answer. */
export function escapeText(text: string): string {
  return text.toWellFormed().replace(unwritable, "\ufffd").replace(/[&<>\r]/g, (character) => entities[character] ?? character);
}

export function escapeAttribute(text: string): string {
  return text.toWellFormed().replace(unwritable, "\ufffd").replace(/[&<>"\r\n\t]/g, (character) => entities[character] ?? character);
}

export type XmlAttributes = Readonly<Record<string, string>>;

/** Writes an element around content that is XML already. */
export function element(name: string, attributes: XmlAttributes, content: string): string {
  let open = `<${name}`;
  for (const [key, value] of Object.entries(attributes)) open += ` ${key}="${escapeAttribute(value)}"`;
  return content === "" ? `${open}/>` : `${open}>${content}</${name}>`;
}

/** Writes an element around plain text. */
export function textElement(name: string, text: string, attributes: XmlAttributes = {}): string {
  return element(name, attributes, escapeText(text));
}
