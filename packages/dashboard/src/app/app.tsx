import { lazy, type ReactNode, Suspense, useEffect } from "react";
import { matchPageRoute, type PageRoute } from "../page-routes.ts";
import { Empty } from "./notices.tsx";
import { OverviewPage } from "./overview-page.tsx";
import { Link, useLocation } from "./router.tsx";
import { useSession } from "./session.ts";
import { Shell } from "./shell.tsx";
import { SignInPage } from "./sign-in-page.tsx";

const ImagesPage = lazy(async () => ({ default: (await import("./images-page.tsx")).ImagesPage }));
const ImagePage = lazy(async () => ({ default: (await import("./image-page.tsx")).ImagePage }));
const ServersPage = lazy(async () => ({ default: (await import("./servers-page.tsx")).ServersPage }));
const ServerPage = lazy(async () => ({ default: (await import("./server-page.tsx")).ServerPage }));
const HostsPage = lazy(async () => ({ default: (await import("./hosts-page.tsx")).HostsPage }));
const InspectPage = lazy(async () => ({ default: (await import("./inspect-page.tsx")).InspectPage }));
const JsonPage = lazy(async () => ({ default: (await import("./json-page.tsx")).JsonPage }));

const TITLES: Readonly<Record<PageRoute["page"], string>> = { overview: "Overview", images: "Images", image: "Image", servers: "Servers", server: "Server", hosts: "Hosts", inspect: "Inspect", json: "JSON" };

/** Sign-in, or the page that the address names. */
export function App(): ReactNode {
  const session = useSession();
  const route = matchPageRoute(useLocation().pathname);
  useEffect(() => {
    document.title = session === null && route?.page !== "inspect" ? "Sign in · Signet" : `${route === null ? "Not found" : TITLES[route.page]} · Signet`;
  }, [session, route?.page]);
  // Nothing leaves the browser there, so that nobody need be known.
  if (session === null && route?.page === "inspect") return <Alone>{showPage(route)}</Alone>;
  if (session === null) return <SignInPage />;
  return (
    <Shell session={session} route={route}>
      <Suspense fallback={null}>{showPage(route)}</Suspense>
    </Shell>
  );
}

function Alone({ children }: { readonly children: ReactNode }): ReactNode {
  return (
    <main id="main" className="content">
      <Suspense fallback={null}>{children}</Suspense>
    </main>
  );
}

function showPage(route: PageRoute | null): ReactNode {
  switch (route?.page) {
    case undefined:
      return (
        <Empty title="There is no such page">
          The address may be incomplete. <Link href="/">Go to the overview</Link>.
        </Empty>
      );
    case "overview":
      return <OverviewPage />;
    case "images":
      return <ImagesPage />;
    case "image":
      return <ImagePage id={route.id} />;
    case "servers":
      return <ServersPage />;
    case "server":
      return <ServerPage id={route.id} />;
    case "hosts":
      return <HostsPage />;
    case "inspect":
      return <InspectPage />;
    case "json":
      return <JsonPage kind={route.kind} id={route.id} />;
  }
}
