import type { SignetServer } from "@signet/control-plane/api-shapes";
import { Title } from "@mantine/core";
import type { ReactNode } from "react";
import { Chip } from "./chip.tsx";
import { DesiredActual } from "./desired-actual.tsx";
import { Alert, Answer, Moment } from "./notices.tsx";
import { useServer } from "./queries.ts";
import { Reasons } from "./reasons.tsx";
import { Link } from "./router.tsx";
import { TemplateName } from "./template-name.tsx";
import { FirmwareChip, OutcomeChip, StandingChip, StatusChip } from "./state-chips.tsx";

export function ServerPage({ id }: { readonly id: string }): ReactNode {
  return (
    <Answer query={useServer(id)}>
      {(server) => (
        <>
          <Title order={1} mb={8} className="wrap">
            {server.name}
          </Title>
          <div className="pair" style={{ marginBottom: 22 }}>
            <StatusChip status={server.status} taskState={server.taskState} />
            <StandingChip standing={server.standing} />
            <span className="soft wrap">
              <Link href={`/images/${server.image.id}`}>{server.image.name ?? server.image.id}</Link> · {server.flavorName} · {server.hostName === null ? "on no host" : `on ${server.hostName}`} · <Link href={`/json/servers/${server.id}`}>JSON</Link>
            </span>
          </div>
          <div style={{ display: "grid", gap: 20 }}>
            {server.fault === null ? null : <Fault fault={server.fault} />}
            <DesiredActual server={server} />
            <div className="columns">
              <Policy policy={server.policy} />
              <Boot server={server} />
            </div>
            <Timeline events={server.timeline} />
            <section className="card" aria-label="Names">
              <dl className="facts">
                <dt>Id</dt>
                <dd className="mono">{server.id}</dd>
                <dt>Machine</dt>
                <dd className="mono">{server.machineGuid ?? "none yet"}</dd>
                <dt>Project</dt>
                <dd className="mono">{server.projectId}</dd>
              </dl>
            </section>
          </div>
        </>
      )}
    </Answer>
  );
}

function Fault({ fault }: { readonly fault: NonNullable<SignetServer["fault"]> }): ReactNode {
  const remedy = fault.remedy !== null && !fault.message.includes(fault.remedy) ? fault.remedy : null;
  return (
    <Alert>
      <p>
        {fault.message} {fault.message.includes(fault.code) ? null : <span className="mono">[{fault.code}]</span>}
      </p>
      {remedy === null ? null : <p>Remedy: {remedy}</p>}
    </Alert>
  );
}

const DECISIONS = {
  on: <Chip tone="good">on</Chip>,
  off: <Chip tone="plain">off</Chip>,
  conflict: <Chip tone="bad">conflict</Chip>,
} as const;

function Policy({ policy }: { readonly policy: SignetServer["policy"] }): ReactNode {
  return (
    <section className="card" aria-labelledby="policy-title">
      <Title order={2} id="policy-title">
        Policy
      </Title>
      <dl className="facts">
        <dt>Asked</dt>
        <dd>
          {policy.asked.length === 0 ? <span className="soft">nothing</span> : null}
          {policy.asked.map((asked) => (
            <div key={`${asked.source} ${asked.name}`}>
              <span className="mono">{asked.name}</span> {asked.value === null ? <span className="soft">absent</span> : <strong>{asked.value}</strong>} <span className="soft">({asked.source})</span>
            </div>
          ))}
        </dd>
        <dt>Decided</dt>
        <dd>{DECISIONS[policy.decision]}</dd>
        <dt>By rule</dt>
        <dd>{policy.rule}</dd>
        <dt>Profile</dt>
        <dd>{policy.profile}</dd>
      </dl>
    </section>
  );
}

function Boot({ server }: { readonly server: SignetServer }): ReactNode {
  const { prediction, firmware } = server;
  return (
    <section className="card" aria-labelledby="boot-title">
      <Title order={2} id="boot-title">
        Predicted and observed
      </Title>
      <dl className="facts">
        <dt>Predicted</dt>
        <dd>
          {prediction === null ? (
            <span className="soft">no prediction</span>
          ) : (
            <div className="stack">
              <span className="pair">
                <OutcomeChip outcome={prediction.outcome} /> <span className="note wrap">by <TemplateName name={prediction.trust} /></span>
              </span>
              <Reasons label="why" reasons={prediction.because} />
              {prediction.forcedBy === null ? null : <Chip tone="warn">forced by {prediction.forcedBy}</Chip>}
            </div>
          )}
        </dd>
        <dt>Firmware</dt>
        <dd>
          {firmware === null ? (
            <span className="soft">nothing seen yet</span>
          ) : (
            <div className="stack">
              <FirmwareChip outcome={firmware.outcome} />
              {firmware.line === null ? null : <code className="command">{firmware.line}</code>}
              <span className="note">
                seen <Moment at={firmware.observedAt} />
              </span>
            </div>
          )}
        </dd>
        <dt>Heartbeat</dt>
        <dd>{firmware?.heartbeat ?? <span className="soft">none seen</span>}</dd>
      </dl>
    </section>
  );
}

function Timeline({ events }: { readonly events: SignetServer["timeline"] }): ReactNode {
  return (
    <section className="card" aria-labelledby="timeline-title">
      <Title order={2} id="timeline-title">
        What happened
      </Title>
      {events.length === 0 ? (
        <p className="soft">Nothing yet. Events appear here as they happen.</p>
      ) : (
        <ol className="events">
          {events.map((event, index) => (
            <li key={`${event.at} ${index}`}>
              <div className="wrap">{event.text}</div>
              <div className="note">
                <Moment at={event.at} /> · {event.event}
              </div>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
