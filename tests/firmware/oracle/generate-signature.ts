import { createHash, sign } from "node:crypto";
import { nameDer } from "../../corpus/recipes/authority-recipe.ts";
import { der, integer, nothing, objectId, octets, sequence, set } from "../../corpus/recipes/der-recipe.ts";
import type { Cast, Signer } from "./cast.ts";
import type { SeededRandom } from "./seeded-random.ts";

const DIGEST_IDS = { sha256: "2.16.840.1.101.3.4.2.1", sha384: "2.16.840.1.101.3.4.2.2", sha512: "2.16.840.1.101.3.4.2.3", sha1: "1.3.14.3.2.26", sha224: "2.16.840.1.101.3.4.2.4", md5: "1.2.840.113549.2.5" } as const;
export type SignatureDigest = keyof typeof DIGEST_IDS;
const INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4";
const PLAIN_DATA = "1.2.840.113549.1.7.1";
const SIGNED_DATA = "1.2.840.113549.1.7.2";

/** How a blob departs from a well-made one. Each is off in most. */
interface Flaws {
  readonly lacksSigner: boolean;
  readonly lacksChain: boolean;
  readonly hasStrangers: boolean;
  readonly isReversed: boolean;
  readonly isBroken: boolean;
  readonly hasWrongMessageDigest: boolean;
  readonly hasNoAttributes: boolean;
  readonly isPlainData: boolean;
  readonly isBare: boolean;
  readonly hasTail: boolean;
  readonly lacksNull: boolean;
  readonly announcesTwo: boolean;
}

export interface GeneratedSignature {
  readonly blob: Buffer;
  readonly told: string;
}

/** A PKCS#7 blob over an image's digest: well made, or with a few flaws. `digestOf` gives the image's digest by firmware's rule. */
export function generateSignature(random: SeededRandom, cast: Cast, digestOf: (algorithm: string) => Buffer): GeneratedSignature {
  const signer = random.pick(cast.signers);
  const digest: SignatureDigest = random.chance(0.7) ? "sha256" : random.pick(Object.keys(DIGEST_IDS) as SignatureDigest[]);
  const flaw = (): boolean => random.chance(0.04);
  const flaws: Flaws = { lacksSigner: flaw(), lacksChain: flaw(), hasStrangers: flaw(), isReversed: flaw(), isBroken: flaw(), hasWrongMessageDigest: flaw(), hasNoAttributes: flaw(), isPlainData: flaw(), isBare: flaw(), hasTail: flaw(), lacksNull: flaw(), announcesTwo: flaw() };
  const isForged = random.chance(0.08);
  const imageDigest = isForged ? createHash(digest).update("another image").digest() : digestOf(digest);
  const named = Object.entries(flaws).filter(([, isSet]) => isSet).map(([name]) => name);
  return { blob: build(signer, cast, digest, imageDigest, flaws), told: [signer.authority.name, digest, ...(isForged ? ["isForged"] : []), ...named].join(" ") };
}

function build(signer: Signer, cast: Cast, digest: SignatureDigest, imageDigest: Buffer, flaws: Flaws): Buffer {
  const algorithm = flaws.lacksNull ? sequence(objectId(DIGEST_IDS[digest])) : sequence(objectId(DIGEST_IDS[digest]), nothing);
  const content = Buffer.concat([sequence(objectId("1.3.6.1.4.1.311.2.1.15"), sequence()), sequence(algorithm, octets(imageDigest))]);
  const contentType = flaws.isPlainData ? PLAIN_DATA : INDIRECT_DATA;
  const carried = [...signer.chain.slice(flaws.lacksSigner ? 1 : 0, flaws.lacksChain ? 1 : undefined), ...(flaws.hasStrangers ? cast.authorities.slice(0, 3) : [])];
  const algorithms = flaws.announcesTwo ? [sequence(objectId(DIGEST_IDS.sha384), nothing), algorithm] : [algorithm];
  const signedData = sequence(
    integer(1),
    set(...algorithms),
    sequence(objectId(contentType), der(0xa0, sequence(content))),
    der(0xa0, ...(flaws.isReversed ? carried.toReversed() : carried).map((certificate) => certificate.der)),
    set(signerInfo(signer, digest, algorithm, content, contentType, flaws)),
  );
  const blob = flaws.isBare ? signedData : sequence(objectId(SIGNED_DATA), der(0xa0, signedData));
  return flaws.hasTail ? Buffer.concat([blob, Buffer.alloc(5, 0x5a)]) : blob;
}

function signerInfo({ authority }: Signer, digest: SignatureDigest, algorithm: Buffer, content: Buffer, contentType: string, flaws: Flaws): Buffer {
  const messageDigest = createHash(digest).update(content).digest();
  if (flaws.hasWrongMessageDigest) messageDigest.writeUInt8(messageDigest.readUInt8(0) ^ 1, 0);
  const attributes = [sequence(objectId("1.2.840.113549.1.9.3"), set(objectId(contentType))), sequence(objectId("1.2.840.113549.1.9.4"), set(octets(messageDigest)))];
  const isCurve = authority.key.asymmetricKeyType === "ec";
  const value = sign(digest, flaws.hasNoAttributes ? content : set(...attributes), authority.key);
  if (flaws.isBroken) value.writeUInt8(value.readUInt8(value.length - 3) ^ 1, value.length - 3);
  return sequence(
    integer(1),
    sequence(nameDer(authority.issuerName), integer(authority.serial)),
    algorithm,
    ...(flaws.hasNoAttributes ? [] : [der(0xa0, ...attributes)]),
    isCurve ? sequence(objectId("1.2.840.10045.2.1")) : sequence(objectId("1.2.840.113549.1.1.1"), nothing),
    octets(value),
  );
}
