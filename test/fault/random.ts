/**
 * Chance from a seed: the same seed gives the same run. mulberry32.
 *
 * PROMPTMQ_SEED repeats a run; every test that draws prints its seed.
 */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** [0, 1) */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }

  below(bound: number): number {
    return Math.floor(this.next() * bound)
  }

  chance(share: number): boolean {
    return this.next() < share
  }

  pick<A>(from: ReadonlyArray<A>): A {
    return from[this.below(from.length)] as A
  }

  hex(bytes: number): string {
    return Array.from({ length: bytes }, () => this.below(256).toString(16).padStart(2, "0")).join("")
  }
}

export function seedOfRun(test: string): number {
  const seed = Number(process.env["PROMPTMQ_SEED"] ?? Date.now() & 0x7fff_ffff)
  process.stdout.write(`${test}: PROMPTMQ_SEED=${seed}\n`)
  return seed
}

/** How often something is done: as many times as a commit needs, PROMPTMQ_SCALE times as often for a release. */
export function sized(commit: number): number {
  return commit * Number(process.env["PROMPTMQ_SCALE"] ?? 1)
}
