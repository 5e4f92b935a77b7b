import type { SignetHost, SignetImage, SignetServer, Standing } from "@signet/control-plane/api-shapes";
import { Title } from "@mantine/core";
import type { ReactNode } from "react";
import { ApiProblem } from "./api-client.ts";
import { type AttentionItem, findAttention } from "./attention.ts";
import { FIRST_HOST, FIRST_IMAGE, FIRST_SERVER } from "./first-steps.ts";
import { Answer, Empty, Moment, Problem } from "./notices.tsx";
import { useHosts, useImages, useServers } from "./queries.ts";
import { followInPage, Link } from "./router.tsx";
import { STANDING_WORDS } from "./server-standing.ts";
import { count } from "./wording.ts";

/** The promise at a glance: who keeps it, who only says so, who breaks it, and what a person should do next. */
export function OverviewPage(): ReactNode {
  const servers = useServers();
  const images = useImages();
  const hosts = useHosts();
  return (
    <>
      <Title order={1} mb={20}>
        Overview
      </Title>
      <Answer query={servers}>{(answer) => (answer.servers.length === 0 ? null : <Figures servers={answer.servers} />)}</Answer>
      {[images.error, isForbidden(hosts.error) ? null : hosts.error].map((error, index) => (error === null ? null : <Problem key={index === 0 ? "images" : "hosts"} error={error} />))}
      {servers.data === undefined || images.data === undefined || (hosts.data === undefined && hosts.error === null) ? null : (
        <Rest servers={servers.data.servers} images={images.data.images} hosts={hosts.data?.hosts ?? null} />
      )}
    </>
  );
}

/** Hosts are the administrators' business; that others may not see them is no trouble of theirs. */
const isForbidden = (error: Error | null): boolean => error instanceof ApiProblem && error.status === 403;

const FIGURES: readonly { readonly standing: Standing; readonly title: string; readonly text: string }[] = [
  { standing: "enforced", title: "enforcing Secure Boot", text: "on, read back as asked, not refused" },
  { standing: "switched-on", title: "only switched on", text: "asked for, not proven by a read-back" },
  { standing: "drift", title: "drift", text: "the host differs from what was asked" },
  { standing: "refused", title: "refused", text: "on, and firmware stopped the loader" },
  { standing: "off", title: "without Secure Boot", text: "nobody asked for it" },
];

function Figures({ servers }: { readonly servers: readonly SignetServer[] }): ReactNode {
  const byStanding = Map.groupBy(servers, ({ standing }) => standing);
  const withoutMachine = byStanding.get("no-machine") ?? [];
  const oldest = (byStanding.get("enforced") ?? []).flatMap(({ actual }) => (actual === null ? [] : [actual.readAt])).reduce<string | null>((found, at) => (found === null || at < found ? at : found), null);
  return (
    <>
    <ul className="figures" aria-label="Machines by what Secure Boot does for them">
      {FIGURES.map(({ standing, title, text }) => (
        <li key={standing}>
          <a className="figure" href={`/servers?search=${encodeURIComponent(STANDING_WORDS[standing])}`} onClick={followInPage}>
            <b>{byStanding.get(standing)?.length ?? 0}</b>
            <strong>{title}</strong>
            <span>{text}</span>
          </a>
        </li>
      ))}
    </ul>
    <p className="note" style={{ margin: "12px 2px 0" }}>
      {oldest === null ? null : <>The oldest read-back of those that enforce it was <Moment at={oldest} asAge />. </>}
      {withoutMachine.length === 0 ? null : <>{count(withoutMachine.length, "server")} without a machine: being built, or refused before there was one.</>}
    </p>
    </>
  );
}

interface RestProps {
  readonly servers: readonly SignetServer[];
  readonly images: readonly SignetImage[];
  /** Null for those who may not see them, or while they cannot be read. */
  readonly hosts: readonly SignetHost[] | null;
}

function Rest({ servers, images, hosts }: RestProps): ReactNode {
  const first = firstStep({ servers, images, hosts });
  if (first !== null) return <div className="card" style={{ marginTop: 20 }}>{first}</div>;
  return (
    <div className="columns" style={{ marginTop: 20 }}>
      <Attention items={findAttention(servers, images, hosts ?? [])} />
      <section className="card" aria-labelledby="fleet-title">
        <Title order={2} id="fleet-title">
          Images and hosts
        </Title>
        <dl className="facts">
          <dt>Images</dt>
          <dd>
            <Link href="/images">{count(images.length, "image")}</Link>, {images.filter(bootsSomewhere).length} with a template under which they boot
          </dd>
          <dt>Serviceable</dt>
          <dd>{images.filter((image) => image.verdicts.some(({ outcome, serviceable }) => outcome === "boots" && serviceable === true)).length} boot and can still be serviced</dd>
          <dt>Next revocation</dt>
          <dd>{images.filter((image) => bootsSomewhere(image) && !image.verdicts.some(({ survivesNextRevocation }) => survivesNextRevocation === true)).length} boot today and are not known to survive it</dd>
          <dt>Hosts</dt>
          <dd>
            {hosts === null ? (
              <span className="soft">not shown</span>
            ) : (
              <>
                <Link href="/hosts">{count(hosts.length, "host")}</Link>, {hosts.filter(({ state, enabled }) => state === "up" && enabled).length} up and enabled
              </>
            )}
          </dd>
        </dl>
      </section>
    </div>
  );
}

const bootsSomewhere = (image: SignetImage): boolean => image.verdicts.some(({ outcome }) => outcome === "boots");

function firstStep({ servers, images, hosts }: RestProps): ReactNode {
  if (servers.length > 0) return null;
  if (hosts?.length === 0) return <Empty title="No hosts yet" command={FIRST_HOST}>Servers need a host to run on. This starts the control plane together with an emulated one.</Empty>;
  if (images.length === 0) return <Empty title="Upload an image first" command={FIRST_IMAGE}>It is judged while it comes in: whether firmware will accept it, and why.</Empty>;
  return <Empty title="No servers yet" command={FIRST_SERVER}>{count(images.length, "image")} here already. Create a server from an image of yours.</Empty>;
}

function Attention({ items }: { readonly items: readonly AttentionItem[] }): ReactNode {
  return (
    <section className="card" aria-labelledby="attention-title">
      <Title order={2} id="attention-title">
        Needs a person
      </Title>
      {items.length === 0 ? (
        <p className="soft" style={{ margin: 0 }}>
          Nothing now.
        </p>
      ) : (
        <ul className="items">
          {items.map((item) => (
            <li key={item.key}>
              <Link href={item.href} fw={600} className="wrap">
                {item.name}
              </Link>
              <div className="wrap">{item.sentence}</div>
              {item.remedy === null ? null : <div className="note wrap">Remedy: {item.remedy}</div>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
