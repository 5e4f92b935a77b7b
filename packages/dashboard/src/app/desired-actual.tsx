import type { SignetServer } from "@signet/control-plane/api-shapes";
import { Title } from "@mantine/core";
import type { ReactNode } from "react";
import { Chip } from "./chip.tsx";
import { Moment } from "./notices.tsx";
import { TemplateName } from "./template-name.tsx";
import { compareFacts } from "./server-standing.ts";
import { MatchChip } from "./state-chips.tsx";

/** What was asked for beside what the host says; each difference in words. */
export function DesiredActual({ server }: { readonly server: SignetServer }): ReactNode {
  return (
    <section className="card" aria-labelledby="compare-title">
      <div className="pair" style={{ marginBottom: 14 }}>
        <Title order={2} id="compare-title">
          Desired and actual
        </Title>
        <MatchChip matches={server.matches} />
      </div>
      <table className="table" role="table">
        <thead role="rowgroup">
          <tr role="row">
            {["Fact", "Desired", "Actual", "Compared"].map((name) => (
              <th key={name} scope="col" role="columnheader">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {compareFacts(server).map((fact) => (
            <tr key={fact.name} role="row">
              <th scope="row" role="rowheader">
                {fact.name}
              </th>
              <td data-label="Desired" role="cell" className="wrap">
                <TemplateName name={fact.desired} />
              </td>
              <td data-label="Actual" role="cell" className="wrap">
                {fact.actual === null ? <span className="soft">not read back yet</span> : <TemplateName name={fact.actual} />}
              </td>
              <td data-label="Compared" role="cell">
                {fact.differs === null ? <Chip tone="warn">not compared</Chip> : fact.differs ? <Chip tone="bad">differs</Chip> : <Chip tone="good">as asked</Chip>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {(server.drift ?? []).map((sentence) => (
        <p key={sentence} className="alert" style={{ margin: "14px 0 0" }}>
          {sentence}
        </p>
      ))}
      <p className="note" style={{ margin: "14px 0 0" }}>
        {server.actual === null ? (
          "The host has not been asked about this machine yet."
        ) : (
          <>
            Last read back <Moment at={server.actual.readAt} /> (<Moment at={server.actual.readAt} asAge />); the machine is {server.actual.powerState}.
          </>
        )}
      </p>
    </section>
  );
}
