import type { CimReference } from "./cim.ts";
import { ANONYMOUS, DMTF_RESOURCE, NS, WMI_RESOURCE } from "./namespaces.ts";
import { attribute, child, children, childText, type XmlElement } from "./xml/read.ts";
import { element, textElement } from "./xml/write.ts";
import { schemaValidationError } from "./faults.ts";
import { formatObjectPath } from "./object-path.ts";

/** A WMI resource URI in parts; `className` is "*" for queries over a whole namespace (MS-WSMV 2.2.4.35). */
export interface WmiResource {
  readonly namespace: string;
  readonly className: string;
}

/** Where class schemas of DMTF form live when no `__cimnamespace` selector says otherwise. */
const defaultNamespace = "root/cimv2";

export function classUri(namespace: string, className: string): string {
  return `${WMI_RESOURCE}${namespace}/${className}`;
}

/** Null for a resource that is not WMI's. Matching is without case, as WinRM's is. */
export function parseResource(uri: string, selectors: Readonly<Record<string, string>> = {}): WmiResource | null {
  const lower = uri.toLowerCase();
  if (lower.startsWith(DMTF_RESOURCE.toLowerCase())) {
    return { namespace: selectorNamespace(selectors) ?? defaultNamespace, className: uri.slice(DMTF_RESOURCE.length) };
  }
  if (!lower.startsWith(WMI_RESOURCE)) return null;
  const path = (uri.slice(WMI_RESOURCE.length).split("?")[0] ?? "").replace(/\/+$/, "");
  const slash = path.lastIndexOf("/");
  if (slash <= 0 || slash === path.length - 1) return null;
  return { namespace: path.slice(0, slash), className: path.slice(slash + 1) };
}

function selectorNamespace(selectors: Readonly<Record<string, string>>): string | undefined {
  return Object.entries(selectors).find(([name]) => name.toLowerCase() === "__cimnamespace")?.[1];
}

/** Selectors of a header or EPR. Clients quote values (libvirt does) or name the namespace again; both are taken off. */
export function readSelectors(set: XmlElement | undefined): { readonly keys: Record<string, string>; readonly all: Record<string, string> } {
  const all: [string, string][] = [];
  for (const selector of children(set, NS.w, "Selector")) {
    const name = attribute(selector, "Name") ?? "";
    const nested = child(selector, NS.a, "EndpointReference");
    const value = nested ? formatObjectPath(readReference(nested)) : selector.text.trim().replace(/^"(.*)"$/s, "$1");
    all.push([name, value]);
  }
  return { keys: Object.fromEntries(all.filter(([name]) => name.toLowerCase() !== "__cimnamespace")), all: Object.fromEntries(all) };
}

/** An element that holds `a:ReferenceParameters` directly, as parameters and results carry references. */
export function isReference(holder: XmlElement): boolean {
  return child(holder, NS.a, "ReferenceParameters") !== undefined;
}

/** @throws WsmanFault when the resource URI is missing or not WMI's */
export function readReference(holder: XmlElement): CimReference {
  const parameters = child(holder, NS.a, "ReferenceParameters");
  const uri = childText(parameters, NS.w, "ResourceURI") ?? "";
  const selectors = readSelectors(child(parameters, NS.w, "SelectorSet"));
  const resource = parseResource(uri, selectors.all);
  if (!resource) throw schemaValidationError(`The reference in <${holder.local}> has the resource URI "${uri.slice(0, 200)}", which names no WMI class.`);
  return { kind: "reference", namespace: resource.namespace, className: resource.className, keys: selectors.keys };
}

export function writeSelectorSet(keys: Readonly<Record<string, string>>): string {
  const selectors = Object.entries(keys).map(([name, value]) => textElement("w:Selector", value, { Name: name })).join("");
  return selectors === "" ? "" : element("w:SelectorSet", {}, selectors);
}

/** The inside of an EPR, without `a:EndpointReference` around it: the form that parameters and results have. */
export function writeReferenceContent(reference: CimReference, options: { readonly withNamespaceSelector: boolean } = { withNamespaceSelector: false }): string {
  const keys = options.withNamespaceSelector ? { __cimnamespace: reference.namespace, ...reference.keys } : reference.keys;
  return textElement("a:Address", ANONYMOUS)
    + element("a:ReferenceParameters", {}, textElement("w:ResourceURI", classUri(reference.namespace, reference.className)) + writeSelectorSet(keys));
}
