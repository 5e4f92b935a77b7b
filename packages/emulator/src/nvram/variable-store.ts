import { efiGuidBytes, efiGuidText } from "./efi-guid.ts";

/**
 * The authenticated variable store inside an EDK2 firmware file (MdeModulePkg VariableFormat.h): a firmware volume header, a
 * store header, then variables one after the other, each behind the last at a multiple of four, erased flash (0xFF) behind them.
 */
export interface EfiVariable {
  readonly name: string;
  /** Lower-case GUID of the vendor. */
  readonly vendor: string;
  readonly attributes: number;
  /** For time-based authenticated variables; null writes zeroes. */
  readonly timestamp: Date | null;
  readonly data: Uint8Array;
}

export class VariableStoreError extends Error {
  override readonly name = "VariableStoreError";
}

export const globalVendor = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
export const imageSecurityVendor = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";
export const secureBootEnableVendor = "f0a30bc7-af08-4556-99c4-001009c93a44";

export const attributeBits = { nonVolatile: 0x01, bootService: 0x02, runtime: 0x04, timeBasedAuthentication: 0x20 } as const;
/** What PK, KEK, db and dbx carry: non-volatile, boot service, runtime, time-based authenticated. */
export const authenticatedAttributes = 0x27;

const firmwareVolumeGuid = "fff12b8d-7696-4c8b-a985-2747075b4f50";
const authenticatedStoreGuid = "aaf32c78-947b-439a-a180-2e144ec37792";
const storeHeaderSize = 28;
const variableHeaderSize = 60;
const startMark = 0x55aa;
const stateAdded = 0x3f;
const stateBeingReplaced = 0x3e;

/** The variables that count, in the order in which they lie. @throws VariableStoreError when the file holds no such store */
export function readVariableStore(file: Uint8Array): EfiVariable[] {
  const { start, end } = findStore(file);
  const found: { variable: EfiVariable; state: number }[] = [];
  for (let at = start; ;) {
    const entry = readEntry(file, at, end);
    if (entry === null) break;
    if (entry.state === stateAdded || entry.state === stateBeingReplaced) found.push(entry);
    at = entry.next;
  }
  return found.filter(({ variable, state }, index) => state === stateAdded
    // One that is being replaced counts only where its successor was never finished.
    || !found.some((other, position) => position > index && other.state === stateAdded && sameName(other.variable, variable)))
    .map(({ variable }) => variable);
}

/** A copy of an empty (or not yet booted) store with these variables behind what it holds. @throws VariableStoreError when they do not fit */
export function writeVariables(template: Uint8Array, variables: readonly EfiVariable[]): Uint8Array {
  const file = Uint8Array.from(template);
  const { start, end } = findStore(file);
  let at = start;
  for (let entry = readEntry(file, at, end); entry !== null; entry = readEntry(file, at, end)) at = entry.next;
  for (const variable of variables) {
    const bytes = encode(variable);
    if (at + bytes.length > end) {
      throw new VariableStoreError(`The variable ${variable.name} (${variable.data.length} bytes) does not fit: ${Math.max(0, end - at)} bytes are left in the store.`);
    }
    file.set(bytes, at);
    at = align(at + bytes.length);
  }
  return file;
}

function findStore(file: Uint8Array): { start: number; end: number } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 0x100 || efiGuidText(file.subarray(16, 32)) !== firmwareVolumeGuid || view.getUint32(40, true) !== 0x4856465f) {
    throw new VariableStoreError("The file does not begin with a firmware volume of system variables. Give the OVMF_VARS file that belongs to the firmware.");
  }
  const header = view.getUint16(48, true);
  if (header + storeHeaderSize > file.length || efiGuidText(file.subarray(header, header + 16)) !== authenticatedStoreGuid) {
    throw new VariableStoreError("The firmware volume holds no authenticated variable store.");
  }
  const [format, state] = [file[header + 20], file[header + 21]];
  if (format !== 0x5a || state !== 0xfe) throw new VariableStoreError("The variable store is not formatted and healthy.");
  const end = header + view.getUint32(header + 16, true);
  if (end > file.length) throw new VariableStoreError("The variable store is longer than its file.");
  return { start: header + storeHeaderSize, end };
}

function readEntry(file: Uint8Array, at: number, end: number): { variable: EfiVariable; state: number; next: number } | null {
  if (at + variableHeaderSize > end) return null;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (view.getUint16(at, true) !== startMark) return null;
  const nameSize = view.getUint32(at + 36, true);
  const dataSize = view.getUint32(at + 40, true);
  const nameAt = at + variableHeaderSize;
  const dataAt = nameAt + nameSize;
  if (nameSize % 2 !== 0 || dataAt + dataSize > end) throw new VariableStoreError(`The variable at offset 0x${at.toString(16)} reaches past the end of the store.`);
  const name = new TextDecoder("utf-16le").decode(file.subarray(nameAt, dataAt)).replace(/\0+$/, "");
  const variable: EfiVariable = {
    name,
    vendor: efiGuidText(file.subarray(at + 44, at + 60)),
    attributes: view.getUint32(at + 4, true),
    timestamp: readTime(view, at + 16),
    data: file.slice(dataAt, dataAt + dataSize),
  };
  return { variable, state: file[at + 2] ?? 0, next: align(dataAt + dataSize) };
}

function encode(variable: EfiVariable): Uint8Array {
  const name = Buffer.from(`${variable.name}\0`, "utf16le");
  const bytes = new Uint8Array(variableHeaderSize + name.length + variable.data.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, startMark, true);
  bytes[2] = stateAdded;
  view.setUint32(4, variable.attributes, true);
  if (variable.timestamp) writeTime(view, 16, variable.timestamp);
  view.setUint32(36, name.length, true);
  view.setUint32(40, variable.data.length, true);
  bytes.set(efiGuidBytes(variable.vendor), 44);
  bytes.set(name, variableHeaderSize);
  bytes.set(variable.data, variableHeaderSize + name.length);
  return bytes;
}

/** EFI_TIME (UEFI 2.10 8.3), UTC. */
function writeTime(view: DataView, at: number, time: Date): void {
  view.setUint16(at, time.getUTCFullYear(), true);
  const fields = [time.getUTCMonth() + 1, time.getUTCDate(), time.getUTCHours(), time.getUTCMinutes(), time.getUTCSeconds()];
  fields.forEach((value, index) => view.setUint8(at + 2 + index, value));
}

function readTime(view: DataView, at: number): Date | null {
  const year = view.getUint16(at, true);
  const field = (offset: number) => view.getUint8(at + offset);
  return year === 0 ? null : new Date(Date.UTC(year, field(2) - 1, field(3), field(4), field(5), field(6)));
}

function sameName(left: EfiVariable, right: EfiVariable): boolean {
  return left.name === right.name && left.vendor === right.vendor;
}

function align(offset: number): number {
  return (offset + 3) & ~3;
}
