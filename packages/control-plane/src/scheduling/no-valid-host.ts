import type { Selection } from "./select-hosts.ts";

/** Nova cuts `fault.message` at 255 bytes; so do the clients' tables. */
export const faultMessageBytesMax = 255;

/** "No valid host was found: 2 hosts. hv1 is …. hv2 has …." as long as it gets. */
export function explainNoValidHost(rejected: Selection["rejected"]): string {
  return `${opening(rejected.length)}${rejected.map(sentenceOf).join("")}`;
}

/** The same within `faultMessageBytesMax`: whole sentences, and how many hosts are left out. */
export function explainNoValidHostBriefly(rejected: Selection["rejected"]): string {
  const whole = explainNoValidHost(rejected);
  if (Buffer.byteLength(whole) <= faultMessageBytesMax) return whole;
  let text = opening(rejected.length);
  for (const [index, entry] of rejected.entries()) {
    const sentence = sentenceOf(entry);
    const left = rejected.length - index - 1;
    const remainder = left === 0 ? "" : ` ${left} more.`;
    if (Buffer.byteLength(text + sentence + remainder) > faultMessageBytesMax) return index === 0 ? cutBytes(text + sentence, faultMessageBytesMax) : `${text} ${rejected.length - index} more.`;
    text += sentence;
  }
  return text;
}

const opening = (count: number): string => (count === 0 ? "No valid host was found: no host is registered." : `No valid host was found: ${count === 1 ? "1 host" : `${count} hosts`}.`);

const sentenceOf = ({ host, reasons }: Selection["rejected"][number]): string => ` ${host.name} ${reasons[0]?.text ?? "was not taken"}.`;

/** The text within a number of UTF-8 bytes, whole characters, ending in an ellipsis when something was cut. */
export function cutBytes(text: string, bytesMax: number): string {
  if (Buffer.byteLength(text) <= bytesMax) return text;
  let kept = "";
  let used = Buffer.byteLength("…");
  for (const character of text) {
    used += Buffer.byteLength(character);
    if (used > bytesMax) break;
    kept += character;
  }
  return `${kept}…`;
}
