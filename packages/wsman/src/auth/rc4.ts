/**
 * RC4, whose key stream goes on from one message to the next. OpenSSL 3 keeps it in a provider that is off by default, and NTLM's sealing
 * knows no other cipher. It is weak; TLS around it is what protects well.
 */
export class Rc4 {
  readonly #state = Uint8Array.from({ length: 256 }, (_, index) => index);
  #i = 0;
  #j = 0;

  constructor(key: Uint8Array) {
    let j = 0;
    for (let i = 0; i < 256; i++) {
      const value = this.#state[i] as number;
      j = (j + value + (key[i % key.length] as number)) & 255;
      this.#state[i] = this.#state[j] as number;
      this.#state[j] = value;
    }
  }

  /** Encrypts or decrypts the next bytes of the stream. */
  process(data: Uint8Array): Buffer {
    const result = Buffer.allocUnsafe(data.length);
    // Locals: the loop runs over megabytes.
    const state = this.#state;
    let i = this.#i;
    let j = this.#j;
    for (let index = 0; index < data.length; index++) {
      i = (i + 1) & 255;
      const one = state[i] as number;
      j = (j + one) & 255;
      const other = state[j] as number;
      state[i] = other;
      state[j] = one;
      result[index] = (data[index] as number) ^ (state[(one + other) & 255] as number);
    }
    this.#i = i;
    this.#j = j;
    return result;
  }
}
