import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

/** OWASP's choice for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane. About 25 ms here, and as much for whoever guesses. */
const MEMORY_KIB = 19_456;
const PASSES = 2;
const LANES = 1;
const SALT_BYTES = 16;
const TAG_BYTES = 32;
/** Longer passwords only cost us time. Keystone's limit is 4096. */
export const PASSWORD_MAX = 4096;

const derive = promisify(argon2);

interface Parameters {
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly salt: Buffer;
  readonly tag: Buffer;
}

/** Hashes a password by argon2id (RFC 9106). Returns a PHC string, which names its own parameters. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const tag = await derive("argon2id", { message: password, nonce: salt, memory: MEMORY_KIB, passes: PASSES, parallelism: LANES, tagLength: TAG_BYTES });
  return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$${encode(salt)}$${encode(tag)}`;
}

/** Compares in constant time. With a null hash (no such user) it works as long and answers false: time must not tell who exists. */
export async function verifyPassword(password: string, hash: string | null): Promise<boolean> {
  const known = hash === null ? null : parse(hash);
  const { memory, passes, parallelism, salt, tag } = known ?? { memory: MEMORY_KIB, passes: PASSES, parallelism: LANES, salt: Buffer.alloc(SALT_BYTES), tag: Buffer.alloc(TAG_BYTES) };
  if (Buffer.byteLength(password) > PASSWORD_MAX) return false;
  const found = await derive("argon2id", { message: password, nonce: salt, memory, passes, parallelism, tagLength: tag.length });
  return timingSafeEqual(found, tag) && known !== null;
}

function parse(hash: string): Parameters {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/.exec(hash);
  if (match === null) throw new Error("a stored password hash is not an argon2id PHC string");
  const [, memory, passes, parallelism, salt, tag] = match;
  return { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism), salt: Buffer.from(salt!, "base64"), tag: Buffer.from(tag!, "base64") };
}

/** PHC strings carry base64 without padding. */
function encode(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("=", "");
}
