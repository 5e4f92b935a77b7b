import { type Authentication, chooseAuthorization } from "./auth/choose-authorization.ts";
import type { CimInstance, CimParameters, CimReference, CimValue } from "./cim.ts";
import { runCommand, type CommandOptions, type CommandResult } from "./client/command.ts";
import { contextOf, itemsOf, readAnswer, writeEnumerate, writeIdentify, writeMethodInput, writePull, writeRelease, writeRequest, type MethodResult } from "./client/messages.ts";
import { Transport, WsmanTransportError } from "./client/transport.ts";
import { invalidMessage } from "./faults.ts";
import { ACTION, NS } from "./namespaces.ts";
import { classUri } from "./resource.ts";
import { readInstance, readValues } from "./ws-cim.ts";
import { childText, type XmlElement } from "./xml/read.ts";

export type { Authentication } from "./auth/choose-authorization.ts";
export { WsmanTransportError } from "./client/transport.ts";
export type { CommandOptions, CommandResult } from "./client/command.ts";
export type { MethodResult } from "./client/messages.ts";

export interface WsmanClientOptions {
  /** `http(s)://host:port/wsman`, without credentials in it. */
  readonly url: string;
  /** `HOST\user`, `.\user`, `user@domain` or `user`. */
  readonly user: string;
  readonly password: string;
  /**
   * How to log on. By default: the client certificate where there is one; Negotiate, which seals messages, over http to another
   * computer; otherwise what the host offers, Negotiate first.
   */
  readonly authentication?: Authentication | undefined;
  /** PEM, for authentication by certificate. */
  readonly clientCertificate?: { readonly cert: string | Buffer; readonly key: string | Buffer } | undefined;
  /** Lets Basic send the password over http to another computer. */
  readonly allowUnencrypted?: boolean;
  /** SHA-256 of the host's certificate, hex; null or absent means ordinary verification. */
  readonly tlsFingerprint?: string | null;
  readonly connectionsMax?: number;
  readonly operationTimeoutMs?: number;
}

export interface ClientRequestFields {
  readonly action: string;
  readonly resourceUri: string;
  readonly body: string;
  readonly selectors?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, string>>;
  readonly operationTimeoutMs?: number;
}

// Enough for a batch of instances of 5 KiB each to stay well below WinRM's envelope of 500 KiB.
const itemsPerPull = 50;
// A query of ours answers with at most some thousand devices; more is a runaway enumeration.
export const itemsMax = 100_000;
// What the network and the host may add to the time that the operation itself was given.
const networkMarginMs = 30_000;
const operationTimeoutDefaultMs = 60_000;
const connectionsDefault = 8;

/**
 * A WS-Management client for one host. Failures are `WsmanFault` (the host said no) or `WsmanTransportError` (nobody knows what
 * the host thinks); an aborted signal rejects with the signal's reason. Secrets are in no message.
 */
export class WsmanClient {
  readonly #transport: Transport;
  readonly #operationTimeoutMs: number;

  constructor(options: WsmanClientOptions) {
    this.#operationTimeoutMs = options.operationTimeoutMs ?? operationTimeoutDefaultMs;
    this.#transport = new Transport({
      url: options.url,
      authorization: chooseAuthorization({
        url: new URL(options.url), user: options.user, password: options.password, authentication: options.authentication,
        hasCertificate: options.clientCertificate !== undefined, allowUnencrypted: options.allowUnencrypted ?? false,
      }),
      tlsFingerprint: options.tlsFingerprint ?? null,
      clientCertificate: options.clientCertificate,
      connectionsMax: options.connectionsMax ?? connectionsDefault,
    });
  }

  /** The address, free of secrets, for messages. */
  get address(): string {
    return this.#transport.address;
  }

  /** The cheapest proof of life: product and build, without touching WMI. */
  async identify(signal?: AbortSignal): Promise<{ readonly vendor: string; readonly version: string }> {
    const answer = await this.#post(writeIdentify(), this.#operationTimeoutMs, signal);
    return { vendor: childText(answer, NS.wsmid, "ProductVendor") ?? "", version: childText(answer, NS.wsmid, "ProductVersion") ?? "" };
  }

  async get(target: CimReference, signal?: AbortSignal): Promise<CimInstance> {
    const answer = await this.send({ action: ACTION.get, resourceUri: classUri(target.namespace, target.className), selectors: target.keys, body: "" }, signal);
    if (!answer) throw invalidMessage("The answer to Get holds no instance.");
    return readInstance(answer);
  }

  /** All instances that a WQL text selects. Values are untyped: see `readInstance`. */
  async query(namespace: string, wql: string, signal?: AbortSignal): Promise<readonly CimInstance[]> {
    const resourceUri = classUri(namespace, "*");
    const items: CimInstance[] = [];
    let answer = await this.send({ action: ACTION.enumerate, resourceUri, body: writeEnumerate(wql, itemsPerPull) }, signal);
    for (;;) {
      for (const item of itemsOf(answer)) items.push(readInstance(item));
      const context = contextOf(answer);
      if (context === null) return items;
      if (items.length > itemsMax) {
        await this.send({ action: ACTION.release, resourceUri, body: writeRelease(context) }, signal);
        throw invalidMessage(`The query selects more than ${itemsMax} instances.`);
      }
      answer = await this.send({ action: ACTION.pull, resourceUri, body: writePull(context, itemsPerPull) }, signal);
    }
  }

  /** Calls a method. Out parameters are untyped, except `ReturnValue`. */
  async invoke(target: CimReference, method: string, parameters: CimParameters, signal?: AbortSignal): Promise<MethodResult> {
    const resourceUri = classUri(target.namespace, target.className);
    const answer = await this.send({ action: `${resourceUri}/${method}`, resourceUri, selectors: target.keys, body: writeMethodInput(target, method, parameters) }, signal);
    const values: Record<string, CimValue> = answer ? readValues(answer) : {};
    const code = Number(values.ReturnValue);
    if (typeof values.ReturnValue !== "string" || !Number.isInteger(code)) throw invalidMessage(`The answer to ${method} has no ReturnValue.`);
    return { ...values, ReturnValue: code };
  }

  /** Runs one program on the host, in a shell of its own that is always taken down. */
  runCommand(commandLine: string, options: CommandOptions = {}): Promise<CommandResult> {
    return runCommand(this, commandLine, options);
  }

  /** One request and the first child of its answer's Body. */
  send(fields: ClientRequestFields, signal?: AbortSignal): Promise<XmlElement | undefined> {
    const operationTimeoutMs = fields.operationTimeoutMs ?? this.#operationTimeoutMs;
    return this.#post(writeRequest({ ...fields, url: this.#transport.address, operationTimeoutMs }), operationTimeoutMs, signal);
  }

  close(): void {
    this.#transport.close();
  }

  async #post(text: string, operationTimeoutMs: number, signal: AbortSignal | undefined): Promise<XmlElement | undefined> {
    const answer = await this.#transport.post(text, { timeoutMs: operationTimeoutMs + networkMarginMs, signal });
    if (answer.status !== 200 && answer.status !== 400 && answer.status !== 500) throw new WsmanTransportError("http", `${this.address} answers HTTP ${answer.status}, which WS-Management does not use.`, { httpStatus: answer.status });
    if (answer.status !== 200 && answer.text === "") throw new WsmanTransportError("http", `${this.address} answers HTTP ${answer.status} without a fault.`, { httpStatus: answer.status });
    return readAnswer(answer.text);
  }
}
