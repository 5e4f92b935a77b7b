import { p256, p384, p521 } from "@noble/curves/nist.js";
import { md5, sha1 } from "@noble/hashes/legacy.js";
import { sha224, sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { childAt, derChildren, derTags, expectDer, objectIdText } from "../authenticode/der.ts";
import { type Digest, type HashName, type PublicKey, unusableKey } from "./crypto.ts";

export type { Digest, PublicKey } from "./crypto.ts";

const hashes = { md5, sha1, sha224, sha256, sha384, sha512 } as const;
const RSA = "1.2.840.113549.1.1.1";
const EC = "1.2.840.10045.2.1";
const curves: Readonly<Record<string, typeof p256>> = { "1.2.840.10045.3.1.7": p256, "1.3.132.0.34": p384, "1.3.132.0.35": p521 };
/** DER of DigestInfo up to the digest itself (RFC 8017, 9.2, note 1), in hex. */
const digestInfos: Readonly<Record<HashName, string>> = {
  md5: "3020300c06082a864886f70d020505000410", sha1: "3021300906052b0e03021a05000414", sha224: "302d300d06096086480165030402040500041c",
  sha256: "3031300d060960864801650304020105000420", sha384: "3041300d060960864801650304020205000430", sha512: "3051300d060960864801650304020305000440",
};
/** OpenSSL's own limit; an exponentiation with more takes seconds. */
const MODULUS_BYTES_MAX = 2048;
const EXPONENT_BITS_MAX = 64;

const isHash = (name: string): name is HashName => Object.hasOwn(hashes, name);

/** @throws Error for a name that is not a known digest */
export function startDigest(name: string): Digest {
  if (!isHash(name)) throw new RangeError(`The digest "${name}" is not known.`);
  const hash = hashes[name].create();
  const digest: Digest = {
    update: (bytes) => {
      hash.update(bytes);
      return digest;
    },
    digest: () => hash.digest(),
  };
  return digest;
}

/** Reads a SubjectPublicKeyInfo (RFC 5280, 4.1). Never throws. */
export function readPublicKey(info: Uint8Array): PublicKey {
  try {
    const [algorithm, key] = derChildren(expectDer(info, derTags.sequence).content);
    const [kind, parameters] = derChildren(algorithm?.content ?? new Uint8Array(0));
    const bits = expectDer(key?.whole ?? new Uint8Array(0), derTags.bitString).content.subarray(1);
    const name = objectIdText(kind ?? childAt([], 0));
    if (name === RSA) return rsaKey(bits);
    const curve = name === EC && parameters !== undefined ? curves[objectIdText(parameters)] : undefined;
    return curve === undefined ? { ...unusableKey, kind: name === EC ? "ec" : "other" } : ecKey(curve, bits);
  } catch {
    return unusableKey;
  }
}

function rsaKey(bits: Uint8Array): PublicKey {
  const [modulus, exponent] = derChildren(expectDer(bits, derTags.sequence).content).map(({ content }) => withoutZeros(content));
  if (modulus === undefined || exponent === undefined || modulus.length > MODULUS_BYTES_MAX || exponent.length * 8 > EXPONENT_BITS_MAX) return { ...unusableKey, kind: "rsa" };
  const [n, e] = [toInteger(modulus), toInteger(exponent)];
  return {
    kind: "rsa",
    verify: (digest, data, signature) => {
      if (!isHash(digest) || signature.length !== modulus.length) return false;
      const value = toInteger(signature);
      if (value >= n) return false;
      const message = power(value, e, n).toString(16).padStart(modulus.length * 2, "0");
      return message === paddedDigest(digest, hashes[digest](data), modulus.length);
    },
  };
}

/** EMSA-PKCS1-v1_5 (RFC 8017, 9.2) in hex; compared as a whole, nothing of it is parsed. */
function paddedDigest(name: HashName, digest: Uint8Array, lengthBytes: number): string {
  const info = digestInfos[name] + toHex(digest);
  return `0001${"ff".repeat(Math.max(0, lengthBytes - 3 - info.length / 2))}00${info}`;
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

function ecKey(curve: typeof p256, point: Uint8Array): PublicKey {
  return {
    kind: "ec",
    verify: (digest, data, signature) => {
      if (!isHash(digest)) return false;
      try {
        return curve.verify(signature, hashes[digest](data), point, { prehash: false, format: "der", lowS: false });
      } catch {
        return false;
      }
    },
  };
}

function withoutZeros(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first < 0 ? new Uint8Array(0) : bytes.subarray(first);
}

const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const toInteger = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes) || "0"}`);
