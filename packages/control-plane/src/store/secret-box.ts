import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { open, readFile } from "node:fs/promises";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = "v1";

/**
 * Seals secrets that must be read again (passwords of hosts) before they go into the store: AES-256-GCM under a key that lies in a file
 * of its own, so that a copy of the database alone reveals nothing. The context (say `host:<id>`) is bound in: a sealed value moved to
 * another row does not open.
 */
export class SecretBox {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    if (key.length !== KEY_BYTES) throw new Error(`The key for sealed secrets must be ${KEY_BYTES} bytes, not ${key.length}.`);
    this.#key = key;
  }

  /** Reads the key file, or makes it, readable by its owner only. */
  static async fromKeyFile(path: string): Promise<SecretBox> {
    const known = await readFile(path).catch(() => null);
    if (known !== null) {
      if (known.length !== KEY_BYTES) throw new Error(`The key file ${path} is damaged: it has ${known.length} bytes instead of ${KEY_BYTES}. Restore it from a backup; without it, stored passwords of hosts cannot be read.`);
      return new SecretBox(known);
    }
    const key = randomBytes(KEY_BYTES);
    const file = await open(path, "wx", 0o600);
    try {
      await file.writeFile(key);
      await file.sync();
    } finally {
      await file.close();
    }
    return new SecretBox(key);
  }

  seal(secret: string, context: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce).setAAD(Buffer.from(context));
    const text = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
    return `${VERSION}.${Buffer.concat([nonce, cipher.getAuthTag(), text]).toString("base64url")}`;
  }

  /** Throws when the value was sealed under another key, for another context, or was changed. */
  unseal(sealed: string, context: string): string {
    const bytes = Buffer.from(sealed.slice(VERSION.length + 1), "base64url");
    if (!sealed.startsWith(`${VERSION}.`) || bytes.length < NONCE_BYTES + TAG_BYTES) throw new Error(`The sealed secret of ${context} is not one.`);
    const decipher = createDecipheriv("aes-256-gcm", this.#key, bytes.subarray(0, NONCE_BYTES)).setAAD(Buffer.from(context));
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    try {
      return decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
    } catch (error) {
      throw new Error(`The sealed secret of ${context} does not open: the key file is not the one that it was sealed with, or the value was changed.`, { cause: error });
    }
  }
}
