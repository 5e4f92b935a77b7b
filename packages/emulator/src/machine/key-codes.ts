/** One movement of one key. QEMU names keys by qcodes, or by their number in scan code set 1. */
export interface KeyMovement {
  readonly key: { readonly type: "qcode"; readonly data: string } | { readonly type: "number"; readonly data: number };
  readonly down: boolean;
}

const names: Readonly<Record<number, string>> = {
  0x08: "backspace", 0x09: "tab", 0x0d: "ret", 0x10: "shift", 0x11: "ctrl", 0x12: "alt", 0x14: "caps_lock", 0x1b: "esc", 0x20: "spc", 0x21: "pgup", 0x22: "pgdn", 0x23: "end", 0x24: "home", 0x25: "left", 0x26: "up", 0x27: "right", 0x28: "down",
  0x2d: "insert", 0x2e: "delete", 0x5b: "meta_l", 0xa0: "shift", 0xa1: "shift_r", 0xa2: "ctrl", 0xa3: "ctrl_r", 0xa4: "alt", 0xa5: "alt_r",
  0xba: "semicolon", 0xbb: "equal", 0xbc: "comma", 0xbd: "minus", 0xbe: "dot", 0xbf: "slash", 0xc0: "grave_accent", 0xdb: "bracket_left", 0xdc: "backslash", 0xdd: "bracket_right", 0xde: "apostrophe",
};

/** The qcode of a Windows virtual key code; null for keys that a PC keyboard of QEMU does not have. */
export function qcodeOf(virtualKey: number): string | null {
  if (virtualKey >= 0x30 && virtualKey <= 0x39) return String(virtualKey - 0x30);
  if (virtualKey >= 0x41 && virtualKey <= 0x5a) return String.fromCharCode(virtualKey + 0x20);
  if (virtualKey >= 0x70 && virtualKey <= 0x7b) return `f${virtualKey - 0x6f}`;
  if (virtualKey >= 0x60 && virtualKey <= 0x69) return `kp_${virtualKey - 0x60}`;
  return names[virtualKey] ?? null;
}

const plainSigns: Readonly<Record<string, string>> = { " ": "spc", "\n": "ret", "\r": "ret", "\t": "tab", ";": "semicolon", "=": "equal", ",": "comma", "-": "minus", ".": "dot", "/": "slash", "`": "grave_accent", "[": "bracket_left", "\\": "backslash", "]": "bracket_right", "'": "apostrophe" };
/** Signs of the US layout that need Shift, by the key that they are on. */
const shiftedSigns: Readonly<Record<string, string>> = {
  ":": "semicolon", "+": "equal", "<": "comma", "_": "minus", ">": "dot", "?": "slash", "~": "grave_accent", "{": "bracket_left", "|": "backslash", "}": "bracket_right", '"': "apostrophe",
  "!": "1", "@": "2", "#": "3", "$": "4", "%": "5", "^": "6", "&": "7", "*": "8", "(": "9", ")": "0",
};

export function press(qcode: string): KeyMovement {
  return { key: { type: "qcode", data: qcode }, down: true };
}

export function release(qcode: string): KeyMovement {
  return { key: { type: "qcode", data: qcode }, down: false };
}

/** Types a text on a US keyboard; null when it holds a sign that is not on it. */
export function movementsOf(text: string): KeyMovement[] | null {
  const movements: KeyMovement[] = [];
  for (const sign of text) {
    const plain = /[a-z0-9]/.test(sign) ? sign : plainSigns[sign];
    const shifted = /[A-Z]/.test(sign) ? sign.toLowerCase() : shiftedSigns[sign];
    if (plain !== undefined) movements.push(press(plain), release(plain));
    else if (shifted !== undefined) movements.push(press("shift"), press(shifted), release(shifted), release("shift"));
    else return null;
  }
  return movements;
}

const extendedPrefix = 0xe0;
const releaseBit = 0x80;

/** Scan codes of set 1: 0xE0 announces a key of the extended part, the highest bit a release. */
export function movementsOfScanCodes(codes: readonly number[]): KeyMovement[] {
  const movements: KeyMovement[] = [];
  let extended = false;
  for (const code of codes) {
    if (code === extendedPrefix) extended = true;
    else {
      movements.push({ key: { type: "number", data: (code & 0x7f) | (extended ? 0x80 : 0) }, down: (code & releaseBit) === 0 });
      extended = false;
    }
  }
  return movements;
}
