import type { SignetServer } from "@signet/control-plane/api-shapes";
import { Title } from "@mantine/core";
import type { ReactNode } from "react";
import { FIRST_SERVER } from "./first-steps.ts";
import { Answer, Empty, Moment } from "./notices.tsx";
import { useServers } from "./queries.ts";
import { Link } from "./router.tsx";
import { compareFacts, FIRMWARE_WORDS, STANDING_WORDS } from "./server-standing.ts";
import { FirmwareChip, MatchChip, StandingChip, StatusChip } from "./state-chips.tsx";
import { TemplateName } from "./template-name.tsx";
import { type Column, SearchableTable } from "./table.tsx";

function Side({ server, side }: { readonly server: SignetServer; readonly side: "desired" | "actual" }): ReactNode {
  const [flag, template, generation] = compareFacts(server);
  if (side === "actual" && server.actual === null) return <span className="soft">not read back yet</span>;
  const isOn = flag?.[side] === "on";
  return (
    <>
      <span>
        Secure Boot {flag?.[side]}, Generation {generation?.[side]}
      </span>
      {isOn ? <span className="note wrap"><TemplateName name={template?.[side] ?? "none"} /></span> : null}
    </>
  );
}

const COLUMNS: readonly Column<SignetServer>[] = [
  {
    name: "Server",
    cell: (server) => (
      <div className="stack wrap">
        <Link href={`/servers/${server.id}`}>{server.name}</Link>
        <StatusChip status={server.status} taskState={server.taskState} />
      </div>
    ),
  },
  { name: "Secure Boot", cell: (server) => <StandingChip standing={server.standing} /> },
  { name: "Desired", cell: (server) => <Side server={server} side="desired" /> },
  {
    name: "Actual",
    cell: (server) => (
      <>
        <Side server={server} side="actual" />
        {server.actual === null ? null : (
          <span className="pair">
            <MatchChip matches={server.matches} />
            <span className="note">
              read <Moment at={server.actual.readAt} asAge />
            </span>
          </span>
        )}
      </>
    ),
  },
  {
    name: "Firmware",
    cell: (server) =>
      server.firmware === null ? (
        <span className="soft">nothing seen yet</span>
      ) : (
        <>
          <FirmwareChip outcome={server.firmware.outcome} />
          {server.firmware.line === null ? null : <span className="note wrap">{server.firmware.line}</span>}
        </>
      ),
  },
  {
    name: "Runs",
    cell: (server) => (
      <>
        <Link href={`/images/${server.image.id}`} className="wrap" size="sm">
          {server.image.name ?? server.image.id}
        </Link>
        <span className="note wrap">
          {server.flavorName}, {server.hostName === null ? "on no host" : `on ${server.hostName}`}
        </span>
      </>
    ),
  },
];

export function ServersPage(): ReactNode {
  return (
    <>
      <Title order={1} mb={4}>
        Servers
      </Title>
      <p className="soft" style={{ margin: "0 0 22px" }}>
        What was asked for beside what the host says, as last read back.
      </p>
      <Answer query={useServers()}>
        {({ servers }) =>
          servers.length === 0 ? (
            <div className="card">
              <Empty title="No servers yet" command={FIRST_SERVER}>
                Create one from an image of yours.
              </Empty>
            </div>
          ) : (
            <SearchableTable
              noun="server"
              rows={servers}
              columns={COLUMNS}
              rowKey={(server) => server.id}
              searchHint="Name, host, image, state, part of an id"
              searchText={searchText}
              jsonHref={(server) => `/json/servers/${server.id}`}
              jsonLabel={(server) => `JSON of server ${server.name}`}
            />
          )
        }
      </Answer>
    </>
  );
}

function searchText(server: SignetServer): readonly (string | null)[] {
  return [
    server.id,
    server.name,
    server.status,
    server.taskState,
    server.projectId,
    server.hostName,
    server.machineGuid,
    server.image.name,
    server.image.id,
    server.flavorName,
    server.desired.templateName,
    server.actual?.templateName ?? null,
    STANDING_WORDS[server.standing],
    server.matches === false ? "mismatch" : null,
    server.firmware === null ? null : `firmware ${FIRMWARE_WORDS[server.firmware.outcome]}`,
  ];
}
