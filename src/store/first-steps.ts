/**
 * Since where QoS 2 steps are not covered by a saved cursor, by session (number) or group (text): the log must be kept
 * from the lowest of them on, whatever the index holds.
 *
 * note() is on the path of every QoS 2 packet: it allocates only the first time a key is met.
 */
const SLOTS_FIRST = 64

export class FirstSteps<Key> {
  readonly #slots = new Map<Key, number>()
  readonly #free: Array<number> = []
  #lsns = new Float64Array(SLOTS_FIRST).fill(Number.POSITIVE_INFINITY)
  #used = 0

  note(key: Key, lsn: number): void {
    const slot = this.#slots.get(key) ?? this.#add(key)
    if (lsn < (this.#lsns[slot] as number)) this.#lsns[slot] = lsn
  }

  /** Everything so far is in a cursor that was saved. */
  cover(key: Key): void {
    const slot = this.#slots.get(key)
    if (slot !== undefined) this.#lsns[slot] = Number.POSITIVE_INFINITY
  }

  /** The key is no more. */
  forget(key: Key): void {
    const slot = this.#slots.get(key)
    if (slot === undefined) return
    this.#lsns[slot] = Number.POSITIVE_INFINITY
    this.#slots.delete(key)
    this.#free.push(slot)
  }

  /** Infinity when every step is covered. */
  lowest(): number {
    let lowest = Number.POSITIVE_INFINITY
    for (let slot = 0; slot < this.#used; slot++) {
      const lsn = this.#lsns[slot] as number
      if (lsn < lowest) lowest = lsn
    }
    return lowest
  }

  #add(key: Key): number {
    const slot = this.#free.pop() ?? this.#used++
    if (slot >= this.#lsns.length) {
      const grown = new Float64Array(this.#lsns.length * 2).fill(Number.POSITIVE_INFINITY)
      grown.set(this.#lsns)
      this.#lsns = grown
    }
    this.#slots.set(key, slot)
    return slot
  }
}
