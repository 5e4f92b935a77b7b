import { ActionIcon, Button, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { type ReactNode, useEffect, useRef } from "react";
import type { PageRoute } from "../page-routes.ts";
import { followInPage, useLocation } from "./router.tsx";
import { type Session, signOut } from "./session.ts";

const PLACES = [
  { href: "/", name: "Overview", pages: ["overview"] },
  { href: "/images", name: "Images", pages: ["images", "image"] },
  { href: "/servers", name: "Servers", pages: ["servers", "server"] },
  { href: "/hosts", name: "Hosts", pages: ["hosts"] },
  { href: "/inspect", name: "Inspect", pages: ["inspect"] },
] as const;

export interface ShellProps {
  readonly session: Session;
  readonly route: PageRoute | null;
  readonly children: ReactNode;
}

/** What stays around every page. Going to another page moves the focus to its beginning, as loading it would. */
export function Shell({ session, route, children }: ShellProps): ReactNode {
  const main = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  const shownPath = useRef(pathname);
  useEffect(() => {
    if (shownPath.current === pathname) return;
    shownPath.current = pathname;
    main.current?.focus({ preventScroll: true });
  }, [pathname]);
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="top">
        <div className="top-inner">
          <a className="brand" href="/" onClick={followInPage}>
            <img src="/signet.svg" alt="" />
            Signet
          </a>
          <nav aria-label="Pages" className="nav-holder">
            <ul className="nav">
              {PLACES.map((place) => (
                <li key={place.href}>
                  <a href={place.href} onClick={followInPage} aria-current={isAt(place.pages, route) ? "page" : undefined}>
                    {place.name}
                  </a>
                </li>
              ))}
            </ul>
          </nav>
          <div className="who">
            <span className="name">
              {session.user} in {session.project}
            </span>
            <SchemeSwitch />
            <Button variant="default" size="compact-sm" onClick={signOut}>
              Sign out
            </Button>
          </div>
        </div>
      </header>
      <main id="main" className="content" tabIndex={-1} ref={main}>
        {children}
      </main>
      <footer className="foot">Times are in your zone, {Intl.DateTimeFormat().resolvedOptions().timeZone}.</footer>
    </>
  );
}

function isAt(pages: readonly string[], route: PageRoute | null): boolean {
  if (route === null) return false;
  return pages.includes(route.page === "json" ? route.kind : route.page);
}

function SchemeSwitch(): ReactNode {
  const { setColorScheme } = useMantineColorScheme();
  const next = useComputedColorScheme("light") === "dark" ? "light" : "dark";
  return (
    <ActionIcon variant="default" size={30} onClick={() => setColorScheme(next)} aria-label={`Use ${next} colours`} title={`Use ${next} colours`}>
      <svg viewBox="0 0 16 16" width="15" height="15" aria-hidden="true">
        <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" strokeWidth="1.5" />
        <path d="M8 2a6 6 0 0 1 0 12z" fill="currentColor" />
      </svg>
    </ActionIcon>
  );
}
