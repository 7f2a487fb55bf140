/**
 * The `done` callbacks a transport owes, in the order of its writes.
 *
 * Sockets and WebSockets report each write once, but after a failure not always in order: a write under way is
 * reported after those that were never begun. The transport port promises order, so what is reported is only
 * counted here and the oldest callback is called. One bound function serves all writes.
 */
export class DoneQueue {
  /** To be given to the carrier as its callback; whatever it passes is not looked at. */
  readonly reported = (): void => this.#queue.shift()?.()
  readonly #queue: Array<() => void>

  constructor() {
    // Room for one: most connections have one write under way, and push() on an array without memory takes it for 17.
    this.#queue = [this.reported]
    this.#queue.pop()
  }

  get length(): number {
    return this.#queue.length
  }

  push(done: () => void): void {
    this.#queue.push(done)
  }
}
