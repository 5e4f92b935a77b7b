/** One element of a DER encoding (X.690), with places in the array that holds it. */
export interface DerElement {
  readonly tag: number;
  /** Tag, length and content. */
  readonly whole: Uint8Array;
  readonly content: Uint8Array;
}

/** Bytes that are no DER, or other DER than the structure asks for. Never leaves this folder: a blob that fails is a value, not an error. */
export class DerError extends Error {
  override readonly name = "DerError";
}

export const derTags = { integer: 0x02, bitString: 0x03, octetString: 0x04, objectId: 0x06, utf8: 0x0c, sequence: 0x30, set: 0x31, context0: 0xa0, context1: 0xa1, context3: 0xa3 } as const;

const LENGTH_BYTES_MAX = 4;

/** Reads the element at `offset`; whatever follows it is not looked at. Throws `DerError` when it is not whole. */
export function readDer(bytes: Uint8Array, offset = 0): DerElement {
  const tag = bytes[offset];
  const first = bytes[offset + 1];
  if (tag === undefined || first === undefined) throw new DerError("The encoding ends before its element does.");
  let length = first;
  let start = offset + 2;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > LENGTH_BYTES_MAX) throw new DerError("The length of an element is indefinite or too large.");
    length = 0;
    for (let index = 0; index < count; index += 1) length = length * 256 + (bytes[start + index] ?? 0);
    start += count;
  }
  if (start + length > bytes.length) throw new DerError("An element is longer than its encoding.");
  return { tag, whole: bytes.subarray(offset, start + length), content: bytes.subarray(start, start + length) };
}

/** Reads an element that must have the tag. */
export function expectDer(bytes: Uint8Array, tag: number): DerElement {
  const element = readDer(bytes);
  if (element.tag !== tag) throw new DerError(`An element with tag ${tag} is expected, but it has ${element.tag}.`);
  return element;
}

/** The elements inside a constructed one. */
export function derChildren(content: Uint8Array): readonly DerElement[] {
  const children: DerElement[] = [];
  for (let offset = 0; offset < content.length; ) {
    const child = readDer(content, offset);
    children.push(child);
    offset += child.whole.length;
  }
  return children;
}

/** The element at a place of a list; throws `DerError` when it is missing or has another tag. */
export function childAt(children: readonly DerElement[], index: number, tag?: number): DerElement {
  const child = children[index];
  if (child === undefined || (tag !== undefined && child.tag !== tag)) throw new DerError(`Element ${index} of a structure is missing or of another kind.`);
  return child;
}

/** An object identifier in dotted form. */
export function objectIdText(element: DerElement): string {
  if (element.tag !== derTags.objectId || element.content.length === 0) throw new DerError("An object identifier is expected.");
  const numbers: number[] = [];
  let value = 0;
  for (const byte of element.content) {
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      numbers.push(value);
      value = 0;
    }
  }
  const first = numbers[0] ?? 0;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...numbers.slice(1)].join(".");
}

export const equalBytes = (one: Uint8Array, other: Uint8Array): boolean => one.length === other.length && one.every((byte, index) => byte === other[index]);

export const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
