import type { SignetImage, SignetImageVerdicts } from "@signet/control-plane/api-shapes";
import { NativeSelect, Title } from "@mantine/core";
import type { ImageReport, TrustVerdict } from "@signet/secure-boot";
import { type ReactNode, useState } from "react";
import { BootChain } from "./boot-chain.tsx";
import { Alert, Answer, Empty, Moment } from "./notices.tsx";
import { useImages, useImageVerdicts } from "./queries.ts";
import { Reasons } from "./reasons.tsx";
import { Link } from "./router.tsx";
import { OutcomeChip, YesNoChip } from "./state-chips.tsx";
import { TemplateName } from "./template-name.tsx";
import { FAMILIES, formatDiskFormat, formatSize } from "./wording.ts";

export function ImagePage({ id }: { readonly id: string }): ReactNode {
  const images = useImages();
  const verdicts = useImageVerdicts(id);
  return (
    <Answer query={images}>
      {({ images: all }) => {
        const image = all.find((candidate) => candidate.id === id);
        if (image === undefined) return <Empty title="There is no such image">It may have been deleted. <Link href="/images">All images</Link></Empty>;
        return (
          <>
            <Title order={1} mb={4} className="wrap">
              {image.name ?? image.id}
            </Title>
            <p className="soft wrap" style={{ margin: "0 0 22px" }}>
              {describe(image, verdicts.data?.report ?? null)} · <Link href={`/json/images/${image.id}`}>JSON</Link>
            </p>
            {image.signature?.contradiction == null ? null : (
              <div style={{ marginBottom: 20 }}>
                <Alert>{image.signature.contradiction}</Alert>
              </div>
            )}
            <Answer query={verdicts}>{(answer) => <Judged image={image} answer={answer} />}</Answer>
          </>
        );
      }}
    </Answer>
  );
}

function describe(image: SignetImage, report: ImageReport | null): string {
  const { layout, boot } = report ?? { layout: null, boot: null };
  return [
    image.status,
    image.detectedFormat === null ? null : formatDiskFormat(image.detectedFormat),
    report === null ? null : formatSize(report.format.virtualSizeBytes),
    layout?.partitioning.toUpperCase(),
    layout?.espIndex == null ? null : `ESP on partition ${layout.espIndex}${layout.filesystem === null ? "" : `, ${layout.filesystem.toUpperCase()}`}`,
    boot?.generation == null ? null : `Generation ${boot.generation}`,
    image.family === null ? null : FAMILIES[image.family],
  ]
    .filter(Boolean)
    .join(" · ");
}

function Judged({ image, answer }: { readonly image: SignetImage; readonly answer: SignetImageVerdicts }): ReactNode {
  const [chosen, setChosen] = useState<string | null>(null);
  const { report } = answer;
  if (report === null) {
    return (
      <div className="card">
        <Empty title="Not judged yet" command={`glance image-upload --file FILE ${image.id}`}>
          The image has no data to read. Upload some; the verdict comes with it.
        </Empty>
      </div>
    );
  }
  const byName = (name: string | null | undefined): TrustVerdict | undefined => report.verdicts.find(({ trust }) => trust === name);
  const verdict = byName(chosen) ?? byName(image.signature?.value) ?? report.verdicts.find(({ outcome }) => outcome === "boots") ?? report.verdicts[0];
  return (
    <div style={{ display: "grid", gap: 20 }}>
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
      <Properties image={image} report={report} judgedAt={answer.judgedAt} />
    </div>
  );
}

function Verdict({ verdict }: { readonly verdict: TrustVerdict }): ReactNode {
  const place = verdict.stage === null ? "" : `, at the ${verdict.stage === "second" ? "second loader" : verdict.stage}`;
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
    </article>
  );
}

function Properties({ image, report, judgedAt }: { readonly image: SignetImage; readonly report: ImageReport; readonly judgedAt: string | null }): ReactNode {
  return (
    <section className="card" aria-labelledby="properties-title">
      <Title order={2} id="properties-title">
        Properties
      </Title>
      <dl className="facts">
        <dt>os_secure_boot</dt>
        <dd>{image.secureBoot}</dd>
        <dt>os_secure_boot_signature</dt>
        <dd>{image.signature === null ? <span className="soft">not set</span> : <>{image.signature.value} <span className="soft">({image.signature.source === "derived" ? "derived from the loader" : "stated"})</span></>}</dd>
        <dt>hw_machine_type</dt>
        <dd>{image.machineType ?? <span className="soft">not set</span>}</dd>
        <dt>Format</dt>
        <dd>
          {formatDiskFormat(image.detectedFormat)} detected, {formatDiskFormat(image.declaredFormat)} declared
        </dd>
        <dt>Size</dt>
        <dd>
          {formatSize(report.format.virtualSizeBytes)}
          {image.sizeBytes === null ? "" : `, ${formatSize(image.sizeBytes)} stored`}
        </dd>
        <dt>Boots from</dt>
        <dd>{report.boot.path === null ? <span className="soft">nothing found</span> : <span className="mono">{report.boot.path}</span>}{report.boot.architecture === null ? "" : ` (${report.boot.architecture})`}</dd>
        <dt>Uploaded</dt>
        <dd><Moment at={image.createdAt} /></dd>
        {judgedAt === null ? null : (
          <>
            <dt>Judged</dt>
            <dd>
              <Moment at={judgedAt} />, reading {formatSize(report.format.bytesRead)}
            </dd>
          </>
        )}
        <dt>Id</dt>
        <dd className="mono">{image.id}</dd>
      </dl>
    </section>
  );
}
