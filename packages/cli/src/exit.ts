/** Exit codes beyond 0 and 1, after sysexits.h. Documented in docs/operating/exit-codes.md. */
export const exitCodes = {
  usage: 64,
  unreadableInput: 65,
  missingPackage: 69,
  cannotCreate: 73,
  portInUse: 74,
  newerData: 75,
  configuration: 78,
} as const;

/** Ends the program with one sentence and one remedy. Anything else that escapes is a bug and shows its stack. */
export class ExitError extends Error {
  override readonly name = "ExitError";
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
