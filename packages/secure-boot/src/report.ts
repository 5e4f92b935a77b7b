/** The shapes of `signet inspect --json` and of `/signet/v1/images/{id}/verdicts`. Documented in docs/formats/inspect.md. */

export type Outcome = "boots" | "refused" | "unbootable" | "unknown";
export type Stage = "loader" | "second" | "kernel";
export type GuestFamily = "windows" | "linux" | "other";

/** One sentence with a stable code: `SB-…` trust, `BP-…` boot path, `DI-…` container or layout. */
export interface Reason {
  readonly code: string;
  readonly text: string;
}

export interface CertificateSummary {
  readonly subject: string;
  /** SHA-256 of the whole DER certificate, lower-case hex. */
  readonly sha256: string;
  readonly notAfter: string;
}

export interface SignatureSummary {
  /** Digest algorithm of the Authenticode image digest: "sha256", "sha1", … or "unknown". */
  readonly digest: string;
  readonly signer: CertificateSummary | null;
  /** The topmost certificate the blob names: its last issuer. `sha256` is empty when only its name is known. */
  readonly authority: { readonly subject: string; readonly sha256: string } | null;
}

export interface ChainStage {
  readonly stage: Stage;
  readonly path: string;
  /** What it is, for people: "shim 16.1, Debian". Null when it does not say. */
  readonly product: string | null;
  readonly authenticode: { readonly sha256: string } | null;
  readonly sbat: Readonly<Record<string, number>> | null;
  readonly signatures: readonly SignatureSummary[];
}

export interface TrustVerdict {
  /** Name of the trust state, e.g. "MicrosoftUEFICertificateAuthority". */
  readonly trust: string;
  readonly outcome: Outcome;
  readonly stage: Stage | null;
  /** What firmware says in its own words ("Access Denied"); null when it boots. */
  readonly firmwareMessage: string | null;
  readonly because: readonly Reason[];
  readonly remedies: readonly Reason[];
  /** Signed by an authority that still signs updates; null when that cannot be said. */
  readonly serviceable: boolean | null;
  /** Still boots when the 2011 authorities are in dbx, with all announced revocations; null when that cannot be said. */
  readonly survivesNextRevocation: boolean | null;
  /** Only where it does not survive: why, and what to do before then. */
  readonly nextRevocation?: { readonly because: readonly Reason[]; readonly remedies: readonly Reason[] };
}

export interface ImageReport {
  readonly file: string;
  readonly format: {
    readonly detected: string;
    readonly declared: string | null;
    /** How the container stores the disk; absent for formats without such a choice. */
    readonly variant?: "fixed" | "dynamic" | "differencing";
    readonly virtualSizeBytes: number;
    readonly bytesRead: number;
  };
  readonly layout: { readonly partitioning: string; readonly espIndex: number | null; readonly filesystem: string | null };
  readonly boot: { readonly path: string | null; readonly architecture: string | null; readonly generation: 1 | 2 | null };
  readonly chain: readonly ChainStage[];
  readonly verdicts: readonly TrustVerdict[];
  readonly family: GuestFamily;
  readonly warnings: readonly Reason[];
}
