import type { Retry } from "./host-fault.ts";

/** What a number means that a method returned or a job holds as its ErrorCode, and whether to try again. */
export interface ReturnCode {
  readonly text: string;
  readonly retry: Retry;
}

export const methodDone = 0;
export const methodStartedJob = 4096;
export const invalidState = 32775;
export const shutdownInProgress = 32782;

/** Of the services and components of `root/virtualization/v2` (documentation of Msvm_VirtualSystemManagementService and Msvm_ShutdownComponent). */
const returnCodes: Readonly<Record<number, ReturnCode>> = {
  1: { text: "not supported", retry: "never" },
  2: { text: "failed", retry: "later" },
  3: { text: "timed out", retry: "later" },
  4: { text: "invalid parameter", retry: "never" },
  5: { text: "invalid state", retry: "later" },
  6: { text: "incompatible parameters", retry: "never" },
  32768: { text: "failed", retry: "later" },
  32769: { text: "access denied", retry: "never" },
  32770: { text: "not supported", retry: "never" },
  32771: { text: "status unknown", retry: "later" },
  32772: { text: "timed out", retry: "later" },
  32773: { text: "invalid parameter", retry: "never" },
  32774: { text: "in use by something else", retry: "later" },
  32775: { text: "invalid state for this operation", retry: "later" },
  32776: { text: "incorrect data type", retry: "never" },
  32777: { text: "not available", retry: "later" },
  32778: { text: "out of memory", retry: "later" },
  32779: { text: "file not found", retry: "never" },
  32780: { text: "not ready", retry: "later" },
  32781: { text: "the machine is locked and cannot be shut down without force", retry: "never" },
  32782: { text: "a shutdown is already in progress", retry: "later" },
};

export function describeReturnCode(code: number): ReturnCode {
  return returnCodes[code] ?? { text: "a code that is not documented", retry: "later" };
}

/** Of the methods of CIM_DataFile and Win32_Directory (documentation of CIM_LogicalFile). */
export const fileCodes = { done: 0, notFound: 9, alreadyExists: 10, sharingViolation: 15 } as const;

const fileCodeTexts: Readonly<Record<number, ReturnCode>> = {
  2: { text: "access denied", retry: "never" },
  8: { text: "unspecified failure", retry: "later" },
  9: { text: "there is no such file", retry: "later" },
  10: { text: "a file of that name exists", retry: "later" },
  11: { text: "the file system is not NTFS", retry: "never" },
  14: { text: "the folder is not empty", retry: "later" },
  15: { text: "something else has the file open", retry: "later" },
  16: { text: "invalid start file", retry: "never" },
  17: { text: "a privilege is not held", retry: "never" },
  21: { text: "invalid parameter", retry: "never" },
};

export function describeFileCode(code: number): ReturnCode {
  return fileCodeTexts[code] ?? { text: "a code that is not documented", retry: "later" };
}
