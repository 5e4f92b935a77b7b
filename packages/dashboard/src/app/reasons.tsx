import type { Reason } from "@signet/secure-boot";
import type { ReactNode } from "react";

/** Reasons and remedies as sentences, each with its code. */
export function Reasons({ label, reasons }: { readonly label: string; readonly reasons: readonly Reason[] }): ReactNode {
  return (
    <ul className="reasons">
      {reasons.map((reason) => (
        <li key={`${reason.code} ${reason.text}`}>
          <span>{label}</span>
          <span>
            {reason.text} <span className="mono soft">[{reason.code}]</span>
          </span>
        </li>
      ))}
    </ul>
  );
}
