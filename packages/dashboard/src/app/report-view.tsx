import { NativeSelect, Title } from "@mantine/core";
import type { ImageReport, TrustVerdict } from "@signet/secure-boot";
import { type ReactNode, useState } from "react";
import { BootChain } from "./boot-chain.tsx";
import { Empty } from "./notices.tsx";
import { Reasons } from "./reasons.tsx";
import { OutcomeChip, YesNoChip } from "./state-chips.tsx";
import { TemplateName } from "./template-name.tsx";

/** What the judge found in one image: the boot chain drawn, a verdict for each trust, and what is odd. `preferredTrust` is drawn first. */
export function ReportView({ report, preferredTrust }: { readonly report: ImageReport; readonly preferredTrust: string | null }): ReactNode {
  const [chosen, setChosen] = useState<string | null>(null);
  const byName = (name: string | null): TrustVerdict | undefined => report.verdicts.find(({ trust }) => trust === name);
  const verdict = byName(chosen) ?? byName(preferredTrust) ?? report.verdicts.find(({ outcome }) => outcome === "boots") ?? report.verdicts[0];
  return (
    <>
      <section className="card" aria-labelledby="chain-title">
        <div className="pair" style={{ justifyContent: "space-between", marginBottom: 20 }}>
          <Title order={2} id="chain-title">
            Boot chain
          </Title>
          {report.verdicts.length === 0 ? null : <NativeSelect aria-label="Template that judges the chain" value={verdict?.trust ?? ""} onChange={(event) => setChosen(event.currentTarget.value)} data={report.verdicts.map(({ trust, outcome }) => ({ value: trust, label: `${trust}: ${outcome}` }))} maw="100%" />}
        </div>
        {report.chain.length === 0 ? <Empty title="No boot path was found">There is nothing to draw; the verdicts below say why.</Empty> : <BootChain report={report} verdict={verdict} />}
      </section>
      <section aria-labelledby="verdicts-title">
        <Title order={2} id="verdicts-title" mb={12}>
          Verdicts
        </Title>
        <div className="columns">
          {report.verdicts.map((each) => (
            <Verdict key={each.trust} verdict={each} />
          ))}
        </div>
      </section>
      {report.warnings.length === 0 ? null : (
        <section className="card" aria-labelledby="warnings-title">
          <Title order={2} id="warnings-title">
            Worth knowing
          </Title>
          <Reasons label="note" reasons={report.warnings} />
        </section>
      )}
    </>
  );
}

function Verdict({ verdict }: { readonly verdict: TrustVerdict }): ReactNode {
  const place = verdict.stage === null ? "" : `, at the ${verdict.stage === "second" ? "second loader" : verdict.stage}`;
  const later = verdict.nextRevocation;
  return (
    <article className="card" aria-label={`Verdict of ${verdict.trust}`}>
      <div className="pair" style={{ marginBottom: 12 }}>
        <strong className="wrap">
          <TemplateName name={verdict.trust} />
        </strong>
        <OutcomeChip outcome={verdict.outcome} />
      </div>
      {verdict.firmwareMessage === null ? null : <p style={{ margin: "0 0 10px" }}>Firmware: {verdict.firmwareMessage}{place}</p>}
      <Reasons label="why" reasons={verdict.because} />
      {verdict.remedies.length === 0 ? null : (
        <div style={{ marginTop: 8 }}>
          <Reasons label="remedy" reasons={verdict.remedies} />
        </div>
      )}
      <div className="pair" style={{ marginTop: 14 }}>
        <span className="note">serviceable</span> <YesNoChip value={verdict.serviceable} />
        <span className="note">survives the next revocation</span> <YesNoChip value={verdict.survivesNextRevocation} />
      </div>
      {later === undefined ? null : (
        <div style={{ marginTop: 10 }}>
          <Reasons label="then" reasons={later.because} />
          <Reasons label="before" reasons={later.remedies} />
        </div>
      )}
    </article>
  );
}

