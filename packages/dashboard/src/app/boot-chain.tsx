import "./boot-chain.css";
import type { ImageReport, TrustVerdict } from "@signet/secure-boot";
import { type ReactNode, useRef } from "react";
import { type CertificateNode, modelChain, type Reach, type StageNode } from "./chain-model.ts";
import { Chip, type Tone } from "./chip.tsx";
import { useSignatureLines } from "./signature-lines.ts";
import { TemplateName } from "./template-name.tsx";
import { formatDate } from "./wording.ts";

const REACH_TONES: Readonly<Record<Reach, Tone>> = { started: "good", stops: "bad", "not reached": "plain", unknown: "warn" };
const reachClass = (reach: Reach): string => reach.replace(" ", "-");

export interface BootChainProps {
  readonly report: ImageReport;
  readonly verdict: TrustVerdict | undefined;
}

/** Stages from firmware down, and from each a line to every certificate that vouches for it. The break is said where it happens. */
export function BootChain({ report, verdict }: BootChainProps): ReactNode {
  const model = modelChain(report, verdict);
  const root = useRef<HTMLDivElement>(null);
  const lines = useSignatureLines(root, model.stages);
  const certificates = new Map(model.certificates.map((certificate) => [certificate.key, certificate]));
  return (
    <div className="chain" ref={root}>
      <ol className="chain-stages" aria-label="Boot chain">
        <li>
          <div className="chain-box firmware">
            <strong>Firmware</strong>
            <div className="note wrap">{verdict === undefined ? "not judged" : <>trusts <TemplateName name={verdict.trust} /></>}</div>
          </div>
        </li>
        {model.stages.map((node, index) => (
          <li key={`${node.stage.stage}-${node.stage.path}`}>
            <Step reach={node.reach} words={model.break?.at === index ? model.break.words : null} outcome={verdict?.outcome} />
            <StageBox node={node} certificates={certificates} index={index} />
          </li>
        ))}
        {model.break?.at === model.stages.length ? (
          <li>
            <Step reach={verdict?.outcome === "unknown" ? "unknown" : "stops"} words={model.break.words} outcome={verdict?.outcome} />
          </li>
        ) : null}
      </ol>
      <ul className="chain-certificates" aria-hidden="true">
        <li className="note">Signed under</li>
        {model.certificates.map((certificate) => (
          <li key={certificate.key} className="chain-box" data-certificate={certificate.key}>
            <strong className="wrap">{certificate.name}</strong>
            {describeSigners(certificate).map((line) => (
              <div key={line} className="note wrap">
                {line}
              </div>
            ))}
          </li>
        ))}
      </ul>
      <svg className="chain-lines" aria-hidden="true">
        {lines.map((line) => (
          <g key={line.key}>
            <path className={reachClass(line.reach)} d={line.path} />
            <circle cx={line.end.x} cy={line.end.y} r="4" />
          </g>
        ))}
      </svg>
    </div>
  );
}

function Step({ reach, words, outcome }: { readonly reach: Reach; readonly words: string | null; readonly outcome: TrustVerdict["outcome"] | undefined }): ReactNode {
  const word = reach === "started" ? "accepts and starts" : reach === "not reached" ? "is never reached" : reach === "unknown" ? "may start" : "does not start";
  return <div className={`chain-step ${reachClass(reach)}`}>{words === null ? <span>{word}</span> : <span className="break"><Chip tone={outcome === "unknown" ? "warn" : "bad"}>{words}</Chip></span>}</div>;
}

function StageBox({ node, certificates, index }: { readonly node: StageNode; readonly certificates: ReadonlyMap<string, CertificateNode>; readonly index: number }): ReactNode {
  const { stage } = node;
  const generations = Object.entries(stage.sbat ?? {}).map(([component, generation]) => `${component} ${generation}`);
  return (
    <div className={`chain-box ${reachClass(node.reach)}`} data-stage={index}>
      <div className="pair" style={{ justifyContent: "space-between" }}>
        <strong>{node.title}</strong>
        <Chip tone={REACH_TONES[node.reach]}>{node.reach}</Chip>
      </div>
      <div className="mono">{stage.path}</div>
      {stage.product === null ? null : <div className="note">{stage.product}</div>}
      {generations.length === 0 ? null : <div className="note wrap">SBAT: {generations.join(", ")}</div>}
      {stage.authenticode === null ? null : (
        <div className="note">
          Authenticode SHA-256 <span className="mono" title={stage.authenticode.sha256}>{stage.authenticode.sha256.slice(0, 16)}…</span>
        </div>
      )}
      {stage.signatures.length === 0 ? (
        <div className="note">no signature</div>
      ) : (
        <ul className="chain-signed" aria-label="Signed under">
          {node.certificateKeys.map((key) => {
            const certificate = certificates.get(key);
            return certificate === undefined ? null : (
              <li key={key}>
                signed under <strong className="wrap">{certificate.name}</strong>
                <div className="note wrap">{describeSigners(certificate).join("; ")}</div>
              </li>
            );
          })}
        </ul>
      )}
    </div>
  );
}

function describeSigners({ name, signers }: CertificateNode): readonly string[] {
  return signers.map((signer) => {
    const ends = `${new Date(signer.notAfter).getTime() < Date.now() ? "ended" : "ends"} ${formatDate(signer.notAfter)}`;
    return signer.name === name ? `certificate ${ends}` : `by ${signer.name}, whose certificate ${ends}`;
  });
}
