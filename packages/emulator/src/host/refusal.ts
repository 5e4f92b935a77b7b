/** Return codes of the methods of Hyper-V's services, and error codes of their jobs. */
export const returnCode = {
  completed: 0,
  notSupported: 1,
  invalidParameterOfCim: 4,
  invalidStateOfCim: 5,
  jobStarted: 4096,
  failed: 32768,
  accessDenied: 32769,
  notSupportedByHost: 32770,
  invalidParameter: 32773,
  systemInUse: 32774,
  invalidState: 32775,
  incorrectDataType: 32776,
  systemNotAvailable: 32777,
  outOfMemory: 32778,
  fileNotFound: 32779,
  notReady: 32780,
} as const;

/** The host says no. `via` tells whether the method returns the code, or starts a job that ends with it. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: number;
  readonly via: "return" | "job";

  constructor(code: number, message: string, via: "return" | "job" = "job", options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.via = via;
  }
}

export function invalidParameter(message: string): Refusal {
  return new Refusal(returnCode.invalidParameter, message);
}

/** Wrong states are told by the return value: no job is started for what cannot be begun. */
export function invalidState(message: string): Refusal {
  return new Refusal(returnCode.invalidState, message, "return");
}

export function notSupported(message: string): Refusal {
  return new Refusal(returnCode.notSupportedByHost, message, "return");
}
