import { styleText } from "node:util";

/** How words are dressed for one output. Colours never stand without their word. */
export interface Style {
  good(text: string): string;
  bad(text: string): string;
  open(text: string): string;
  strong(text: string): string;
  quiet(text: string): string;
}

const plain = (text: string): string => text;
export const plainStyle: Style = { good: plain, bad: plain, open: plain, strong: plain, quiet: plain };

const dress = (format: Parameters<typeof styleText>[0]) => (text: string): string => styleText(format, text, { validateStream: false });
const colourStyle: Style = { good: dress("green"), bad: dress("red"), open: dress("yellow"), strong: dress("bold"), quiet: dress("dim") };

/** Colours on a terminal that shows them; plain words in pipes, with NO_COLOR and with TERM=dumb. */
export function styleFor(stream: { readonly isTTY?: boolean }, environment: NodeJS.ProcessEnv): Style {
  const isPlain = stream.isTTY !== true || (environment["NO_COLOR"] ?? "") !== "" || environment["TERM"] === "dumb";
  return isPlain ? plainStyle : colourStyle;
}
