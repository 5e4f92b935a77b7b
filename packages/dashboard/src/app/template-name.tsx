import { Fragment, type ReactNode } from "react";

/** A long name in one word may break before its inner capitals, never in the middle of a syllable. */
export function TemplateName({ name }: { readonly name: string }): ReactNode {
  const parts = name.split(/(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=_)/);
  return parts.map((part, index) => (
    <Fragment key={`${index}-${part}`}>
      {index === 0 ? null : <wbr />}
      {part}
    </Fragment>
  ));
}
