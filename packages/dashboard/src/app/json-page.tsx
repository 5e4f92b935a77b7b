import { Title } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { ResourceKind } from "../page-routes.ts";
import { Answer, Empty } from "./notices.tsx";
import { useHost, useImages, useImageVerdicts, useServer } from "./queries.ts";

/** What the API answers about one resource, and how to ask for it oneself. */
export function JsonPage({ kind, id }: { readonly kind: ResourceKind; readonly id: string }): ReactNode {
  return (
    <>
      <Title order={1} mb={4}>
        JSON
      </Title>
      <p className="soft wrap" style={{ margin: "0 0 22px" }}>
        What the API answers about <span className="mono">{`${kind}/${id}`}</span>.
      </p>
      {kind === "servers" ? <ServerJson id={id} /> : kind === "images" ? <ImageJson id={id} /> : <HostJson id={id} />}
    </>
  );
}

function ServerJson({ id }: { readonly id: string }): ReactNode {
  return <Source path={`/signet/v1/servers/${id}`} query={useServer(id)} pick={(server) => server} />;
}

function ImageJson({ id }: { readonly id: string }): ReactNode {
  const images = useImages();
  const verdicts = useImageVerdicts(id);
  return (
    <>
      <Source path="/signet/v1/images" query={images} pick={(answer) => answer.images.find((image) => image.id === id)} />
      <Source path={`/signet/v1/images/${id}/verdicts`} query={verdicts} pick={(answer) => answer} />
    </>
  );
}

function HostJson({ id }: { readonly id: string }): ReactNode {
  return <Source path={`/signet/v1/hosts/${id}`} query={useHost(id)} pick={(host) => host} />;
}

/** The token is never part of the line: a person gets one of their own with the client. */
function curlLine(path: string): string {
  return `curl -H "X-Auth-Token: $(openstack token issue -f value -c id)" ${window.location.origin}${path}`;
}

function Source<Data>({ path, query, pick }: { readonly path: string; readonly query: UseQueryResult<Data>; readonly pick: (data: Data) => unknown }): ReactNode {
  return (
    <section className="card" style={{ marginBottom: 20 }} aria-label={`Answer of ${path}`}>
      <p className="mono" style={{ margin: "0 0 12px" }}>
        {curlLine(path)}
      </p>
      <Answer query={query}>
        {(data) => {
          const found = pick(data);
          return found === undefined ? <Empty title="It is not in this answer">It may have been deleted meanwhile.</Empty> : <pre className="command">{JSON.stringify(found, null, 2)}</pre>;
        }}
      </Answer>
    </section>
  );
}
