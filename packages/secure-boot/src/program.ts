import { type ImageSignature, readImageSignature } from "./authenticode/image-signature.ts";
import { type CertificateTable, readCertificateTable } from "./pe/certificate-table.ts";
import { ImageDigests } from "./pe/image-digest.ts";
import { findLoadProblem, type LoadProblem } from "./pe/load-problem.ts";
import { findBootHeaderProblem, type PeImage, readPeImage } from "./pe/pe-image.ts";

/** Everything about one EFI program that does not depend on who is trusted. Computed once, judged under many trusts. */
export interface Program {
  readonly file: Uint8Array;
  readonly bootHeaderProblem: string | null;
  /** Null when firmware cannot read its headers; `headerProblem` then says why. */
  readonly image: PeImage | null;
  readonly headerProblem: string | null;
  readonly loadProblem: LoadProblem | null;
  readonly digests: ImageDigests | null;
  /** Null when it is unsigned. */
  readonly table: CertificateTable | null;
  readonly signatures: readonly ImageSignature[];
}

export function readProgram(file: Uint8Array): Program {
  const image = readPeImage(file);
  const bootHeaderProblem = findBootHeaderProblem(file);
  if ("problem" in image) return { file, bootHeaderProblem, image: null, headerProblem: image.problem, loadProblem: null, digests: null, table: null, signatures: [] };
  const table = readCertificateTable(image);
  return { file, bootHeaderProblem, image, headerProblem: null, loadProblem: findLoadProblem(image), digests: new ImageDigests(image), table, signatures: (table?.blobs ?? []).map(({ bytes }) => readImageSignature(bytes)) };
}
