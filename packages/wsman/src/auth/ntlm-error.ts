/** A message of the other end that cannot be what it claims to be. The text is for people and holds nothing secret. */
export class NtlmError extends Error {
  override readonly name = "NtlmError";
}
