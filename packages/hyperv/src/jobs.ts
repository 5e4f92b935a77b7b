import { CimXmlError, parseCimXml } from "@signet/wsman";
import type { CimInstance, CimParameters, CimReference } from "@signet/wsman/cim";
import type { MethodResult } from "@signet/wsman/client";
import { readNumber, readText, readTexts, referencesIn } from "./cim-values.ts";
import type { HostFault } from "./host-fault.ts";
import type { HostSession } from "./host-session.ts";
import { describeReturnCode, methodDone, methodStartedJob } from "./return-codes.ts";
import { pause } from "./slots.ts";
import { wqlText } from "./wql-text.ts";

export interface MethodCall {
  readonly target: CimReference;
  readonly method: string;
  readonly parameters: CimParameters;
  /** What a person would say is being done: "define the machine". */
  readonly what: string;
  readonly limitMs?: number;
  /** Further return values that the caller deals with itself. */
  readonly alsoAccept?: readonly number[];
  /** Looks whether the effect is there; asked when the job disappears before its end was seen. */
  readonly isDone?: () => Promise<boolean>;
}

// Everything but copies and starts is done in seconds; a host that takes longer than this is not well.
const limitDefaultMs = 5 * 60_000;
const pollFirstMs = 100;
const pollGrowth = 1.5;
const pollMaxMs = 2000;
// How long the effect of a forgotten job is looked for.
const lostJobGraceMs = 3000;
const lostJobPollMs = 500;

/** CIM_ConcreteJob.JobState. */
const jobStates = { completed: 7, terminated: 8, killed: 9, exception: 10, service: 11, completedWithWarnings: 32768 } as const;
const failedStates: readonly number[] = [jobStates.terminated, jobStates.killed, jobStates.exception, jobStates.service];

/**
 * Calls a method and waits until what it began is done: the same method may finish at once (0) or start a job (4096).
 * @throws HostFault with the host's own words when it refuses or fails
 */
export async function perform(session: HostSession, call: MethodCall): Promise<MethodResult> {
  const result = await session.invoke(call.target, call.method, call.parameters);
  if (result.ReturnValue === methodDone || call.alsoAccept?.includes(result.ReturnValue)) return result;
  if (result.ReturnValue !== methodStartedJob) {
    const { text, retry } = describeReturnCode(result.ReturnValue);
    throw session.fault("HV-METHOD-REFUSED", `The host would not ${call.what}: ${text} (${call.method} returned ${result.ReturnValue}).`, { retry });
  }
  const job = referencesIn(result["Job"])[0];
  if (!job) throw session.fault("HV-JOB-LOST", `The host began to ${call.what}, but did not name the job.`);
  await finishJob(session, job, call);
  return result;
}

/** Waits for a job's end. An aborted signal ends the waiting; the job goes on. */
async function finishJob(session: HostSession, job: CimReference, call: MethodCall): Promise<void> {
  const deadline = Date.now() + (call.limitMs ?? limitDefaultMs);
  // A reference holds the key only: what the job is doing is asked of the job itself.
  const wql = `SELECT * FROM ${job.className} WHERE InstanceID = ${wqlText(job.keys["InstanceID"] ?? "")}`;
  for (let waitMs = pollFirstMs; ; waitMs = Math.min(waitMs * pollGrowth, pollMaxMs)) {
    const [found] = await session.query(job.namespace, wql);
    if (!found) return confirmLostJob(session, call);
    const state = readNumber(found, "JobState");
    const errorCode = readNumber(found, "ErrorCode");
    if ((state === jobStates.completed || state === jobStates.completedWithWarnings) && errorCode === 0) return;
    if (state === jobStates.completed || state === jobStates.completedWithWarnings || failedStates.includes(state)) throw await describeFailedJob(session, job, found, call);
    if (Date.now() >= deadline) {
      throw session.fault("HV-JOB-TIMEOUT", `The host began to ${call.what} and is still at it (${readNumber(found, "PercentComplete")} percent) after ${Math.round((call.limitMs ?? limitDefaultMs) / 1000)} s.`);
    }
    await pause(waitMs, session.signal);
  }
}

/** Hosts forget finished jobs after a while, and all of them when the service restarts: only the effect tells then, perhaps a moment later. */
async function confirmLostJob(session: HostSession, call: MethodCall): Promise<void> {
  for (let leftMs = call.isDone ? lostJobGraceMs : 0; leftMs > 0; leftMs -= lostJobPollMs) {
    if (await call.isDone?.()) return;
    await pause(lostJobPollMs, session.signal);
  }
  throw session.fault("HV-JOB-LOST", `The host began to ${call.what}, then forgot the job; it does not look done.`);
}

async function describeFailedJob(session: HostSession, job: CimReference, found: CimInstance, call: MethodCall): Promise<HostFault> {
  const code = readNumber(found, "ErrorCode");
  const known = describeReturnCode(code);
  const words = (await readJobErrors(session, job)) || readText(found, "ErrorDescription") || readText(found, "ErrorSummaryDescription") || readText(found, "JobStatus");
  const said = words.replace(/\s+/g, " ").trim();
  return session.fault("HV-JOB-FAILED", `The host could not ${call.what}: ${said === "" ? known.text : said} (job ended in state ${readNumber(found, "JobState")} with error code ${code}, ${known.text}).`, { retry: known.retry });
}

/** The messages of GetErrorEx; "" when there are none, or when the job cannot be asked any more. */
async function readJobErrors(session: HostSession, job: CimReference): Promise<string> {
  try {
    const answer = await session.invoke(job, "GetErrorEx", {});
    const errors = answer["Errors"];
    const texts = errors === undefined || errors === null ? [] : Array.isArray(errors) ? errors as readonly unknown[] : [errors];
    return texts.map((text) => messageOf(String(text))).filter((text) => text !== "").join(" ");
  } catch (error) {
    if (session.signal.aborted) throw error;
    return "";
  }
}

/** `Message` of an Msvm_Error in its text form. */
function messageOf(cimXml: string): string {
  try {
    return readTexts(parseCimXml(cimXml), "Message").join(" ").trim();
  } catch (error) {
    if (error instanceof CimXmlError) return "";
    throw error;
  }
}
