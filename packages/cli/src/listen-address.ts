import { ExitError, exitCodes } from "./exit.ts";

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Reads `HOST:PORT`; port 0 asks for any free one. */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(\[[^\]]+\]|[^:]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) throw new ExitError(exitCodes.usage, `--listen is "${text}". Give HOST:PORT, for example 127.0.0.1:8780.`);
  return { host: match[1]!.replace(/^\[|\]$/g, ""), port };
}

/** Reads a count of 1 or more. */
export function parseCount(option: string, text: string, max: number): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > max) throw new ExitError(exitCodes.usage, `${option} is "${text}". Give a whole number from 1 to ${max}.`);
  return count;
}

/** Turns the operating system's complaint about a port into a sentence with a remedy; everything else passes through. */
export function explainListenError(error: unknown, address: ListenAddress): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "EADDRINUSE") return new ExitError(exitCodes.portInUse, `port ${address.port} on ${address.host} is in use. Stop what listens there, or choose another with --listen ${address.host}:0.`, { cause: error });
  if (code === "EACCES") return new ExitError(exitCodes.portInUse, `port ${address.port} needs more rights than you have. Choose one above 1023 with --listen.`, { cause: error });
  return error;
}
