import { NtlmError } from "./ntlm-error.ts";

/** One element of DER (X.690): as much of it as tokens and certificates need here. */
export interface DerElement {
  /** Class, form and number, as the one byte that they are in all that is read here. */
  readonly tag: number;
  readonly content: Buffer;
  /** The element itself, head and content. */
  readonly bytes: Buffer;
}

export const DER = { octetString: 0x04, objectIdentifier: 0x06, enumerated: 0x0a, sequence: 0x30, application0: 0x60, context: (number: number) => 0xa0 | number } as const;

/** The element at the beginning of the bytes. @throws NtlmError */
export function readDer(bytes: Buffer): DerElement {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined) throw new NtlmError("An ASN.1 element is cut off.");
  // More than four bytes of length would be more than any message here may have; 0x80 is BER's indefinite form.
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || lengthBytes > 4 || bytes.length < 2 + lengthBytes) throw new NtlmError("The length of an ASN.1 element cannot be read.");
  const start = 2 + lengthBytes;
  const end = start + (lengthBytes === 0 ? first : bytes.readUIntBE(2, lengthBytes));
  if (end > bytes.length) throw new NtlmError("An ASN.1 element is cut off.");
  return { tag, content: bytes.subarray(start, end), bytes: bytes.subarray(0, end) };
}

/** The elements that follow one another in the bytes. */
export function readDerList(bytes: Buffer): readonly DerElement[] {
  const elements: DerElement[] = [];
  for (let rest = bytes; rest.length > 0;) {
    const element = readDer(rest);
    elements.push(element);
    rest = rest.subarray(element.bytes.length);
  }
  return elements;
}

export function writeDer(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const length = Buffer.from(content.length.toString(16).padStart(content.length > 0xff ? content.length > 0xffff ? 6 : 4 : 2, "0"), "hex");
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, content]);
}
