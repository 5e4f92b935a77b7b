import { prepareList, type PreparedTrust, type TrustList } from "../verdict/trust-lists.ts";
import { parseSbatLevel, type SbatLevel } from "./sbat.ts";
import type { ShimProgram } from "./shim-program.ts";

/** The machine as shim finds it: its variables, and the SBAT level after shim has looked at it. */
export interface ShimState {
  /** Whether shim checks anything at all. */
  readonly isVerifying: boolean;
  readonly level: SbatLevel | null;
  readonly mokList: TrustList | null;
  readonly mokListX: TrustList | null;
  /** The owner told shim to ignore firmware's own db. */
  readonly ignoresDb: boolean;
}

const RUNTIME = 0x04;
const NON_VOLATILE_BOOT_SERVICE = 0x03;
/** Values of SbatPolicy (shim's sbat.h). */
const POLICY_LATEST = 1;

/** Shim 16.1, efi_main: what it makes of the variables under its own GUID. */
export function shimState(shim: ShimProgram, trust: PreparedTrust): ShimState {
  const variables = trust.trust.shimVariables;
  // Variables that an operating system could have written do not count.
  const bootOnly = (name: string): Uint8Array | null => {
    const variable = variables[name];
    return variable === undefined || ((variable.attributes ?? NON_VOLATILE_BOOT_SERVICE) & RUNTIME) !== 0 ? null : variable.data;
  };
  const isVerifying = trust.trust.secureBootEnabled && bootOnly("MokSBState")?.[0] !== 1;
  return {
    isVerifying,
    level: effectiveLevel(shim, variables["SbatLevel"], bootOnly("SbatPolicy")?.[0] === POLICY_LATEST),
    mokList: prepareList(bootOnly("MokList")),
    mokListX: prepareList(bootOnly("MokListX")),
    ignoresDb: bootOnly("MokDBState")?.[0] === 1,
  };
}

/** The stored level stays when it is not older than shim's own; it is never lowered while Secure Boot is on. */
function effectiveLevel(shim: ShimProgram, stored: { readonly attributes: number | null; readonly data: Uint8Array } | undefined, wantsLatest: boolean): SbatLevel | null {
  if (shim.sbat === null) return null;
  const own = wantsLatest ? shim.latestLevel : shim.automaticLevel;
  const isProper = stored !== undefined && (stored.attributes ?? NON_VOLATILE_BOOT_SERVICE) === NON_VOLATILE_BOOT_SERVICE;
  const kept = isProper ? parseSbatLevel(new TextDecoder("latin1").decode(stored.data)) : null;
  if (kept === null) return own;
  return own !== null && own.date > kept.date ? own : kept;
}
