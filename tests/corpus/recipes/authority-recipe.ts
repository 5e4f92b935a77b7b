import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { bits, der, integer, nothing, objectId, octets, sequence, set, utf8 } from "./der-recipe.ts";

/** A certificate with its key. Made anew in every run; nothing of it is trusted anywhere. */
export interface Authority {
  readonly name: string;
  readonly issuerName: string;
  readonly der: Buffer;
  readonly tbs: Buffer;
  readonly key: KeyObject;
  readonly serial: number;
  readonly sha256: string;
}

export interface AuthorityOptions {
  readonly name: string;
  /** Self-signed without one. */
  readonly issuer?: Authority;
  readonly isCa?: boolean;
  readonly notBefore?: string;
  readonly notAfter?: string;
  readonly pathLength?: number;
  /** An extension that nobody knows, marked critical. */
  readonly hasUnknownCritical?: boolean;
  readonly keyKind?: "rsa" | "ec";
}

const SHA256_WITH_RSA = "1.2.840.113549.1.1.11";
const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
let serial = 0;

export const nameDer = (name: string): Buffer => sequence(set(sequence(objectId("2.5.4.3"), utf8(name))));

export function makeAuthority(options: AuthorityOptions): Authority {
  const { publicKey, privateKey } = options.keyKind === "ec" ? generateKeyPairSync("ec", { namedCurve: "P-384" }) : generateKeyPairSync("rsa", { modulusLength: 2048 });
  serial += 1;
  const issuerName = options.issuer?.name ?? options.name;
  const signingKey = options.issuer?.key ?? privateKey;
  const algorithm = signingKey.asymmetricKeyType === "ec" ? sequence(objectId(ECDSA_WITH_SHA256)) : sequence(objectId(SHA256_WITH_RSA), nothing);
  const tbs = sequence(
    der(0xa0, integer(2)),
    integer(serial),
    algorithm,
    nameDer(issuerName),
    sequence(time(options.notBefore ?? "20240101000000Z"), time(options.notAfter ?? "20440101000000Z")),
    nameDer(options.name),
    publicKey.export({ format: "der", type: "spki" }),
    der(0xa3, sequence(...extensions(options))),
  );
  const certificate = sequence(tbs, algorithm, bits(sign("sha256", tbs, signingKey)));
  return { name: options.name, issuerName, der: certificate, tbs, key: privateKey, serial, sha256: createHash("sha256").update(certificate).digest("hex") };
}

const time = (text: string): Buffer => der(0x18, Buffer.from(text));

function extensions({ isCa, pathLength, hasUnknownCritical }: AuthorityOptions): readonly Buffer[] {
  const isTrue = der(0x01, Buffer.from([0xff]));
  const constraints = isCa === true ? sequence(isTrue, ...(pathLength === undefined ? [] : [integer(pathLength)])) : sequence();
  return [sequence(objectId("2.5.29.19"), isTrue, octets(constraints)), ...(hasUnknownCritical === true ? [sequence(objectId("1.2.3.4.5"), isTrue, octets(nothing))] : [])];
}
