import type { SignetHost, SignetImage, SignetServer } from "@signet/control-plane/api-shapes";

/** One thing that does not get better without a person. */
export interface AttentionItem {
  readonly key: string;
  readonly href: string;
  readonly name: string;
  readonly sentence: string;
  readonly remedy: string | null;
}

/** What needs a person, the worst first: broken promises, failures, images that mislead, hosts that are away. */
export function findAttention(servers: readonly SignetServer[], images: readonly SignetImage[], hosts: readonly SignetHost[]): readonly AttentionItem[] {
  return [...servers.filter(({ standing }) => standing === "drift").map(ofDrift), ...servers.filter(({ standing }) => standing !== "drift").flatMap(ofServer), ...images.flatMap(ofImage), ...hosts.flatMap(ofHost)];
}

function ofDrift(server: SignetServer): AttentionItem {
  return { key: `server-${server.id}`, href: `/servers/${server.id}`, name: server.name, sentence: (server.drift ?? []).join(" "), remedy: null };
}

function ofServer(server: SignetServer): readonly AttentionItem[] {
  const at = { key: `server-${server.id}`, href: `/servers/${server.id}`, name: server.name };
  if (server.fault !== null) return [{ ...at, sentence: server.fault.message, remedy: server.fault.remedy }];
  if (server.firmware?.outcome === "refused") return [{ ...at, sentence: `Firmware refused its boot loader${server.firmware.line === null ? "" : `: ${server.firmware.line}`}.`.replace(/\.\.$/, "."), remedy: null }];
  if (server.firmware?.outcome === "nothing-to-boot") return [{ ...at, sentence: "Firmware found nothing to boot.", remedy: null }];
  if (server.status === "ERROR") return [{ ...at, sentence: "The server is in status ERROR; its timeline says what happened.", remedy: null }];
  return [];
}

function ofImage(image: SignetImage): readonly AttentionItem[] {
  const at = { key: `image-${image.id}`, href: `/images/${image.id}`, name: image.name ?? image.id };
  if (image.signature?.contradiction != null) return [{ ...at, sentence: image.signature.contradiction, remedy: null }];
  if (image.secureBoot === "required" && image.verdicts.length > 0 && image.verdicts.every(({ outcome }) => outcome === "refused" || outcome === "unbootable")) {
    return [{ ...at, sentence: "It requires Secure Boot, and no template lets it boot.", remedy: null }];
  }
  return [];
}

function ofHost(host: SignetHost): readonly AttentionItem[] {
  if (host.state === "up") return [];
  return [{ key: `host-${host.id}`, href: `/hosts?search=${encodeURIComponent(host.name)}`, name: host.name, sentence: `The host does not answer${host.reason === null ? "" : `: ${host.reason}`}`.replace(/[^.]$/, "$&."), remedy: null }];
}
