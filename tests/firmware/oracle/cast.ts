import { type Authority, makeAuthority } from "../../corpus/recipes/authority-recipe.ts";

/** A signer with what its blobs carry when they are made well. */
export interface Signer {
  readonly authority: Authority;
  readonly chain: readonly Authority[];
}

/** Who signs, and who may be trusted or revoked. The keys are new in every process; who stands under whom is always the same. */
export interface Cast {
  readonly signers: readonly Signer[];
  readonly authorities: readonly Authority[];
}

export function makeCast(): Cast {
  const [rootA, rootB] = ["Oracle Root A", "Oracle Root B"].map((name) => makeAuthority({ name, isCa: true })) as [Authority, Authority];
  const middle = makeAuthority({ name: "Oracle Intermediate", issuer: rootA, isCa: true });
  const notCa = makeAuthority({ name: "Oracle No Authority", issuer: rootA });
  const short = makeAuthority({ name: "Oracle Short", issuer: rootB, isCa: true, pathLength: 0 });
  const belowShort = makeAuthority({ name: "Oracle Below Short", issuer: short, isCa: true });
  const curveRoot = makeAuthority({ name: "Oracle Curve Root", isCa: true, keyKind: "ec" });
  const leaf = (name: string, issuer: Authority, options: object = {}): Authority => makeAuthority({ name, issuer, ...options });
  const signers: Signer[] = [
    { authority: rootA, chain: [rootA] },
    ...[leaf("Oracle Direct", rootA), leaf("Oracle Expired", rootA, { notBefore: "20100101000000Z", notAfter: "20120101000000Z" }), leaf("Oracle Critical", rootA, { hasUnknownCritical: true }), leaf("Oracle Curve", rootA, { keyKind: "ec" }), leaf("Oracle Other", rootB)].map((authority) => ({ authority, chain: [authority] })),
    ...[[leaf("Oracle Chained", middle), middle], [leaf("Oracle Under No Authority", notCa), notCa], [leaf("Oracle Too Far", belowShort), belowShort, short], [leaf("Oracle Under Short", short), short], [leaf("Oracle Under Curve", curveRoot), curveRoot]].map((chain) => ({ authority: chain[0] as Authority, chain })),
  ];
  return { signers, authorities: [rootA, rootB, middle, notCa, short, belowShort, curveRoot, ...signers.slice(1).map(({ authority }) => authority)] };
}
