import { CurlError } from "./curl-error.ts";

/** The address as curl reads it: without a scheme it is HTTP. @throws CurlError for other protocols and for what is no address */
export function parseAddress(text: string, glob: boolean): URL {
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  // Ranges and lists would make many addresses of one; in the host's place brackets hold an IPv6 address.
  if (glob && /[{}[\]]/.test(address.replace(/^(\w+:\/\/(?:[^/@]*@)?)\[[0-9A-Fa-f:.%]+\]/, "$1"))) throw new CurlError("malformedUrl", "[globbing] bad range in URL; addresses with lists and ranges are not expanded here");
  let url: URL;
  try {
    url = new URL(address);
  } catch (cause) {
    throw new CurlError("malformedUrl", "URL using bad/illegal format or missing URL", { cause });
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") throw new CurlError("unsupportedProtocol", `Protocol "${url.protocol.slice(0, -1)}" not supported or disabled in libcurl`);
  return url;
}
