import { mkdir } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { sql } from "kysely";
import type { Logger } from "pino";
import type { ProfileName } from "@signet/secure-boot/policy";
import { registerComputeApi } from "./api/compute/index.ts";
import { buildApi } from "./api/http/build-api.ts";
import { type PageResponder, servePage } from "./api/http/page.ts";
import { registerIdentityApi } from "./api/identity/index.ts";
import { registerImageApi } from "./api/image/index.ts";
import { registerSignetApi } from "./api/signet/index.ts";
import { type ComputeService, startCompute } from "./compute/compute-service.ts";
import { type HostRegistry } from "./hosts/registry.ts";
import { bootstrapIdentity } from "./identity/bootstrap.ts";
import { sessionReader } from "./identity/session-reader.ts";
import { Tokens } from "./identity/tokens.ts";
import { bootImages } from "./images/boot-images.ts";
import { ImageFiles } from "./images/image-files.ts";
import { judgeEarly, judgeInProcess } from "./images/judge/judge-image.ts";
import { rejudgeImages, type RejudgeParts } from "./images/rejudge-images.ts";
import { sweepTransfers } from "./images/transfers.ts";
import { releaseBrokenUploads } from "./images/upload-image.ts";
import { openLog } from "./log-file.ts";
import { keepNodeId } from "./node-id.ts";
import type { HostConnector } from "./ports.ts";
import { openDatabase, type Store } from "./store/database.ts";
import { migrate } from "./store/migrate.ts";
import { startEmbeddedPostgres } from "./store/postgres/embedded-postgres.ts";
import { SecretBox } from "./store/secret-box.ts";

export interface ControlPlaneOptions {
  /** Keeps images, the key of sealed secrets, the log and, without `databaseUrl`, the database. */
  readonly dataDir: string;
  /** A PostgreSQL (15 or later) of the operator's instead of the embedded one. */
  readonly databaseUrl?: string;
  /** Port 0 takes any free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** How clients and hosts reach this service, when that differs from where it listens. */
  readonly publicUrl?: string;
  readonly connectHost: HostConnector;
  readonly policyProfile?: ProfileName;
  /** Both by default. A worker without the API still answers health and metrics. */
  readonly roles?: { readonly api: boolean; readonly worker: boolean };
  readonly dashboard?: PageResponder;
  /** Default: one in `dataDir`/control-plane.log. */
  readonly logger?: Logger;
  readonly logLevel?: string;
}

export interface ControlPlane {
  /** Where it listens, without a slash at the end. */
  readonly url: string;
  /** The first user's password, at the first start only; it is stored nowhere as text. */
  readonly adminPassword: string | null;
  readonly hosts: HostRegistry;
  /** Finishes what is being answered, gives work back, stops the database. */
  close(): Promise<void>;
}

/** Between two sweeps of expired tokens and addresses. */
const SWEEP_INTERVAL_MS = 10 * 60_000;

/** Starts the control plane. What was started is stopped again when a later step fails. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const closers: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  try {
    return { ...(await start(options, closers)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(options: ControlPlaneOptions, closers: (() => Promise<void> | void)[]): Promise<Omit<ControlPlane, "close">> {
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o755 });
  const logger = options.logger ?? openOwnLog(dataDir, options.logLevel ?? "info", closers);
  const [store, secrets, nodeId] = await Promise.all([openStore(dataDir, options.databaseUrl, closers), SecretBox.fromKeyFile(join(dataDir, "secret.key")), keepNodeId(join(dataDir, "node-id"))]);
  const adminPassword = await bootstrapIdentity(store);
  const tokens = new Tokens(store);
  const files = await openImages(store, join(dataDir, "images"), nodeId, logger);
  sweepRegularly(store, tokens, logger, closers);

  const listening = Promise.withResolvers<string>();
  listening.promise.catch(() => {});
  const roles = options.roles ?? { api: true, worker: true };
  const compute = await startCompute({
    store, secrets, nodeId, isWorker: roles.worker, connectHost: options.connectHost, images: bootImages(store, () => listening.promise),
    ...(options.policyProfile === undefined ? {} : { profile: options.policyProfile }),
    onProblem: (what, details) => logger.warn(details, what),
  });
  closers.push(() => compute.close());
  const url = await serve(options, { store, tokens, files, nodeId, compute, logger, isApi: roles.api }, closers).catch((error: unknown) => {
    listening.reject(error);
    throw error;
  });
  listening.resolve(options.publicUrl?.replace(/\/+$/, "") ?? url);
  logger.info({ url, roles }, "control plane answers");
  if (roles.worker) rejudgeInBackground({ store, files, judge: judgeInProcess }, logger, closers);
  return { url, adminPassword, hosts: compute.registry };
}

interface Parts {
  readonly store: Store;
  readonly tokens: Tokens;
  readonly files: ImageFiles;
  readonly nodeId: string;
  readonly compute: ComputeService;
  readonly logger: Logger;
  readonly isApi: boolean;
}

async function serve(options: ControlPlaneOptions, { store, tokens, files, nodeId, compute, logger, isApi }: Parts, closers: (() => Promise<void> | void)[]): Promise<string> {
  const { app } = buildApi({
    logger, publicUrl: options.publicUrl ?? null,
    notReady: () => sql`SELECT 1`.execute(store).then(() => null, (error: Error) => `the database does not answer (${error.message})`),
  });
  closers.push(() => app.close());
  if (isApi) {
    const readSession = sessionReader(tokens);
    await registerIdentityApi(app, { store, tokens, readSession });
    await registerImageApi(app, { store, files, judge: judgeInProcess, judgeEarly, nodeId, readSession });
    await registerComputeApi(app, { store, servers: compute.servers, registry: compute.registry, readSession });
    await registerSignetApi(app, { store, files, compute, readSession });
    servePage(app, options.dashboard);
  }
  await app.listen(options.listen);
  const { address, family, port } = app.server.address() as AddressInfo;
  // Nobody can connect to "any address"; on this machine the loopback is one of them.
  const host = address === "::" || address === "0.0.0.0" ? "127.0.0.1" : family === "IPv6" ? `[${address}]` : address;
  return `http://${host}:${port}`;
}

/** Reports of older rules or older trust data are made anew, without anybody waiting for it. */
function rejudgeInBackground(parts: RejudgeParts, logger: Logger, closers: (() => Promise<void> | void)[]): void {
  const ended = new AbortController();
  const running = rejudgeImages(parts, ended.signal).then(
    (judged) => void (judged > 0 && logger.info({ judged }, "images were judged anew: rules or trust data have changed")),
    (error: unknown) => logger.warn({ err: error }, "images could not be judged anew; this is tried again at the next start"),
  );
  closers.push(async () => {
    ended.abort();
    await running;
  });
}

function openOwnLog(dataDir: string, level: string, closers: (() => Promise<void> | void)[]): Logger {
  const log = openLog(join(dataDir, "control-plane.log"), level);
  closers.push(() => log.close());
  return log.logger;
}

async function openStore(dataDir: string, databaseUrl: string | undefined, closers: (() => Promise<void> | void)[]): Promise<Store> {
  let target: Parameters<typeof openDatabase>[0];
  if (databaseUrl === undefined) {
    const postgres = await startEmbeddedPostgres(join(dataDir, "postgres"));
    closers.push(() => postgres.stop());
    target = postgres.connection;
  } else target = databaseUrl;
  const store = openDatabase(target);
  closers.push(() => store.destroy());
  await migrate(store);
  return store;
}

/** Puts back what an earlier process left half done, before anybody asks. */
async function openImages(store: Store, folder: string, nodeId: string, logger: Logger): Promise<ImageFiles> {
  const files = new ImageFiles(folder);
  await files.open(async (names) => {
    if (names.length === 0) return new Set();
    const rows = await store.selectFrom("images").select("file_name").where("file_name", "in", names).execute();
    return new Set(rows.map(({ file_name }) => file_name!));
  });
  const released = await releaseBrokenUploads(store, nodeId);
  if (released > 0) logger.info({ released }, "uploads of an earlier process were put back; their images are queued again");
  return files;
}

function sweepRegularly(store: Store, tokens: Tokens, logger: Logger, closers: (() => Promise<void> | void)[]): void {
  let running: Promise<unknown> = Promise.resolve();
  const sweep = (): void => {
    running = Promise.all([tokens.sweep(), sweepTransfers(store)]).catch((error: unknown) => logger.warn({ err: error }, "expired tokens could not be swept; this is tried again"));
  };
  const timer = setInterval(sweep, SWEEP_INTERVAL_MS).unref();
  closers.push(async () => {
    clearInterval(timer);
    await running;
  });
  sweep();
}
