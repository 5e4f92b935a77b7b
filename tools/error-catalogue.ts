import { type CatalogueEntry, refusalCatalogue } from "@signet/control-plane/refusal-catalogue";

/** docs/errors.md, as it must be. */
export function renderErrorCatalogue(): string {
  const rooms = Map.groupBy(refusalCatalogue, ({ code }) => code.split("-")[1]!);
  return [
    "# Refusals",
    "",
    "Printed from `packages/control-plane/src/refusal-catalogue.ts` by `tools/write-error-catalogue.ts`; a test holds it to that.",
    "",
    "A code never changes its meaning. It stands in brackets at the end of the sentence where Signet says more than OpenStack would, and in the header",
    "`Signet-Refusal` of every refused answer. Status 500 is that of a server's fault: the request itself was taken.",
    "",
    ...[...rooms].flatMap(([, entries]) => [...renderTable(entries), ""]),
  ].join("\n");
}

function renderTable(entries: readonly CatalogueEntry[]): readonly string[] {
  return [
    "| code | status | when | what to do |",
    "|---|---|---|---|",
    ...entries.map(({ code, httpStatus, meaning, remedy }) => `| \`${code}\` | ${httpStatus.join(", ") || "–"} | ${escape(meaning)} | ${escape(remedy)} |`),
  ];
}

const escape = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
