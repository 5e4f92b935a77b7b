import type { SignetImage } from "@signet/control-plane/api-shapes";
import { Title } from "@mantine/core";
import type { ReactNode } from "react";
import { Chip } from "./chip.tsx";
import { FIRST_IMAGE } from "./first-steps.ts";
import { Answer, Empty } from "./notices.tsx";
import { useImages } from "./queries.ts";
import { Link } from "./router.tsx";
import { OutcomeChip, YesNoChip } from "./state-chips.tsx";
import { TemplateName } from "./template-name.tsx";
import { type Column, SearchableTable } from "./table.tsx";
import { FAMILIES, formatDiskFormat, formatSize } from "./wording.ts";

const COLUMNS: readonly Column<SignetImage>[] = [
  {
    name: "Image",
    cell: (image) => (
      <div className="stack wrap">
        <Link href={`/images/${image.id}`}>{image.name ?? image.id}</Link>
        <span className="note">
          {[image.family === null ? null : FAMILIES[image.family], image.sizeBytes === null ? null : formatSize(image.sizeBytes), image.status].filter(Boolean).join(" · ")}
        </span>
      </div>
    ),
  },
  {
    name: "Format",
    cell: (image) => (
      <>
        <span>{image.detectedFormat === null ? "not detected yet" : formatDiskFormat(image.detectedFormat)}</span>
        {image.detectedFormat === image.declaredFormat ? null : <span className="note">declared {formatDiskFormat(image.declaredFormat)}</span>}
      </>
    ),
  },
  {
    name: "Secure Boot",
    cell: (image) => (
      <>
        <span>{image.secureBoot}</span>
        {image.signature?.contradiction == null ? null : <Chip tone="bad">signature contradicted</Chip>}
      </>
    ),
  },
  { name: "Verdicts", cell: (image) => <Verdicts image={image} show={(verdict) => <OutcomeChip outcome={verdict.outcome} />} withTrust /> },
  { name: "Serviceable", cell: (image) => <Verdicts image={image} show={(verdict) => <YesNoChip value={verdict.serviceable} />} /> },
  { name: "Survives", cell: (image) => <Verdicts image={image} show={(verdict) => <YesNoChip value={verdict.survivesNextRevocation} />} /> },
];

type Verdict = SignetImage["verdicts"][number];

function Verdicts({ image, show, withTrust = false }: { readonly image: SignetImage; readonly show: (verdict: Verdict) => ReactNode; readonly withTrust?: boolean }): ReactNode {
  if (image.verdicts.length === 0) return <span className="soft">not judged yet</span>;
  return (
    <ul className="by-template">
      {image.verdicts.map((verdict) => (
        <li key={verdict.trust}>
          {show(verdict)}
          <div className={withTrust ? "note" : "trust-again note"}>
            <TemplateName name={verdict.trust} />
          </div>
        </li>
      ))}
    </ul>
  );
}

export function ImagesPage(): ReactNode {
  const query = useImages();
  return (
    <>
      <Title order={1} mb={4}>
        Images
      </Title>
      <p className="soft" style={{ margin: "0 0 22px" }}>
        What firmware will say to each, template by template. Survives: still boots when the authorities of 2011 are revoked.
      </p>
      <Answer query={query}>
        {({ images }) =>
          images.length === 0 ? (
            <div className="card">
              <Empty title="No images yet" command={FIRST_IMAGE}>
                Upload one first; it is judged while it comes in.
              </Empty>
            </div>
          ) : (
            <SearchableTable
              noun="image"
              rows={images}
              columns={COLUMNS}
              rowKey={(image) => image.id}
              searchHint="Name, format, verdict, part of an id"
              searchText={searchText}
              jsonHref={(image) => `/json/images/${image.id}`}
              jsonLabel={(image) => `JSON of image ${image.name ?? image.id}`}
            />
          )
        }
      </Answer>
    </>
  );
}

function searchText(image: SignetImage): readonly (string | null)[] {
  return [image.id, image.name, image.status, image.declaredFormat, image.detectedFormat, image.family, image.secureBoot, image.machineType, image.signature?.value ?? null, ...image.verdicts.flatMap(({ trust, outcome, serviceable, survivesNextRevocation }) => [trust, outcome, serviceable === false ? "not serviceable" : null, survivesNextRevocation === false ? "does not survive" : null])];
}
