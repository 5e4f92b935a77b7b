import { Button, Loader, Title } from "@mantine/core";
import type { ImageReport, Reason } from "@signet/secure-boot";
import { type DragEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { describeReport } from "./describe-report.ts";
import { judgeFile } from "./judge-file.ts";
import { Alert } from "./notices.tsx";
import { Reasons } from "./reasons.tsx";
import { ReportView } from "./report-view.tsx";
import { formatSize } from "./wording.ts";

type State =
  | { readonly kind: "waiting" }
  | { readonly kind: "judging"; readonly name: string }
  | { readonly kind: "judged"; readonly name: string; readonly report: ImageReport; readonly elapsedMs: number }
  | { readonly kind: "unreadable"; readonly name: string; readonly problem: Reason }
  | { readonly kind: "failed"; readonly sentence: string };

/** The judge in the reader's own browser: an image is chosen or dropped, read where it lies, and nothing of it is sent anywhere. */
export function InspectPage(): ReactNode {
  const [state, setState] = useState<State>({ kind: "waiting" });
  const [isOver, setIsOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  async function judge(files: readonly File[]): Promise<void> {
    const [file, ...parents] = files;
    if (file === undefined) return;
    running.current?.abort();
    const own = new AbortController();
    running.current = own;
    setState({ kind: "judging", name: file.name });
    const startedAt = performance.now();
    try {
      const answer = await judgeFile({ file, parents }, own.signal);
      if ("report" in answer) setState({ kind: "judged", name: file.name, report: answer.report, elapsedMs: performance.now() - startedAt });
      else setState({ kind: "unreadable", name: file.name, problem: answer.problem });
    } catch (error) {
      if (!own.signal.aborted) setState({ kind: "failed", sentence: (error as Error).message });
    }
  }

  function drop(event: DragEvent): void {
    event.preventDefault();
    setIsOver(false);
    void judge([...event.dataTransfer.files]);
  }

  return (
    <>
      <Title order={1} mb={4}>
        Inspect
      </Title>
      <p className="soft" style={{ margin: "0 0 22px" }}>
        What firmware will say to an image that is still on your own disk. It is read in this browser; nothing of it is sent.
      </p>
      <div className={isOver ? "card drop over" : "card drop"} onDragOver={(event) => { event.preventDefault(); setIsOver(true); }} onDragLeave={() => setIsOver(false)} onDrop={drop}>
        <p style={{ margin: "0 0 12px" }}>Drop a disk image, an ISO image or an EFI program here. Of a differencing disk, choose the disk first, then its parents, nearest first.</p>
        <Button variant="default" onClick={() => input.current?.click()}>
          Choose a file
        </Button>
        <input ref={input} type="file" multiple hidden aria-label="Image to inspect" onChange={(event) => void judge([...(event.currentTarget.files ?? [])])} />
      </div>
      <div style={{ display: "grid", gap: 20, marginTop: 20 }} aria-live="polite">
        <Shown state={state} />
      </div>
    </>
  );
}

function Shown({ state }: { readonly state: State }): ReactNode {
  switch (state.kind) {
    case "waiting":
      return null;
    case "judging":
      return (
        <p className="soft" role="status">
          <Loader size={14} mr={10} color="gray" />
          Reading {state.name} …
        </p>
      );
    case "failed":
      return <Alert>{state.sentence}</Alert>;
    case "unreadable":
      return (
        <section className="card" aria-label={`Verdict on ${state.name}`}>
          <p style={{ marginTop: 0 }}>
            <strong className="wrap">{state.name}</strong> cannot be read as a disk.
          </p>
          <Reasons label="why" reasons={[state.problem]} />
        </section>
      );
    case "judged":
      return (
        <>
          <p className="wrap" style={{ margin: 0 }}>
            <strong>{state.name}</strong> · {describeReport(state.report)}
            <span className="note"> read {formatSize(state.report.format.bytesRead)} in {Math.round(state.elapsedMs)} ms</span>
          </p>
          <ReportView report={state.report} preferredTrust={null} />
        </>
      );
  }
}
