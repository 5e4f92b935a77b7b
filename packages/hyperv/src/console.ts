import type { FirmwareReading } from "./host-types.ts";

type Word = "accepted" | "refused" | "nothing-to-boot";

interface Phrase {
  readonly word: Word;
  readonly pattern: RegExp;
}

/**
 * What programs say about a boot loader before an operating system runs, beside BdsDxe's own lines. A phrase that tells of something
 * that Secure Boot did not allow is a refusal, whether firmware, shim or GRUB says so.
 */
const phrases: readonly Phrase[] = [
  // Hyper-V's firmware, in the list it calls "Virtual Machine Boot Summary" (MsvmPkg/FrontPage/FrontPageStrings.uni).
  { word: "refused", pattern: /image's (hash|hash and certificate|certificate and hash) (is|are) not allowed \(DB\)/i },
  { word: "refused", pattern: /image's (hash|certificate) was denied \(DBX\)/i },
  { word: "refused", pattern: /Image execution was denied by Secure Boot policy/i },
  { word: "refused", pattern: /^Image verification failed\./i },
  { word: "accepted", pattern: /^The operating system loaded\./i },
  { word: "nothing-to-boot", pattern: /No operating system was loaded/i },
  // Windows Server 2012 R2's firmware.
  { word: "refused", pattern: /Failed Secure Boot Verification/i },
  // shim.
  { word: "refused", pattern: /^Verification failed: /i },
  { word: "refused", pattern: /SBAT self-check failed/i },
  { word: "refused", pattern: /^Bootloader has not verified loaded image/i },
  { word: "refused", pattern: /^Binary is (blacklisted|forbidden)/i },
  { word: "nothing-to-boot", pattern: /^start_image\(\) returned (?!Success)/i },
  // GRUB, whose errors since 2.12 name the source file first.
  { word: "refused", pattern: /^error: .*(bad shim signature|has invalid signature|prohibited by secure boot policy|verification requested but nobody cares)/i },
  { word: "nothing-to-boot", pattern: /^error: .*you need to load the kernel first/i },
  // systemd-boot.
  { word: "refused", pattern: /^Error (loading|starting|preparing) .*: (Access denied|Security violation)/i },
  // Windows' boot manager: the digital signature of a file could not be verified.
  { word: "refused", pattern: /\b0xc0000428\b/i },
];

const bdsLine = /^BdsDxe: (loading|starting|failed to load|failed to start) Boot[0-9A-F]{4}\b/i;
const bdsRefusal = /: (Access Denied|Security Violation)\.?$/i;
const bdsNothing = /^BdsDxe: No bootable option or device was found/i;
/**
 * A boot option on a device. Programs inside firmware itself, such as its shell, are tried last and tell nothing of the machine's
 * disks; and a line of which a part is missing does not tell where its loader came from. Firmware drops characters when nobody takes
 * them within a second.
 */
const fromDevice = /" from (?!Fv\(|MemoryMapped\()[A-Z][A-Za-z]*\(/;
// Once a kernel prints its time stamps, the console is the guest's, which may say what it likes.
const kernelLine = /^\[ *\d+\.\d{6}\]/;

/**
 * Firmware's word, read from all that the console said so far. What was said last about a boot loader counts; that nothing else could
 * be booted either does not unsay a refusal of the same pass.
 */
export function interpretConsole(text: string): FirmwareReading {
  const reader = new ConsoleReader();
  const lines = linesOf(text);
  for (const [index, line] of lines.entries()) reader.read(line, index < lines.length - 1);
  return reader.reading;
}

class ConsoleReader {
  reading: FirmwareReading = { outcome: "undecided", line: null };
  #isGuest = false;
  /** Whether firmware has come to the end of its list since the last refusal. */
  #passEnded = false;

  /** `isWhole` is false for the last line, which may still grow. */
  read(line: string, isWhole: boolean): void {
    const bds = bdsLine.exec(line);
    if (bds) this.#readBds(line, bds[1]!.toLowerCase(), isWhole);
    else if (bdsNothing.test(line)) this.#hear("nothing-to-boot", line);
    else if (kernelLine.test(line)) this.#isGuest = true;
    else if (!this.#isGuest) this.#readPhrase(line);
  }

  #readBds(line: string, event: string, isWhole: boolean): void {
    this.#isGuest = false;
    if (!fromDevice.test(line)) return;
    if (event === "starting" && isWhole) this.#hear("accepted", line);
    if (event.startsWith("failed") && bdsRefusal.test(line)) this.#hear("refused", line);
  }

  #readPhrase(line: string): void {
    const phrase = phrases.find(({ pattern }) => pattern.test(line));
    if (phrase) this.#hear(phrase.word, line);
  }

  #hear(outcome: Word, line: string): void {
    const unsays = outcome !== "nothing-to-boot" || this.reading.outcome !== "refused" || this.#passEnded;
    if (unsays) this.reading = { outcome, line };
    this.#passEnded = outcome === "nothing-to-boot";
  }
}

/** Boxes around messages, and the characters that stand for them when the terminal's own code page is read as UTF-8. */
const frame = /^[\s\uFFFD\u2500-\u257F|]+|[\s\uFFFD\u2500-\u257F|]+$/g;

/** Lines as a person sees them: without escape sequences, of which those that place the cursor begin a new line, as does BdsDxe whatever was lost before. */
function linesOf(text: string): readonly string[] {
  const plain = text
    .replace(/\x1b\][^\x07\x1b]*(\x07|\x1b\\)/g, "")
    .replace(/\x1b\[\d*;?\d*[Hf]/g, "\n")
    .replace(/\x1b\[[0-9;=?]*[ -/]*[@-~]|\x1b[@-Z\\-_=>]/g, "")
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g, "");
  return plain.split(/[\r\n]+|(?=BdsDxe: )/).map((line) => line.replace(frame, ""));
}
