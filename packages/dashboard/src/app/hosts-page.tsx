import type { SignetHost } from "@signet/control-plane/api-shapes";
import { Title } from "@mantine/core";
import type { ReactNode } from "react";
import { Chip } from "./chip.tsx";
import { FIRST_HOST } from "./first-steps.ts";
import { Answer, Empty, Moment } from "./notices.tsx";
import { useHosts } from "./queries.ts";
import { TemplateName } from "./template-name.tsx";
import { type Column, SearchableTable } from "./table.tsx";
import { count, FAMILIES, formatRelease, formatSize } from "./wording.ts";

/** A share as a bar; what it shows stands beside it in words. */
function Share({ claimedBytes, totalBytes, of }: { readonly claimedBytes: number; readonly totalBytes: number; readonly of: string }): ReactNode {
  const share = totalBytes === 0 ? 0 : Math.min(1, claimedBytes / totalBytes);
  return (
    <div style={{ width: "100%", maxWidth: 220 }}>
      <span>
        {formatSize(claimedBytes)} of {formatSize(totalBytes)} {of}
      </span>
      <div className="bar" aria-hidden="true">
        <svg viewBox="0 0 100 6" preserveAspectRatio="none">
          <rect width={share * 100} height="6" />
        </svg>
      </div>
    </div>
  );
}

const COLUMNS: readonly Column<SignetHost>[] = [
  {
    name: "Host",
    cell: (host) => (
      <div className="stack wrap">
        <span>{host.name}</span>
        <span className="pair">
          {host.state === "up" ? <Chip tone="good">up</Chip> : <Chip tone="bad">down</Chip>}
          {host.enabled ? null : <Chip tone="warn">disabled</Chip>}
        </span>
        {host.reason === null ? null : <span className="note">{host.reason}</span>}
      </div>
    ),
  },
  {
    name: "Release",
    cell: (host) => (
      <>
        <span>{formatRelease(host.release)}</span>
        {host.osVersion === null ? null : <span className="note">{host.osVersion}</span>}
      </>
    ),
  },
  {
    name: "Secure Boot templates",
    cell: (host) =>
      host.templates.length === 0 ? (
        <span className="soft">none to choose</span>
      ) : (
        <ul>
          {host.templates.map((template) => (
            <li key={template.id} className="wrap" title={template.id}>
              <TemplateName name={template.name} />
            </li>
          ))}
        </ul>
      ),
  },
  { name: "Guests with Secure Boot", cell: (host) => (host.families.length === 0 ? <span className="soft">none</span> : host.families.map((family) => FAMILIES[family] ?? family).join(", ")) },
  {
    name: "Claimed",
    cell: (host) => (
      <>
        <Share claimedBytes={host.memoryClaimedBytes} totalBytes={host.memoryBytes} of="memory" />
        <Share claimedBytes={host.diskClaimedBytes} totalBytes={host.diskBytes} of="disk" />
        <span className="note">{count(host.cpuCount, "processor")}</span>
      </>
    ),
  },
  { name: "Last seen", cell: (host) => (host.lastSeenAt === null ? <span className="soft">never</span> : <Moment at={host.lastSeenAt} asAge />) },
];

export function HostsPage(): ReactNode {
  return (
    <>
      <Title order={1} mb={4}>
        Hosts
      </Title>
      <p className="soft" style={{ margin: "0 0 22px" }}>
        What each can boot with Secure Boot, and what is left of it.
      </p>
      <Answer query={useHosts()}>
        {({ hosts }) =>
          hosts.length === 0 ? (
            <div className="card">
              <Empty title="No hosts yet" command={FIRST_HOST}>
                Servers need a host to run on. This starts the control plane together with an emulated one.
              </Empty>
            </div>
          ) : (
            <SearchableTable
              noun="host"
              rows={hosts}
              columns={COLUMNS}
              rowKey={(host) => host.id}
              searchHint="Name, release, template, state"
              searchText={(host) => [host.id, host.name, host.state, host.enabled ? "enabled" : "disabled", host.reason, formatRelease(host.release), host.release, host.osVersion, ...host.families, ...host.templates.map(({ name }) => name)]}
              jsonHref={(host) => `/json/hosts/${host.id}`}
              jsonLabel={(host) => `JSON of host ${host.name}`}
            />
          )
        }
      </Answer>
    </>
  );
}
