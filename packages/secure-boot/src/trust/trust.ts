/** The variables that decide what firmware trusts: each a run of EFI signature lists, byte for byte; null when it does not exist. */
export interface TrustVariables {
  readonly PK: Uint8Array | null;
  readonly KEK: Uint8Array | null;
  readonly db: Uint8Array | null;
  readonly dbx: Uint8Array | null;
  readonly dbt: Uint8Array | null;
}

export const trustVariableNames = ["PK", "KEK", "db", "dbx", "dbt"] as const;

/** A variable of shim (GUID 605dab50-e046-4300-abb6-3dd810dd8b23) as it stands before the boot. */
export interface ShimVariable {
  /** EFI attribute bits; null when the source does not say, which reads as boot-services only. */
  readonly attributes: number | null;
  readonly data: Uint8Array;
}

/** One state of trust that an image is judged against. */
export interface Trust {
  readonly name: string;
  /** Firmware's own view: a platform key exists and SecureBootEnable is 1. */
  readonly secureBootEnabled: boolean;
  readonly variables: TrustVariables;
  readonly shimVariables: Readonly<Record<string, ShimVariable>>;
  /** SHA-256 of certificates of which nothing but the thumbprint is known. */
  readonly thumbprints: { readonly db: readonly string[]; readonly dbx: readonly string[] };
  /** False where a template is known by name only, so that nothing can be said about what it trusts. */
  readonly contentsKnown: boolean;
}
