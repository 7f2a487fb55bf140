/**
 * Chance from a seed: the same seed draws the same again. mulberry32, good enough to choose what to do next.
 *
 * A run draws from one dice per cycle, made from the run's seed and the cycle's number, so that a cycle can be looked
 * at again without those before it. What the machine's timing adds is not drawn, and does not come back.
 */
export class Dice {
  #state: number

  constructor(seed: number, cycle = 0) {
    this.#state = (seed + Math.imul(cycle, 0x9e37_79b1)) | 0
    this.next()
  }

  /** [0, 1) */
  next(): number {
    this.#state = (this.#state + 0x6d2b_79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }

  /** 0 .. bound - 1 */
  below(bound: number): number {
    return Math.floor(this.next() * bound)
  }

  /** from .. to */
  between(from: number, to: number): number {
    return from + this.below(to - from + 1)
  }

  chance(share: number): boolean {
    return this.next() < share
  }

  pick<A>(from: ReadonlyArray<A>): A {
    return from[this.below(from.length)] as A
  }
}
