/**
 * An answer a person can act on: what was asked, what stands against it, what to change. The catalogue of codes is
 * docs/errors.md, generated from refusal-catalogue.ts. Each API writes it in its own envelope.
 */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: string;
  readonly httpStatus: number;
  /** What to change; a command that works when pasted where there is one. Null when the sentence already says it. */
  readonly remedy: string | null;
  readonly evidence: Readonly<Record<string, unknown>>;

  constructor(fields: {
    code: string; httpStatus: number; message: string; remedy?: string | null; evidence?: Record<string, unknown>; cause?: unknown;
  }) {
    super(fields.message, { cause: fields.cause });
    this.code = fields.code;
    this.httpStatus = fields.httpStatus;
    this.remedy = fields.remedy ?? null;
    this.evidence = fields.evidence ?? {};
  }

  /** The one line that people see: sentence, remedy, code. */
  get sentence(): string {
    return [this.message, this.remedy, `[${this.code}]`].filter(Boolean).join(" ");
  }
}
