import { encodeSignatureList, joinSignatureLists } from "@signet/secure-boot/signature-lists";
import type { Trust } from "@signet/secure-boot/trust";
import type { Authority } from "./authority-recipe.ts";
import { buildGptDisk } from "./disk-recipe.ts";
import { buildFat } from "./fat-recipe.ts";

const NO_OWNER = "00000000-0000-0000-0000-000000000000";
const loaderPath = "EFI/BOOT/BOOTX64.EFI";

/** A GPT disk with one FAT16 partition that holds the loader at firmware's path, and other files. */
export function buildBootDisk(loader: Uint8Array, files: Readonly<Record<string, Uint8Array>> = {}): Buffer {
  return buildGptDisk({ partitions: [{ content: buildFat({ kind: "fat16", files: { [loaderPath]: loader, ...files } }) }] });
}

export interface TrustRecipe {
  readonly db?: readonly Authority[];
  readonly dbHashes?: readonly Uint8Array[];
  readonly dbx?: readonly Authority[];
  readonly dbxHashes?: readonly Uint8Array[];
  readonly sbatLevel?: string;
  readonly secureBootEnabled?: boolean;
}

export function buildTrust({ db = [], dbHashes = [], dbx = [], dbxHashes = [], sbatLevel, secureBootEnabled = true }: TrustRecipe): Trust {
  const variable = (authorities: readonly Authority[], hashes: readonly Uint8Array[]): Uint8Array | null => {
    const lists = [...authorities.map(({ der }) => encodeSignatureList("x509", NO_OWNER, [der])), ...(hashes.length === 0 ? [] : [encodeSignatureList("sha256", NO_OWNER, hashes)])];
    return lists.length === 0 ? null : joinSignatureLists(lists);
  };
  return {
    name: "recipe",
    secureBootEnabled,
    variables: { PK: null, KEK: null, db: variable(db, dbHashes), dbx: variable(dbx, dbxHashes), dbt: null },
    shimVariables: sbatLevel === undefined ? {} : { SbatLevel: { attributes: 3, data: Buffer.from(sbatLevel) } },
    thumbprints: { db: [], dbx: [] },
    contentsKnown: true,
  };
}
