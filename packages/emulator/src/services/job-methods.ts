import { valueOf, writeCimXml, type MethodOutput } from "@signet/wsman";
import type { CimProperty } from "@signet/wsman/cim";
import { jobState, type Job } from "../host/jobs.ts";
import { returnCode } from "../host/refusal.ts";
import type { MethodHandler } from "../provider/invoke-method.ts";
import type { MethodCall } from "../provider/method-call.ts";

/** RequestStateChange of CIM_ConcreteJob: 4 terminate, 5 kill. */
const terminate = 4;
const kill = 5;

export const jobMethods: Readonly<Record<string, MethodHandler>> = {
  ...methodsOfJobs(),
  "Msvm_VirtualSystemManagementService.FormatError": async ({ input }) => ({ ErrorMessage: input.instances("Errors").map((error) => String(valueOf(error, "Message") ?? "")).join("\n"), ReturnValue: returnCode.completed }),
};

function methodsOfJobs(): Readonly<Record<string, MethodHandler>> {
  return Object.fromEntries(["Msvm_ConcreteJob", "Msvm_StorageJob"].flatMap((className): [string, MethodHandler][] => [
    [`${className}.RequestStateChange`, async (call) => requestStateChange(call)],
    [`${className}.KillJob`, async (call) => cancel(call, jobState.killed)],
    [`${className}.GetError`, async (call) => errorOutput(call, (text) => ({ Error: text }))],
    [`${className}.GetErrorEx`, async (call) => errorOutput(call, (text) => ({ Errors: text === null ? null : [text] }))],
  ]));
}

function requestStateChange(call: MethodCall): MethodOutput {
  const requested = call.input.number("RequestedState");
  if (requested === terminate) return cancel(call, jobState.terminated);
  if (requested === kill) return cancel(call, jobState.killed);
  return { ReturnValue: returnCode.invalidParameter };
}

function cancel(call: MethodCall, state: typeof jobState.terminated | typeof jobState.killed): MethodOutput {
  const job = jobOf(call);
  return { ReturnValue: job && call.host.jobs.cancel(job, state) ? returnCode.completed : returnCode.invalidState };
}

/** There is an error to read only once the job ended in one. */
function errorOutput(call: MethodCall, outputs: (text: string | null) => Readonly<Record<string, string | string[] | null>>): MethodOutput {
  const job = jobOf(call);
  return { ...outputs(job?.state === jobState.exception ? errorInstance(job) : null), ReturnValue: returnCode.completed };
}

function jobOf({ host, target }: MethodCall): Job | undefined {
  return host.jobs.find(String(target.values["InstanceID"]));
}

function errorInstance(job: Job): string {
  const text = (value: string): CimProperty => ({ type: "string", array: false, value });
  const number = (type: "uint16" | "uint32", value: number): CimProperty => ({ type, array: false, value });
  return writeCimXml({
    kind: "instance", className: "Msvm_Error",
    properties: {
      CIMStatusCode: number("uint32", 1), CIMStatusCodeDescription: text(""), ErrorSource: text(""), ErrorSourceFormat: number("uint16", 0), ErrorType: number("uint16", 4), Message: text(job.errorDescription), MessageID: text(String(job.errorCode)),
      MessageArguments: { type: "string", array: true, value: [] }, OwningEntity: text("vmms"), PerceivedSeverity: number("uint16", 5), ProbableCause: number("uint16", 0), ProbableCauseDescription: text(""), RecommendedActions: { type: "string", array: true, value: [] },
    },
  });
}
