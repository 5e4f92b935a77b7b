import { NtlmError } from "./ntlm-error.ts";

/** AV_PAIRs (MS-NLMP 2.2.2.1): what the server says of itself in a challenge, and the client repeats and adds to. */
export const AV = { end: 0, computerName: 1, domainName: 2, dnsComputerName: 3, dnsDomainName: 4, flags: 6, timestamp: 7, channelBindings: 10 } as const;

/** The bit of AV.flags that says: a MIC is in the message. */
export const micProvided = 0x2;

export type TargetInfo = ReadonlyMap<number, Buffer>;

export function readTargetInfo(bytes: Buffer): TargetInfo {
  const pairs = new Map<number, Buffer>();
  for (let offset = 0; ;) {
    if (offset + 4 > bytes.length) throw new NtlmError("The target information has no end.");
    const [id, length] = [bytes.readUInt16LE(offset), bytes.readUInt16LE(offset + 2)];
    if (id === AV.end) return pairs;
    offset += 4;
    if (offset + length > bytes.length) throw new NtlmError("A pair of the target information reaches beyond it.");
    pairs.set(id, bytes.subarray(offset, offset + length));
    offset += length;
  }
}

export function writeTargetInfo(pairs: TargetInfo): Buffer {
  const parts: Buffer[] = [];
  for (const [id, value] of [...pairs, [AV.end, Buffer.alloc(0)] as const]) {
    const head = Buffer.alloc(4);
    head.writeUInt16LE(id, 0);
    head.writeUInt16LE(value.length, 2);
    parts.push(head, value);
  }
  return Buffer.concat(parts);
}

/** FILETIME: 100 ns steps since 1601. */
export function fileTime(nowMs: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE((BigInt(nowMs) + 11_644_473_600_000n) * 10_000n);
  return bytes;
}
