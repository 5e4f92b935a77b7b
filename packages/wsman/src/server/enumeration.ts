import { randomUUID } from "node:crypto";
import { cannotProcessFilter, dialectUnavailable, encodingLimit, invalidEnumerationContext, invalidParameter, quotaLimit } from "../faults.ts";
import { NS, WQL_DIALECT } from "../namespaces.ts";
import type { SelectedInstance, WsmanProvider } from "../provider.ts";
import { writeReferenceContent, type WmiResource } from "../resource.ts";
import { writeFragment, writeInstance } from "../ws-cim.ts";
import { parseWql, WqlSyntaxError } from "../wql/index.ts";
import { attribute, child, childText, type XmlElement } from "../xml/read.ts";
import { element, textElement } from "../xml/write.ts";
import type { WsmanRequest } from "../envelope.ts";

// WinRM's MaxBatchItems: no batch is larger, whatever the client asks.
export const batchItemsMax = 32_000;
// WinRM's MaxConcurrentOperationsPerUser: abandoned enumerations must not fill the memory before they expire.
export const contextsMax = 1500;

type Mode = "objects" | "references" | "both";

interface Enumeration {
  readonly namespace: string;
  readonly items: readonly SelectedInstance[];
  readonly mode: Mode;
  readonly projected: boolean;
  next: number;
  expiresAtMs: number;
}

/** Enumerate, Pull and Release (WS-Enumeration; DSP0226 8): the contexts of one server. */
export class Enumerations {
  readonly #provider: WsmanProvider;
  readonly #timeoutMs: number;
  readonly #contexts = new Map<string, Enumeration>();

  constructor(provider: WsmanProvider, timeoutMs: number) {
    this.#provider = provider;
    this.#timeoutMs = timeoutMs;
  }

  async enumerate(request: WsmanRequest, resource: WmiResource): Promise<string> {
    const body = request.body;
    if (body === undefined) throw invalidParameter("Enumerate needs a body.");
    this.#expire();
    const enumeration = await this.#start(body, resource);
    if (!child(body, NS.w, "OptimizeEnumeration")) return element("n:EnumerateResponse", {}, this.#writeContext(this.#keep(enumeration)));
    const batch = takeBatch(enumeration, readMaxElements(child(body, NS.w, "MaxElements")), request.envelopeBytesMax);
    const items = element("w:Items", {}, batch);
    const ended = enumeration.next >= enumeration.items.length;
    // An ended enumeration still carries the (empty) context element that the schema asks for.
    return element("n:EnumerateResponse", {}, ended ? `<n:EnumerationContext/>${items}<w:EndOfSequence/>` : this.#writeContext(this.#keep(enumeration)) + items);
  }

  pull(request: WsmanRequest): string {
    this.#expire();
    const { id, enumeration } = this.#find(request.body);
    const batch = takeBatch(enumeration, readMaxElements(child(request.body, NS.n, "MaxElements")), request.envelopeBytesMax);
    const items = element("n:Items", {}, batch);
    if (enumeration.next >= enumeration.items.length) {
      this.#contexts.delete(id);
      return element("n:PullResponse", {}, `${items}<n:EndOfSequence/>`);
    }
    enumeration.expiresAtMs = Date.now() + this.#timeoutMs;
    return element("n:PullResponse", {}, this.#writeContext(id) + items);
  }

  release(request: WsmanRequest): string {
    this.#expire();
    this.#contexts.delete(this.#find(request.body).id);
    return "";
  }

  async #start(body: XmlElement, resource: WmiResource): Promise<Enumeration> {
    const filter = child(body, NS.w, "Filter") ?? child(body, NS.n, "Filter");
    const common = { namespace: resource.namespace, mode: readMode(body), next: 0, expiresAtMs: Date.now() + this.#timeoutMs };
    if (!filter) {
      if (resource.className === "*") throw cannotProcessFilter("A resource URI that ends in * needs a WQL filter.");
      return { ...common, projected: false, items: await this.#provider.enumerate(resource.namespace, resource.className) };
    }
    const dialect = attribute(filter, "Dialect") ?? "";
    if (dialect.toLowerCase() !== WQL_DIALECT.toLowerCase()) throw dialectUnavailable(dialect);
    if (resource.className !== "*") throw cannotProcessFilter(`A WQL filter needs a resource URI that ends in *, not in ${resource.className}.`);
    const query = readQuery(filter.text);
    const projected = query.kind === "select" && query.properties !== "*";
    return { ...common, projected, items: await this.#provider.query(resource.namespace, filter.text.trim()) };
  }

  #keep(enumeration: Enumeration): string {
    if (this.#contexts.size >= contextsMax) throw quotaLimit(`More than ${contextsMax} enumerations are open. Release those that are not pulled to their end.`);
    const id = `uuid:${randomUUID().toUpperCase()}`;
    this.#contexts.set(id, enumeration);
    return id;
  }

  #writeContext(id: string): string {
    return textElement("n:EnumerationContext", id);
  }

  #find(body: XmlElement | undefined): { id: string; enumeration: Enumeration } {
    const id = childText(body, NS.n, "EnumerationContext") ?? "";
    const enumeration = this.#contexts.get(id);
    if (!enumeration) throw invalidEnumerationContext();
    return { id, enumeration };
  }

  #expire(): void {
    const now = Date.now();
    for (const [id, enumeration] of this.#contexts) if (enumeration.expiresAtMs <= now) this.#contexts.delete(id);
  }
}

function readQuery(text: string) {
  try {
    return parseWql(text);
  } catch (cause) {
    if (cause instanceof WqlSyntaxError) throw cannotProcessFilter(cause.message);
    throw cause;
  }
}

function readMode(body: XmlElement): Mode {
  const text = childText(body, NS.w, "EnumerationMode");
  if (text === undefined || text === "EnumerateObject") return "objects";
  if (text === "EnumerateEPR") return "references";
  if (text === "EnumerateObjectAndEPR") return "both";
  throw invalidParameter(`EnumerationMode ${text} is not known; use EnumerateEPR or EnumerateObjectAndEPR.`);
}

/** Absent means one (DSP0226 8.4): libvirt never asks for more and reads no more. */
function readMaxElements(one: XmlElement | undefined): number {
  if (!one) return 1;
  const count = Number(one.text.trim());
  if (!Number.isInteger(count) || count < 1) throw invalidParameter(`MaxElements is "${one.text.trim().slice(0, 20)}"; write a whole number from 1.`);
  return Math.min(count, batchItemsMax);
}

// Headers, Items and the context around the items of one answer.
const envelopeOverheadBytes = 2048;

/** As many items as asked and as fit; at least one, or the answer cannot be given at all. */
function takeBatch(enumeration: Enumeration, count: number, envelopeBytesMax: number): string {
  let batch = "";
  let sizeBytes = envelopeOverheadBytes;
  for (let taken = 0; taken < count && enumeration.next < enumeration.items.length; taken++) {
    const item = writeItem(enumeration, enumeration.items[enumeration.next] as SelectedInstance);
    const itemBytes = Buffer.byteLength(item);
    if (sizeBytes + itemBytes > envelopeBytesMax) {
      if (taken === 0) throw encodingLimit(envelopeBytesMax);
      break;
    }
    batch += item;
    sizeBytes += itemBytes;
    enumeration.next += 1;
  }
  return batch;
}

function writeItem(enumeration: Enumeration, item: SelectedInstance): string {
  const object = () => (enumeration.projected ? writeFragment : writeInstance)(item.reference.namespace || enumeration.namespace, item.instance);
  const reference = () => element("a:EndpointReference", {}, writeReferenceContent(item.reference, { withNamespaceSelector: true }));
  switch (enumeration.mode) {
    case "objects": return object();
    case "references": return reference();
    case "both": return element("w:Item", {}, object() + reference());
  }
}
