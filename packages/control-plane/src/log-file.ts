import { type Logger, pino } from "pino";

/** Keys that never reach the log, wherever they stand. */
const SECRET_KEYS = ["password", "token", "secret", "x-auth-token", "x-subject-token", "X-Auth-Token", "X-Subject-Token", "authorization", "sourceUrl"];
const REDACTED_PATHS = SECRET_KEYS.flatMap((key) => [`["${key}"]`, `*["${key}"]`, `*.*["${key}"]`]);

/** One JSON line an event. `error`: a person must act; `warn`: will need one; `info`: what changed; `debug`: the rest. */
export function openLog(path: string, level: string): { readonly logger: Logger; close(): void } {
  // Written at once: what was logged before a crash is what one looks for after it.
  const destination = pino.destination({ dest: path, sync: true, mkdir: true, mode: 0o600 });
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, redact: { paths: REDACTED_PATHS, censor: "(not logged)" }, formatters: { level: (label) => ({ level: label }) } }, destination);
  return { logger, close: () => destination.end() };
}
