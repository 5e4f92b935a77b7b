import { attributeBits, authenticatedAttributes, type EfiVariable, globalVendor, imageSecurityVendor, secureBootEnableVendor, writeVariables } from "@signet/secure-boot/trust";

/** The signature lists of a trust template, byte for byte as firmware holds them (UEFI 2.10 32.4.1). Absent ones do not exist. */
export interface TrustVariables {
  readonly PK?: Uint8Array | null;
  readonly KEK?: Uint8Array | null;
  readonly db?: Uint8Array | null;
  readonly dbx?: Uint8Array | null;
  readonly dbt?: Uint8Array | null;
}

// Any time does, as long as later updates signed by a KEK carry a later one; Microsoft's all carry 2010-03-06.
const enrolledAt = new Date(Date.UTC(2010, 0, 1));

/**
 * A variable store in which firmware finds these keys enrolled. With Secure Boot off the keys stay and the switch that firmware
 * itself keeps (SecureBootEnable, EDK2 AuthVariableLib) is 0, so that nothing is enforced and a guest sees SecureBoot = 0.
 */
export function enrolledStore(empty: Uint8Array, trust: TrustVariables, secureBootEnabled: boolean): Uint8Array {
  const keys = trustVariableNames.flatMap((name): EfiVariable[] => {
    const data = trust[name];
    if (!data || data.length === 0) return [];
    const vendor = name === "PK" || name === "KEK" ? globalVendor : imageSecurityVendor;
    return [{ name, vendor, attributes: authenticatedAttributes, timestamp: enrolledAt, data }];
  });
  return writeVariables(empty, [...keys, secureBootEnable(secureBootEnabled)]);
}

function secureBootEnable(enabled: boolean): EfiVariable {
  const attributes = attributeBits.nonVolatile | attributeBits.bootService;
  return { name: "SecureBootEnable", vendor: secureBootEnableVendor, attributes, timestamp: null, data: Uint8Array.of(enabled ? 1 : 0) };
}

const trustVariableNames = ["PK", "KEK", "db", "dbx", "dbt"] as const;
