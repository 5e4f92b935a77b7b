import { dateTimeFromDate, intervalFromMilliseconds } from "@signet/wsman";
import type { CimReference } from "@signet/wsman/cim";
import { type Job, jobState } from "../../host/jobs.ts";
import type { Host } from "../../host/host.ts";
import type { Values } from "../../host/machine-record.ts";
import { type AssociationSource, type ClassSource, type ClassSources, wmiObject } from "../class-source.ts";
import { wmiClass } from "../wmi-class.ts";
import type { WmiObject } from "../wmi-object.ts";

export const jobSources: ClassSources = { Msvm_ConcreteJob: sourceOf("Msvm_ConcreteJob"), Msvm_StorageJob: sourceOf("Msvm_StorageJob") };

function sourceOf(className: string): ClassSource {
  return function* (host, narrowing) {
    const id = narrowing.equals("InstanceID");
    const found = id === undefined ? host.jobs.all() : [host.jobs.find(id)];
    for (const job of found) if (job?.kind.className === className) yield jobValues(host, job);
  };
}

export function jobObject(host: Host, job: Job): WmiObject {
  return wmiObject(host, job.kind.className, jobValues(host, job));
}

function jobValues(host: Host, job: Job): Values {
  const failed = job.state === jobState.exception;
  const time = (atMs: number | null) => (atMs === null ? null : dateTimeFromDate(new Date(atMs)));
  return {
    InstanceID: job.id, Name: job.kind.caption, ElementName: job.kind.caption, Caption: job.kind.caption, Description: job.kind.caption, JobType: job.kind.type,
    JobState: job.state, JobStatus: failed ? job.errorDescription : "Job is running", PercentComplete: job.percent, Status: failed ? "Error" : "OK",
    OperationalStatus: failed ? [6, 10] : [2], StatusDescriptions: [failed ? "Error" : "OK"], HealthState: failed ? 25 : 5,
    ErrorCode: job.errorCode, ErrorDescription: job.errorDescription, ErrorSummaryDescription: job.errorDescription,
    TimeSubmitted: time(job.submittedMs), StartTime: time(job.startedMs), TimeOfLastStateChange: time(job.finishedMs ?? job.startedMs ?? job.submittedMs),
    ElapsedTime: intervalFromMilliseconds((job.finishedMs ?? host.clock.nowMs()) - (job.startedMs ?? job.submittedMs)),
    TimeBeforeRemoval: intervalFromMilliseconds(host.uncertainties.jobKeptMs), DeleteOnCompletion: true, Cancellable: job.kind.cancellable === true && job.finishedMs === null,
    JobRunTimes: 1, LocalOrUtcTime: 2, Priority: 0, Owner: "SYSTEM",
  };
}

// ElementEffects: what a job does to an element (DSP0004): 0 unknown, 5 create (Hyper-V's use).
const touched = 0;
const created = 5;

export const affectedJobElement: AssociationSource = {
  className: "Msvm_AffectedJobElement",
  roles: ["AffectedElement", "AffectingElement"],
  *links(host) {
    for (const job of host.jobs.all()) {
      for (const reference of job.kind.affected) yield { ends: [stub(host, reference), jobObject(host, job)], values: { ElementEffects: [touched] } };
      for (const reference of job.kind.created ?? []) yield { ends: [stub(host, reference), jobObject(host, job)], values: { ElementEffects: [created] } };
    }
  },
};

/** The end of a link of which only the reference is known here; whoever needs the instance fetches it. */
function stub(host: Host, reference: CimReference): WmiObject {
  const found = wmiClass(reference.namespace, reference.className, host.release.name);
  if (!found) throw new Error(`A job affects ${reference.className}, which does not exist here.`);
  return { class: found, values: { ...reference.keys }, partial: true };
}
