import { type RefObject, useLayoutEffect, useState } from "react";
import type { Reach, StageNode } from "./chain-model.ts";

export interface SignatureLine {
  readonly key: string;
  readonly path: string;
  readonly end: { readonly x: number; readonly y: number };
  readonly reach: Reach;
}

/** Lines on a certificate's edge are this far apart, so that two of them never look like one. */
const SPREAD_PX = 9;

/** Where the lines run, measured from the boxes as they lie; measured again when the chain changes its size. */
export function useSignatureLines(root: RefObject<HTMLElement | null>, stages: readonly StageNode[]): readonly SignatureLine[] {
  const [lines, setLines] = useState<readonly SignatureLine[]>([]);
  const drawn = JSON.stringify(stages.map(({ reach, certificateKeys }) => [reach, certificateKeys]));
  useLayoutEffect(() => {
    const element = root.current;
    if (element === null) return undefined;
    const measure = (): void => setLines(measureLines(element, stages));
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
    // `drawn` stands for the stages: the list itself is new at every rendering.
  }, [root, drawn]);
  return lines;
}

function measureLines(root: HTMLElement, stages: readonly StageNode[]): readonly SignatureLine[] {
  const origin = root.getBoundingClientRect();
  const used = new Map<string, number>();
  const usesOf = (key: string): number => stages.filter(({ certificateKeys }) => certificateKeys.includes(key)).length;
  const spread = (index: number, amount: number): number => (index - (amount - 1) / 2) * SPREAD_PX;
  return stages.flatMap((node, stageIndex) =>
    node.certificateKeys.flatMap((key, keyIndex) => {
      const from = root.querySelector(`[data-stage="${stageIndex}"]`)?.getBoundingClientRect();
      const to = root.querySelector(`[data-certificate="${CSS.escape(key)}"]`)?.getBoundingClientRect();
      if (from === undefined || to === undefined || to.width === 0) return [];
      const nth = used.get(key) ?? 0;
      used.set(key, nth + 1);
      const start = { x: from.right - origin.left, y: from.top + from.height / 2 - origin.top + spread(keyIndex, node.certificateKeys.length) };
      const end = { x: to.left - origin.left, y: to.top + to.height / 2 - origin.top + spread(nth, usesOf(key)) };
      const bend = (end.x - start.x) / 2;
      return [{ key: `${stageIndex}-${key}`, end, reach: node.reach, path: `M${start.x} ${start.y}C${start.x + bend} ${start.y} ${end.x - bend} ${end.y} ${end.x} ${end.y}` }];
    }),
  );
}
