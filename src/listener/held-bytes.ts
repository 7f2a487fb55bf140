/**
 * A budget for bytes that strangers make the broker hold: what all connections together keep of packets that are not
 * complete, before anybody has said who it is.
 *
 * [LIM-2] Whoever wants more when the budget is used up is turned away. That is never a client whose CONNECT arrives in one
 * piece: complete packets are handed over where they lie, so a crowd of half CONNECTs keeps nobody else out.
 */
export class HeldBytes {
  readonly #bytesMax: () => number
  readonly #onRefused: () => void
  bytes = 0

  constructor(bytesMax: () => number, onRefused: () => void) {
    this.#bytesMax = bytesMax
    this.#onRefused = onRefused
  }

  /** [LIM-2] False when that would be too much; nothing is taken then. */
  take(bytes: number): boolean {
    if (this.bytes + bytes > this.#bytesMax()) {
      this.#onRefused()
      return false
    }
    this.bytes += bytes
    return true
  }

  give(bytes: number): void {
    this.bytes -= bytes
  }
}
