import type { ReactNode } from "react";

export type Tone = "good" | "bad" | "warn" | "plain" | "info";

const MARKS: Readonly<Record<Tone, string>> = {
  good: "M2 6.5 5 9.5 10 3",
  bad: "M2.5 2.5l7 7M9.5 2.5l-7 7",
  warn: "M6 1.5v6M6 10v.5",
  plain: "M2.5 6h7",
  info: "M6 5v5.5M6 2v.5",
};

/** A word with a mark before it. The mark is for the eye only; the word says it all. */
export function Chip({ tone, children }: { readonly tone: Tone; readonly children: ReactNode }): ReactNode {
  return (
    <span className={`chip tone-${tone}`}>
      <svg viewBox="0 0 12 12" aria-hidden="true">
        <path d={MARKS[tone]} fill="none" stroke="currentColor" strokeWidth="1.9" strokeLinecap="round" strokeLinejoin="round" />
      </svg>
      {children}
    </span>
  );
}
