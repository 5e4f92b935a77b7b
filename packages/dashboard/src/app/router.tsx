import { Anchor, type AnchorProps } from "@mantine/core";
import { type MouseEvent, type ReactNode, useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
const announce = (): void => {
  for (const listener of listeners) listener();
};
window.addEventListener("popstate", announce);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Path and query of the page that is shown. */
export function useLocation(): URL {
  const href = useSyncExternalStore(subscribe, () => window.location.href);
  return new URL(href);
}

export function navigate(href: string): void {
  if (new URL(href, window.location.href).href === window.location.href) return;
  window.history.pushState(null, "", href);
  window.scrollTo(0, 0);
  announce();
}

/** A value in the query, so that a filtered list can be sent to a colleague. Typing leaves no trail in the history. */
export function useQueryValue(name: string): readonly [string, (value: string) => void] {
  const value = useLocation().searchParams.get(name) ?? "";
  const set = (next: string): void => {
    const url = new URL(window.location.href);
    if (next === "") url.searchParams.delete(name);
    else url.searchParams.set(name, next);
    window.history.replaceState(null, "", url);
    announce();
  };
  return [value, set];
}

/** Follows links inside the page without loading it again; new tabs and other buttons stay the browser's. */
export function followInPage(event: MouseEvent<HTMLAnchorElement>): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  navigate(event.currentTarget.href);
}

export interface LinkProps extends AnchorProps {
  readonly href: string;
  readonly children: ReactNode;
  readonly "aria-current"?: "page" | undefined;
  readonly "aria-label"?: string;
}

export function Link(props: LinkProps): ReactNode {
  return <Anchor {...props} onClick={followInPage} />;
}
