const NAME_CHARACTERS_MAX = 120;

/**
 * A name that was found inside an image, for a message: in quotes, shortened, and with everything written out that a terminal or a page
 * would obey or hide (control characters, line breaks, marks that turn the direction of text).
 */
export function quoteName(name: string): string {
  const characters = Array.from(name);
  const shown = characters.slice(0, NAME_CHARACTERS_MAX).map((character) => {
    if (character === '"' || character === "\\") return `\\${character}`;
    return /[\p{C}\p{Zl}\p{Zp}]/u.test(character) ? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}` : character;
  });
  return `"${shown.join("")}${characters.length > NAME_CHARACTERS_MAX ? "…" : ""}"`;
}
