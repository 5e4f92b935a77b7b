import { guidBytes, readGuid } from "../guid.ts";

/**
 * The authenticated variable store inside an EDK2 firmware file (MdeModulePkg, VariableFormat.h): a firmware volume header, a store
 * header, then variables one after the other, each behind the last at a multiple of four, erased flash (0xFF) behind them.
 */
export interface EfiVariable {
  readonly name: string;
  /** Lower-case GUID of the vendor. */
  readonly vendor: string;
  readonly attributes: number;
  /** Of time-based authenticated variables; null stands for all zero. */
  readonly timestamp: Date | null;
  readonly data: Uint8Array;
}

export class VariableStoreError extends Error {
  override readonly name = "VariableStoreError";
}

export const globalVendor = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
export const imageSecurityVendor = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";
export const secureBootEnableVendor = "f0a30bc7-af08-4556-99c4-001009c93a44";
export const shimVendor = "605dab50-e046-4300-abb6-3dd810dd8b23";

export const attributeBits = { nonVolatile: 0x01, bootService: 0x02, runtime: 0x04, timeBasedAuthentication: 0x20 } as const;
/** What PK, KEK, db and dbx carry: non-volatile, boot service, runtime, time-based authenticated. */
export const authenticatedAttributes = 0x27;

const FIRMWARE_VOLUME = "fff12b8d-7696-4c8b-a985-2747075b4f50";
const AUTHENTICATED_STORE = "aaf32c78-947b-439a-a180-2e144ec37792";
const VOLUME_MARK = 0x4856465f;
const STORE_HEADER_BYTES = 28;
const VARIABLE_HEADER_BYTES = 60;
const START_MARK = 0x55aa;
const ADDED = 0x3f;
const BEING_REPLACED = 0x3e;

/** Whether the bytes begin with a firmware volume, as OVMF_VARS files do. */
export function isFirmwareVolume(file: Uint8Array): boolean {
  return file.length >= 0x100 && viewOf(file).getUint32(40, true) === VOLUME_MARK;
}

/** The variables that count, in the order in which they lie. @throws VariableStoreError when the file holds no such store */
export function readVariableStore(file: Uint8Array): EfiVariable[] {
  const { start, end } = findVariables(file);
  const found: { variable: EfiVariable; state: number }[] = [];
  for (let entry = readEntry(file, start, end); entry !== null; entry = readEntry(file, entry.next, end)) {
    if (entry.state === ADDED || entry.state === BEING_REPLACED) found.push(entry);
  }
  // One that is being replaced counts only where its successor was never finished.
  const hasSuccessor = (index: number): boolean => found.some((other, position) => position > index && other.state === ADDED && isSame(other.variable, found[index]?.variable));
  return found.filter(({ state }, index) => state === ADDED || !hasSuccessor(index)).map(({ variable }) => variable);
}

/** A copy of an empty (or not yet booted) store with these variables behind what it holds. @throws VariableStoreError when they do not fit */
export function writeVariables(template: Uint8Array, variables: readonly EfiVariable[]): Uint8Array {
  const file = Uint8Array.from(template);
  const { start, end } = findVariables(file);
  let at = start;
  for (let entry = readEntry(file, at, end); entry !== null; entry = readEntry(file, at, end)) at = entry.next;
  for (const variable of variables) {
    const bytes = encode(variable);
    if (at + bytes.length > end) {
      throw new VariableStoreError(`The variable ${variable.name} (${variable.data.length} bytes) does not fit: ${Math.max(0, end - at)} bytes are left in the store.`);
    }
    file.set(bytes, at);
    at = aligned(at + bytes.length);
  }
  return file;
}

/** Where the variables of the store begin, and where its space ends. @throws VariableStoreError */
function findVariables(file: Uint8Array): { readonly start: number; readonly end: number } {
  const view = viewOf(file);
  if (!isFirmwareVolume(file) || readGuid(file, 16) !== FIRMWARE_VOLUME) {
    throw new VariableStoreError("The file does not begin with a firmware volume of system variables. Give the OVMF_VARS file that belongs to the firmware.");
  }
  const header = view.getUint16(48, true);
  if (header + STORE_HEADER_BYTES > file.length || readGuid(file, header) !== AUTHENTICATED_STORE) {
    throw new VariableStoreError("The firmware volume holds no authenticated variable store.");
  }
  if (file[header + 20] !== 0x5a || file[header + 21] !== 0xfe) throw new VariableStoreError("The variable store is not formatted and healthy.");
  const end = header + view.getUint32(header + 16, true);
  if (end > file.length) throw new VariableStoreError("The variable store is longer than its file.");
  return { start: header + STORE_HEADER_BYTES, end };
}

/** The entry at an offset, whatever its state; null where no variable begins. @throws VariableStoreError when it leaves the store */
function readEntry(file: Uint8Array, at: number, end: number): { readonly variable: EfiVariable; readonly state: number; readonly next: number } | null {
  const view = viewOf(file);
  if (at + VARIABLE_HEADER_BYTES > end || view.getUint16(at, true) !== START_MARK) return null;
  const nameBytes = view.getUint32(at + 36, true);
  const dataBytes = view.getUint32(at + 40, true);
  const dataAt = at + VARIABLE_HEADER_BYTES + nameBytes;
  if (nameBytes % 2 !== 0 || dataAt + dataBytes > end) throw new VariableStoreError(`The variable at offset 0x${at.toString(16)} reaches past the end of the store.`);
  const variable: EfiVariable = {
    name: new TextDecoder("utf-16le").decode(file.subarray(at + VARIABLE_HEADER_BYTES, dataAt)).replace(/\0+$/, ""),
    vendor: readGuid(file, at + 44),
    attributes: view.getUint32(at + 4, true),
    timestamp: readTime(view, at + 16),
    data: file.slice(dataAt, dataAt + dataBytes),
  };
  return { variable, state: file[at + 2] ?? 0, next: aligned(dataAt + dataBytes) };
}

/** EFI_TIME (UEFI 2.10, 8.3), UTC. */
function readTime(view: DataView, at: number): Date | null {
  const year = view.getUint16(at, true);
  const field = (offset: number): number => view.getUint8(at + offset);
  return year === 0 ? null : new Date(Date.UTC(year, field(2) - 1, field(3), field(4), field(5), field(6)));
}

function encode({ name, vendor, attributes, timestamp, data }: EfiVariable): Uint8Array {
  const nameBytes = Uint8Array.from([...name, "\0"].flatMap((letter) => [letter.charCodeAt(0) & 0xff, letter.charCodeAt(0) >> 8]));
  const bytes = new Uint8Array(VARIABLE_HEADER_BYTES + nameBytes.length + data.length);
  const view = viewOf(bytes);
  view.setUint16(0, START_MARK, true);
  bytes[2] = ADDED;
  view.setUint32(4, attributes, true);
  if (timestamp !== null) writeTime(view, 16, timestamp);
  view.setUint32(36, nameBytes.length, true);
  view.setUint32(40, data.length, true);
  bytes.set(guidBytes(vendor), 44);
  bytes.set(nameBytes, VARIABLE_HEADER_BYTES);
  bytes.set(data, VARIABLE_HEADER_BYTES + nameBytes.length);
  return bytes;
}

function writeTime(view: DataView, at: number, time: Date): void {
  view.setUint16(at, time.getUTCFullYear(), true);
  const fields = [time.getUTCMonth() + 1, time.getUTCDate(), time.getUTCHours(), time.getUTCMinutes(), time.getUTCSeconds()];
  fields.forEach((value, index) => view.setUint8(at + 2 + index, value));
}

const aligned = (offset: number): number => Math.ceil(offset / 4) * 4;
const viewOf = (file: Uint8Array): DataView => new DataView(file.buffer, file.byteOffset, file.byteLength);
const isSame = (one: EfiVariable, other: EfiVariable | undefined): boolean => one.name === other?.name && one.vendor === other.vendor;
