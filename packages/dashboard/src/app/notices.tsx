import { Loader } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ApiProblem } from "./api-client.ts";
import { formatAge, formatTime } from "./wording.ts";

export function Alert({ children, isCalm = false }: { readonly children: ReactNode; readonly isCalm?: boolean }): ReactNode {
  return (
    <div className={isCalm ? "alert calm" : "alert"} role="alert">
      {children}
    </div>
  );
}

/** What the API said, as it said it. */
export function Problem({ error }: { readonly error: Error }): ReactNode {
  const code = error instanceof ApiProblem ? error.code : null;
  return (
    <Alert>
      <p>
        {error.message}
        {code === null ? null : <span className="mono"> [{code}]</span>}
      </p>
    </Alert>
  );
}

/** Shows the answer; while there is none, that it comes or why it does not. An answer that grew old stays, under the reason. */
export function Answer<Data>({ query, children }: { readonly query: UseQueryResult<Data>; readonly children: (data: Data) => ReactNode }): ReactNode {
  if (query.data === undefined) {
    if (query.error !== null) return <Problem error={query.error} />;
    return (
      <p className="soft" role="status">
        <Loader size={14} mr={10} color="gray" />
        Asking the control plane …
      </p>
    );
  }
  return (
    <>
      {query.error === null ? null : <Problem error={query.error} />}
      {children(query.data)}
    </>
  );
}

/** An empty place says what to do first. */
export function Empty({ title, children, command }: { readonly title: string; readonly children: ReactNode; readonly command?: string }): ReactNode {
  return (
    <div className="empty">
      <h2>{title}</h2>
      <p className="soft">{children}</p>
      {command === undefined ? null : <pre className="command">{command}</pre>}
    </div>
  );
}

/** A moment in the reader's zone; the machine's spelling is in its title. */
export function Moment({ at, asAge = false }: { readonly at: string; readonly asAge?: boolean }): ReactNode {
  return (
    <time dateTime={at} title={asAge ? formatTime(at) : at}>
      {asAge ? formatAge(at) : formatTime(at)}
    </time>
  );
}
