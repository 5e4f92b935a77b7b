import type { Authority } from "./authority-recipe.ts";
import { buildProgram } from "./program-recipe.ts";

const SBAT_HEAD = "sbat,1,SBAT Version,sbat,1,https://example.org/sbat\n";

/** The text of an SBAT table with these components and generations. */
export const sbatTable = (generations: Readonly<Record<string, number>>): Buffer =>
  Buffer.from(SBAT_HEAD + Object.entries(generations).map(([component, generation]) => `${component},${generation},Somebody,${component},1.0,https://example.org\n`).join(""));

export interface ShimOptions {
  /** Whose signatures shim trusts by itself. */
  readonly vendor: Authority;
  readonly level?: string;
  readonly generation?: number;
}

/** A program that carries what makes a shim: its vendor's key, its SBAT table and the level it raises machines to. */
export function buildShim({ vendor, level = "sbat,1,2025021800\nshim,4\ngrub,5\n", generation = 4 }: ShimOptions): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(vendor.der.length, 0);
  header.writeUInt32LE(16, 8);
  header.writeUInt32LE(16 + vendor.der.length, 12);
  const levels = Buffer.alloc(12);
  levels.writeUInt32LE(8, 4);
  levels.writeUInt32LE(8, 8);
  return buildProgram({
    sections: {
      ".vendor_cert": Buffer.concat([header, vendor.der]),
      ".sbat": sbatTable({ shim: generation }),
      ".sbatlevel": Buffer.concat([levels, Buffer.from(`${level}\0`)]),
      ".data.ident": Buffer.from("UEFI SHIM\n$Version: 16.1 $\n"),
    },
  });
}
