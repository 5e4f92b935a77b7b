/** Hyper-V's own numbers, as its image service returns them or puts them into the ErrorCode of a job. */
export const virtualDiskCodes = {
  failed: 32768,
  accessDenied: 32769,
  notSupported: 32770,
  invalidParameter: 32773,
  inUse: 32774,
  fileNotFound: 32779,
} as const;

export type VirtualDiskProblem = keyof typeof virtualDiskCodes;

/** Why something could not be done with a virtual disk. The message is a sentence for people and names the path as Windows does. */
export class VirtualDiskError extends Error {
  override readonly name = "VirtualDiskError";
  readonly code: number;

  constructor(problem: VirtualDiskProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = virtualDiskCodes[problem];
  }
}
