import type { SignetImage, SignetImageVerdicts } from "@signet/control-plane/api-shapes";
import { Title } from "@mantine/core";
import type { ImageReport } from "@signet/secure-boot";
import type { ReactNode } from "react";
import { describeReport } from "./describe-report.ts";
import { Alert, Answer, Empty, Moment } from "./notices.tsx";
import { useImages, useImageVerdicts } from "./queries.ts";
import { ReportView } from "./report-view.tsx";
import { Link } from "./router.tsx";
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
  const rest = report === null ? [image.detectedFormat === null ? null : formatDiskFormat(image.detectedFormat), image.family === null ? null : FAMILIES[image.family]] : [describeReport(report)];
  return [image.status, ...rest].filter(Boolean).join(" · ");
}

function Judged({ image, answer }: { readonly image: SignetImage; readonly answer: SignetImageVerdicts }): ReactNode {
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
  return (
    <div style={{ display: "grid", gap: 20 }}>
      <ReportView report={report} preferredTrust={image.signature?.value ?? null} />
      <Properties image={image} report={report} judgedAt={answer.judgedAt} />
    </div>
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
