import { stringify } from "yaml";
import { composeHostConnector } from "../compose.ts";
import { maskSecrets, readConfiguration } from "../configuration/read-configuration.ts";
import { openDataDirectory } from "../data-directory.ts";
import { explainListenError, parseListenAddress } from "../listen-address.ts";
import { untilStopped } from "../stop-signal.ts";

export interface ServeOptions {
  readonly config?: string;
  readonly printConfig?: boolean;
}

/** `signet serve`: the control plane alone. */
export async function runServe(options: ServeOptions): Promise<void> {
  const configuration = await readConfiguration(options.config, process.env);
  if (options.printConfig === true) {
    process.stdout.write(stringify(maskSecrets(configuration)));
    return;
  }
  const stopped = untilStopped();
  const listen = parseListenAddress(configuration.listen);
  const data = await openDataDirectory(configuration.dataDir);
  try {
    const { startControlPlane } = await import("@signet/control-plane");
    const { serveDashboard } = await import("@signet/dashboard");
    const plane = await startControlPlane({
      dataDir: data.path,
      listen,
      connectHost: await composeHostConnector(),
      policyProfile: configuration.policyProfile,
      roles: { api: configuration.roles.includes("api"), worker: configuration.roles.includes("worker") },
      dashboard: serveDashboard,
      ...(configuration.databaseUrl === undefined ? {} : { databaseUrl: configuration.databaseUrl }),
      ...(configuration.publicUrl === undefined ? {} : { publicUrl: configuration.publicUrl }),
    }).catch((error: unknown) => {
      throw explainListenError(error, listen);
    });
    process.stdout.write(`Signet's control plane answers on ${plane.url}\n`);
    if (plane.adminPassword !== null) process.stdout.write(`  user       admin\n  password   ${plane.adminPassword}   (shown this once)\n`);
    await stopped;
    await plane.close();
  } finally {
    await data.release();
  }
}
