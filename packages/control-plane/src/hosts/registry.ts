import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { HostId } from "../ids.ts";
import type { ComputeHost, HostConnection, HostConnector } from "../ports.ts";
import { Refusal } from "../refusal.ts";
import type { SecretBox } from "../store/secret-box.ts";
import type { ComputeStore } from "../store/tables/compute.ts";

export interface HostRegistryOptions {
  readonly store: ComputeStore;
  readonly secrets: SecretBox;
  readonly connectHost: HostConnector;
  /** Called when a host was added or changed: it wants to be probed at once. */
  readonly onChanged?: (hostId: HostId) => Promise<void>;
}

/** The hosts, how to reach them, and one connection to each for the whole process. */
export class HostRegistry {
  readonly #options: HostRegistryOptions;
  readonly #connections = new Map<string, { readonly key: string; readonly host: ComputeHost }>();

  constructor(options: HostRegistryOptions) {
    this.#options = options;
  }

  /** Adds a host, or changes how the host of that name is reached. Answers when it has been probed. */
  async register(connection: HostConnection): Promise<HostId> {
    const reach = { url: connection.url, user_name: connection.user, password_sealed: this.#options.secrets.seal(connection.password, contextOf(connection.name)), tls_fingerprint: connection.tlsFingerprint };
    const { id } = await this.#options.store.insertInto("hosts").values({ id: randomUUID(), name: connection.name, ...reach, facts: null, disabled_reason: null, down_reason: null, last_seen_at: null })
      .onConflict((conflict) => conflict.column("name").doUpdateSet({ ...reach, next_probe_at: new Date() })).returning("id").executeTakeFirstOrThrow();
    await this.#forget(id);
    await this.#options.onChanged?.(id as HostId);
    // Work that waits for this host need not wait any longer.
    await sql`UPDATE workflows SET run_at = now() WHERE state IN ('running', 'undoing') AND lease_owner IS NULL AND run_at > now()`.execute(this.#options.store);
    return id as HostId;
  }

  /** Removes a host without servers. */
  async remove(id: string): Promise<void> {
    const held = await this.#options.store.selectFrom("servers").select(({ fn }) => fn.countAll().as("count")).where("host_id", "=", id).where("deleted_at", "is", null).executeTakeFirstOrThrow();
    if (Number(held.count) > 0) {
      throw new Refusal({ code: "SIG-HOST-IN-USE", httpStatus: 409, message: `The host still has ${Number(held.count)} servers.`, remedy: "Delete them first." });
    }
    await this.#options.store.updateTable("servers").set({ host_id: null }).where("host_id", "=", id).execute();
    const { numDeletedRows } = await this.#options.store.deleteFrom("hosts").where("id", "=", id).executeTakeFirst();
    if (Number(numDeletedRows) === 0) throw new Refusal({ code: "SIG-HOST-UNKNOWN", httpStatus: 404, message: `There is no host ${id}.` });
    await this.#forget(id);
  }

  /** The connection to a host. Throws a `Refusal` when it is not registered. */
  async connect(id: string): Promise<ComputeHost> {
    const row = await this.#options.store.selectFrom("hosts").select(["name", "url", "user_name", "password_sealed", "tls_fingerprint"]).where("id", "=", id).executeTakeFirst();
    if (row === undefined) throw new Refusal({ code: "SIG-HOST-UNKNOWN", httpStatus: 404, message: `There is no host ${id}.` });
    const key = JSON.stringify(row);
    const present = this.#connections.get(id);
    // Another process may have registered the host anew, under another address.
    if (present?.key === key) return present.host;
    await this.#forget(id);
    const host = this.#options.connectHost({ name: row.name, url: row.url, user: row.user_name, password: this.#options.secrets.unseal(row.password_sealed, contextOf(row.name)), tlsFingerprint: row.tls_fingerprint });
    this.#connections.set(id, { key, host });
    return host;
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#connections.keys()].map((id) => this.#forget(id)));
  }

  async #forget(id: string): Promise<void> {
    const present = this.#connections.get(id);
    this.#connections.delete(id);
    await present?.host.close();
  }
}

/** A sealed password opens for the host that it was sealed for, and for no other. */
const contextOf = (hostName: string): string => `host:${hostName}`;
