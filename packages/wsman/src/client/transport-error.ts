/** A failure before any WS-Management answer: nothing is known about the host's mind. */
export class WsmanTransportError extends Error {
  override readonly name = "WsmanTransportError";
  readonly kind: "unreachable" | "tls" | "timeout" | "unauthorized" | "http";
  readonly httpStatus: number | null;

  constructor(kind: WsmanTransportError["kind"], message: string, options: { httpStatus?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.httpStatus = options.httpStatus ?? null;
  }
}
