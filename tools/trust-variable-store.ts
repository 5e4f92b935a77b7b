/** A variable as an enrolled firmware file holds it. */
export interface StoredVariable {
  readonly name: string;
  /** The signature lists, without attributes and without an authentication header. */
  readonly data: Uint8Array;
}

const VOLUME_SIGNATURE_OFFSET = 40;
const VOLUME_HEADER_LENGTH_OFFSET = 48;
const STORE_HEADER_BYTES = 28;
const VARIABLE_HEADER_BYTES = 60;
const VARIABLE_MARK = 0x55aa;
const STATE_VALID = 0x3f;

/**
 * Reads the valid variables of an EDK2 variable store with authenticated variables (MdeModulePkg, VariableFormat.h): a firmware volume
 * header, a store header, then the variables, each at a multiple of four. Throws when the file does not start with such a volume.
 */
export function readTrustVariables(file: Uint8Array): readonly StoredVariable[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const text = (offset: number, length: number): string => String.fromCharCode(...file.subarray(offset, offset + length));
  if (text(VOLUME_SIGNATURE_OFFSET, 4) !== "_FVH") throw new Error("The file does not start with a firmware volume; give the OVMF_VARS file of a package.");
  const store = view.getUint16(VOLUME_HEADER_LENGTH_OFFSET, true);
  const end = store + view.getUint32(store + 16, true);
  const variables: StoredVariable[] = [];
  let offset = store + STORE_HEADER_BYTES;
  while (offset + VARIABLE_HEADER_BYTES <= end && view.getUint16(offset, true) === VARIABLE_MARK) {
    const nameSizeBytes = view.getUint32(offset + 36, true);
    const dataSizeBytes = view.getUint32(offset + 40, true);
    const nameOffset = offset + VARIABLE_HEADER_BYTES;
    const dataOffset = nameOffset + nameSizeBytes;
    if (dataOffset + dataSizeBytes > end) throw new Error(`The variable at ${offset} leaves the store, which is damaged.`);
    if (view.getUint8(offset + 2) === STATE_VALID) {
      const name = new TextDecoder("utf-16le").decode(file.subarray(nameOffset, dataOffset - 2));
      variables.push({ name, data: file.slice(dataOffset, dataOffset + dataSizeBytes) });
    }
    offset = Math.ceil((dataOffset + dataSizeBytes) / 4) * 4;
  }
  return variables;
}
