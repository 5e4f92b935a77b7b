import { type Certificate, parseCertificate } from "../authenticode/certificate.ts";
import { readDer } from "../authenticode/der.ts";
import { sectionContent, textUpToNul, viewOf } from "../pe/pe-image.ts";
import type { Program } from "../program.ts";
import { prepareList, type TrustList } from "../verdict/trust-lists.ts";
import { parseSbat, parseSbatLevel, type SbatLevel, type SbatRow } from "./sbat.ts";

/** What a shim carries inside itself. */
export interface ShimProgram {
  /** "16.1"; null where the binary does not say. */
  readonly version: string | null;
  /** Its own rows; null for shims from before SBAT, which check none of it. */
  readonly sbat: readonly SbatRow[] | null;
  /** The level that it raises the machine to by default, and the newest that it knows. */
  readonly automaticLevel: SbatLevel | null;
  readonly latestLevel: SbatLevel | null;
  readonly vendorCertificates: readonly Certificate[];
  readonly vendorDb: TrustList | null;
  readonly vendorDbx: TrustList | null;
}

/** The level of shims 15.3 to 15.6, which carry it as plain data (SbatLevel_Variable.txt). */
const ORIGINAL_LEVEL = "sbat,1,2021030218\n";
const VENDOR_HEADER_BYTES = 16;

/** Reads a program as shim; null when it is none. What makes a shim is the section with its vendor's keys. */
export function readShim(program: Program): ShimProgram | null {
  const { image } = program;
  const vendor = image === null ? null : sectionContent(image, ".vendor_cert");
  if (image === null || vendor === null) return null;
  const section = sectionContent(image, ".sbat");
  const sbat = section === null ? null : parseSbat(textUpToNul(section));
  if (sbat !== null && !sbat.some(({ component }) => component === "shim")) return null;
  const levels = sectionContent(image, ".sbatlevel");
  return { version: versionOf(program.file), sbat, ...readLevels(levels, sbat !== null), ...readVendorData(vendor) };
}

/** A version number, an offset for each of the two levels counted from byte 4, then their texts. */
function readLevels(section: Uint8Array | null, hasSbat: boolean): Pick<ShimProgram, "automaticLevel" | "latestLevel"> {
  if (section === null || section.length < 12) {
    const level = hasSbat ? parseSbatLevel(ORIGINAL_LEVEL) : null;
    return { automaticLevel: level, latestLevel: level };
  }
  const view = viewOf(section);
  const level = (offset: number): SbatLevel | null => parseSbatLevel(textUpToNul(section.subarray(4 + view.getUint32(offset, true))));
  return { automaticLevel: level(4), latestLevel: level(8) };
}

/** Sizes and offsets of what is allowed and what is not (shim's cert.S); each is one certificate or a run of signature lists. */
function readVendorData(section: Uint8Array): Pick<ShimProgram, "vendorCertificates" | "vendorDb" | "vendorDbx"> {
  if (section.length < VENDOR_HEADER_BYTES) return { vendorCertificates: [], vendorDb: null, vendorDbx: null };
  const view = viewOf(section);
  const part = (sizeOffset: number, placeOffset: number): Uint8Array => {
    const place = view.getUint32(placeOffset, true);
    return section.subarray(place, place + view.getUint32(sizeOffset, true));
  };
  const allowed = part(0, 8);
  const certificate = isCertificate(allowed) ? parseCertificate(allowed) : null;
  const forbidden = part(4, 12);
  return {
    vendorCertificates: certificate === null ? [] : [certificate],
    vendorDb: certificate === null ? prepareList(allowed) : null,
    vendorDbx: prepareList(forbidden),
  };
}

/** Exactly one DER element with a length of two bytes: what shim takes for a certificate. */
export function isCertificate(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x30 || bytes[1] !== 0x82) return false;
  try {
    return readDer(bytes).whole.length === bytes.length;
  } catch {
    return false;
  }
}

function versionOf(file: Uint8Array): string | null {
  const marker = "$Version: ";
  const first = marker.charCodeAt(0);
  for (let place = file.indexOf(first); place >= 0; place = file.indexOf(first, place + 1)) {
    const text = String.fromCharCode(...file.subarray(place, place + marker.length + 32));
    if (text.startsWith(marker)) return /^[0-9][0-9.~a-z-]*/.exec(text.slice(marker.length))?.[0] ?? null;
  }
  return null;
}
