import { createHash, sign } from "node:crypto";
import { type Authority, nameDer } from "./authority-recipe.ts";
import { der, integer, nothing, objectId, octets, sequence, set } from "./der-recipe.ts";

export interface ProgramOptions {
  readonly machine?: number;
  readonly subsystem?: number;
  readonly sections?: Readonly<Record<string, Uint8Array>>;
  /** Bytes of code; a different filling makes a different digest. */
  readonly filling?: number;
  /** Code that shall run, from its first byte on; without it the program does nothing that makes sense. */
  readonly code?: Uint8Array;
}

export interface SignatureOptions {
  readonly signer: Authority;
  /** Certificates that the blob carries; default: the signer's. */
  readonly certificates?: readonly Authority[];
  readonly digest?: "sha256" | "sha384" | "sha1";
  /** Signs another image's digest instead. */
  readonly imageDigest?: Uint8Array;
  /** What the content says that it is; default: SpcIndirectDataContent. */
  readonly contentType?: string;
}

const PE_OFFSET = 0x40;
const OPTIONAL_BYTES = 240;
const SECTION_ALIGNMENT = 0x1000;
const FILE_ALIGNMENT = 0x200;
const HEADER_BYTES = 0x400;
const SECURITY_ENTRY = PE_OFFSET + 24 + 112 + 4 * 8;
const DIGEST_IDS = { sha256: "2.16.840.1.101.3.4.2.1", sha384: "2.16.840.1.101.3.4.2.2", sha1: "1.3.14.3.2.26" } as const;

const align = (value: number, to: number): number => Math.ceil(value / to) * to;

/** A small PE32+ program: it would do nothing, but its headers and sections are whole. */
export function buildProgram(options: ProgramOptions = {}): Buffer {
  const sections = Object.entries({ ".text": options.code ?? new Uint8Array(64).fill(options.filling ?? 0xc3), ...options.sections });
  let rawOffset = HEADER_BYTES;
  let address = SECTION_ALIGNMENT;
  const placed = sections.map(([name, content]) => {
    const section = { name, content, rawOffset, address, rawSizeBytes: align(content.length, FILE_ALIGNMENT) };
    rawOffset += section.rawSizeBytes;
    address += align(content.length, SECTION_ALIGNMENT);
    return section;
  });
  const file = Buffer.alloc(rawOffset);
  // Names of more than eight letters lie in a string table, behind no symbols.
  const longNames = placed.filter(({ name }) => name.length > 8);
  const strings = Buffer.concat([Buffer.alloc(4), ...longNames.map(({ name }) => Buffer.from(`${name}\0`))]);
  file.write("MZ", 0, "latin1");
  file.writeUInt32LE(PE_OFFSET, 0x3c);
  file.write("PE\0\0", PE_OFFSET, "latin1");
  file.writeUInt16LE(options.machine ?? 0x8664, PE_OFFSET + 4);
  file.writeUInt16LE(placed.length, PE_OFFSET + 6);
  file.writeUInt16LE(OPTIONAL_BYTES, PE_OFFSET + 20);
  file.writeUInt16LE(0x22, PE_OFFSET + 22);
  const optional = PE_OFFSET + 24;
  file.writeUInt16LE(0x20b, optional);
  if (options.code !== undefined) file.writeUInt32LE(SECTION_ALIGNMENT, optional + 16);
  file.writeUInt32LE(SECTION_ALIGNMENT, optional + 32);
  file.writeUInt32LE(FILE_ALIGNMENT, optional + 36);
  file.writeUInt32LE(address, optional + 56);
  file.writeUInt32LE(HEADER_BYTES, optional + 60);
  file.writeUInt16LE(options.subsystem ?? 10, optional + 68);
  file.writeUInt32LE(16, optional + 108);
  let nameOffset = 4;
  placed.forEach(({ name, content, rawOffset: offset, address: virtual, rawSizeBytes }, index) => {
    const header = optional + OPTIONAL_BYTES + index * 40;
    file.write(name.length > 8 ? `/${nameOffset}` : name, header, "latin1");
    if (name.length > 8) nameOffset += name.length + 1;
    file.writeUInt32LE(content.length, header + 8);
    file.writeUInt32LE(virtual, header + 12);
    file.writeUInt32LE(rawSizeBytes, header + 16);
    file.writeUInt32LE(offset, header + 20);
    file.set(content, offset);
  });
  if (longNames.length === 0) return file;
  file.writeUInt32LE(file.length, PE_OFFSET + 12);
  const padded = Buffer.alloc(align(strings.length, 8));
  padded.set(strings);
  return Buffer.concat([file, padded]);
}

/** The program's digest by the Authenticode rule, written down once more: headers without their two gaps, then all the rest. */
export function imageDigest(program: Buffer, algorithm = "sha256"): Buffer {
  const end = program.readUInt32LE(SECURITY_ENTRY) === 0 ? program.length : program.readUInt32LE(SECURITY_ENTRY);
  const checksum = PE_OFFSET + 24 + 64;
  return createHash(algorithm).update(program.subarray(0, checksum)).update(program.subarray(checksum + 4, SECURITY_ENTRY)).update(program.subarray(SECURITY_ENTRY + 8, end)).digest();
}

/** Appends a certificate table with one entry for each signature. */
export function signProgram(program: Buffer, ...signatures: readonly SignatureOptions[]): Buffer {
  const entries = signatures.map((signature) => tableEntry(buildSignature(signature.imageDigest ?? imageDigest(program, signature.digest), signature)));
  return withTable(program, Buffer.concat(entries));
}

/** Appends these bytes as certificate table, well formed or not. */
export function withTable(program: Buffer, table: Buffer): Buffer {
  const padded = Buffer.alloc(align(program.length, 8));
  padded.set(program);
  const signed = Buffer.concat([padded, table]);
  signed.writeUInt32LE(padded.length, SECURITY_ENTRY);
  signed.writeUInt32LE(table.length, SECURITY_ENTRY + 4);
  return signed;
}

export function tableEntry(blob: Buffer, type = 0x0002): Buffer {
  const entry = Buffer.alloc(align(8 + blob.length, 8));
  entry.writeUInt32LE(8 + blob.length, 0);
  entry.writeUInt16LE(0x0200, 4);
  entry.writeUInt16LE(type, 6);
  entry.set(blob, 8);
  return entry;
}

/** An Authenticode signature: PKCS#7 SignedData over SpcIndirectDataContent with the image's digest at its end. */
export function buildSignature(digest: Uint8Array, { signer, certificates = [signer], digest: algorithm = "sha256", contentType = "1.3.6.1.4.1.311.2.1.4" }: SignatureOptions): Buffer {
  const algorithmId = sequence(objectId(DIGEST_IDS[algorithm]), nothing);
  const content = Buffer.concat([sequence(objectId("1.3.6.1.4.1.311.2.1.15"), sequence()), sequence(algorithmId, octets(digest))]);
  const attributes = [
    sequence(objectId("1.2.840.113549.1.9.3"), set(objectId(contentType))),
    sequence(objectId("1.2.840.113549.1.9.4"), set(octets(createHash(algorithm).update(content).digest()))),
  ];
  const keyAlgorithm = signer.key.asymmetricKeyType === "ec" ? sequence(objectId("1.2.840.10045.2.1")) : sequence(objectId("1.2.840.113549.1.1.1"), nothing);
  const signerInfo = sequence(integer(1), sequence(nameDer(signer.issuerName), integer(signer.serial)), algorithmId, der(0xa0, ...attributes), keyAlgorithm, octets(sign(algorithm, set(...attributes), signer.key)));
  const signedData = sequence(
    integer(1),
    set(algorithmId),
    sequence(objectId(contentType), der(0xa0, sequence(content))),
    der(0xa0, ...certificates.map((certificate) => certificate.der)),
    set(signerInfo),
  );
  return sequence(objectId("1.2.840.113549.1.7.2"), der(0xa0, signedData));
}
