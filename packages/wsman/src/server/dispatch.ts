import type { CimReference } from "../cim.ts";
import { CimXmlError } from "../cim-xml.ts";
import { writeAnswer, writeFault, readRequest, type WsmanRequest } from "../envelope.ts";
import { actionNotSupported, cannotProcessFilter, encodingLimit, internalError, invalidMessage, LostConnection, resourceNotFound, schemaValidationError, WsmanFault } from "../faults.ts";
import { ACTION, NS, SHELL_RESOURCE } from "../namespaces.ts";
import { ObjectPathError } from "../object-path.ts";
import type { MethodOutput, ShellPrograms, WsmanProvider } from "../provider.ts";
import { classUri, parseResource, type WmiResource } from "../resource.ts";
import { readParameters, writeInstance, writeValue } from "../ws-cim.ts";
import { WqlSyntaxError } from "../wql/index.ts";
import { element, textElement } from "../xml/write.ts";
import { Enumerations } from "./enumeration.ts";
import { Shells } from "./shells.ts";

export interface DispatchOptions {
  readonly provider: WsmanProvider;
  readonly programs: ShellPrograms;
  readonly computerName: string;
  readonly enumerationTimeoutMs: number;
  readonly envelopeBytesMax: number;
  /** Told of failures that are bugs of ours, not answers. */
  readonly onBug: (error: unknown) => void;
}

export interface SoapAnswer {
  readonly status: 200 | 500;
  readonly text: string;
}

/** From a SOAP text and a user to a SOAP text. Knows nothing of HTTP. */
export class Dispatcher {
  readonly #options: DispatchOptions;
  readonly #enumerations: Enumerations;
  readonly #shells: Shells;

  constructor(options: DispatchOptions) {
    this.#options = options;
    this.#enumerations = new Enumerations(options.provider, options.enumerationTimeoutMs);
    this.#shells = new Shells(options.programs);
  }

  /** `user` null stands for an unauthenticated caller, who may only ask for Identify. */
  async answer(text: string, user: string | null, signal: AbortSignal): Promise<SoapAnswer> {
    let messageId = "";
    try {
      const request = readRequest(text, this.#options.envelopeBytesMax);
      messageId = request.messageId;
      const body = request.body;
      if (body?.local === "Identify" && body.namespace === NS.wsmid) return { status: 200, text: this.#identify(user !== null) };
      if (user === null) throw invalidMessage("Only Identify is answered without authentication.");
      const answer = await this.#route(request, user, signal);
      const written = writeAnswer(answer.action, messageId, answer.body);
      if (Buffer.byteLength(written) > request.envelopeBytesMax) throw encodingLimit(request.envelopeBytesMax);
      return { status: 200, text: written };
    } catch (error) {
      if (error instanceof LostConnection) throw error;
      return { status: 500, text: writeFault(this.#toFault(error), messageId, this.#options.computerName) };
    }
  }

  close(): void {
    this.#shells.close();
  }

  async #route(request: WsmanRequest, user: string, signal: AbortSignal): Promise<{ action: string; body: string }> {
    if (request.action === "") throw invalidMessage("The header a:Action is missing.");
    // Pull and Release are known by their context; the resource URI may be another one.
    if (request.action === ACTION.pull) return { action: `${ACTION.pull}Response`, body: this.#enumerations.pull(request) };
    if (request.action === ACTION.release) return { action: `${ACTION.release}Response`, body: this.#enumerations.release(request) };
    if (request.resourceUri.toLowerCase() === SHELL_RESOURCE) return this.#shells.answer(request, user, signal);
    const resource = parseResource(request.resourceUri, request.allSelectors);
    if (!resource) throw resourceNotFound(request.resourceUri);
    if (request.action === ACTION.enumerate) return { action: `${ACTION.enumerate}Response`, body: await this.#enumerations.enumerate(request, resource) };
    const target: CimReference = { kind: "reference", ...resource, keys: request.selectors };
    if (request.action === ACTION.get) {
      return { action: `${ACTION.get}Response`, body: writeInstance(resource.namespace, await this.#options.provider.get(target)) };
    }
    return this.#invoke(request, resource, target);
  }

  async #invoke(request: WsmanRequest, resource: WmiResource, target: CimReference): Promise<{ action: string; body: string }> {
    const slash = request.action.lastIndexOf("/");
    const method = request.action.slice(slash + 1);
    if (slash < 0 || request.action.slice(0, slash).toLowerCase() !== request.resourceUri.toLowerCase() || !/^\w+$/.test(method)) throw actionNotSupported(request.action);
    const input = request.body;
    if (!input || input.local !== `${method}_INPUT`) throw schemaValidationError(`The body of ${method} begins with <${input?.local ?? "nothing"}>; ${method}_INPUT is expected.`);
    const output = await this.#options.provider.invoke(target, method, readParameters(input));
    return { action: `${request.action}Response`, body: writeOutput(resource, method, output) };
  }

  #identify(authenticated: boolean): string {
    const facts = authenticated ? this.#options.provider.identify() : { version: "0.0.0", stack: "3.0" };
    const body = element("wsmid:IdentifyResponse", { "xmlns:wsmid": NS.wsmid },
      textElement("wsmid:ProtocolVersion", NS.w) + textElement("wsmid:ProductVendor", "Microsoft Corporation")
      + textElement("wsmid:ProductVersion", `OS: ${facts.version} SP: 0.0 Stack: ${facts.stack}`));
    return element("s:Envelope", { "xml:lang": "en-US", "xmlns:s": NS.s }, `<s:Header/>${element("s:Body", {}, body)}`);
  }

  #toFault(error: unknown): WsmanFault {
    if (error instanceof WsmanFault) return error;
    if (error instanceof WqlSyntaxError) return cannotProcessFilter(error.message);
    if (error instanceof CimXmlError || error instanceof ObjectPathError) return schemaValidationError(error.message);
    this.#options.onBug(error);
    return internalError("The service failed in a way that is a defect of its own. Its log says where.", error);
  }
}

function writeOutput(resource: WmiResource, method: string, output: MethodOutput): string {
  const namespaces = { "xmlns:p": classUri(resource.namespace, resource.className), "xmlns:xsi": NS.xsi, "xmlns:cim": NS.cim };
  let content = "";
  for (const [name, value] of Object.entries(output)) if (name !== "ReturnValue") content += writeValue(`p:${name}`, resource.namespace, value);
  return element(`p:${method}_OUTPUT`, namespaces, content + textElement("p:ReturnValue", String(output.ReturnValue)));
}
