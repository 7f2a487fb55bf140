/**
 * Open addressing over one Int32Array: a set of small positive ids that are found by a hash of what
 * they stand for. The ids' meaning lives with the owner (levels: bytes in an arena; edges: parent and
 * level), who probes `slots` itself so that the comparison stays inline:
 *
 *   for (let slot = hash & table.mask; (id = table.slots[slot]) !== 0; slot = (slot + 1) & table.mask)
 *
 * Layout: slots[i] = id, or 0 when free. Linear probing; removal shifts the followers back, so there
 * are no tombstones and a table that shrank in use is as fast as a new one.
 *
 * Invariants
 * - Between an id's home slot (hash & mask) and its slot no slot is free.
 * - At most two thirds of the slots are taken, so every probe ends.
 * - The owner's `hashOf(id)` does not change while the id is in the table.
 *
 * Memory: 4 bytes per slot, 6 to 12 bytes per id. It never shrinks: what one burst of subscriptions
 * took is kept for the next.
 */
export class OpenTable {
  slots: Int32Array = new Int32Array(SLOTS_MIN)
  mask = SLOTS_MIN - 1
  private size = 0
  private readonly hashOf: (id: number) => number

  constructor(hashOf: (id: number) => number) {
    this.hashOf = hashOf
  }

  /** Adds an id that is not in the table. */
  insert(id: number): void {
    if ((this.size + 1) * 3 > this.slots.length * 2) this.grow()
    this.place(id)
    this.size++
  }

  /** Removes an id that is in the table. */
  remove(id: number): void {
    const { slots, mask } = this
    let free = this.hashOf(id) & mask
    while (slots[free] !== id) free = (free + 1) & mask
    for (let slot = (free + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const follower = slots[slot] as number
      const home = this.hashOf(follower) & mask
      // The follower may move back unless its home lies after the free slot.
      if (((slot - home) & mask) < ((slot - free) & mask)) continue
      slots[free] = follower
      free = slot
    }
    slots[free] = 0
    this.size--
  }

  private grow(): void {
    const old = this.slots
    this.slots = new Int32Array(old.length * 2)
    this.mask = this.slots.length - 1
    for (const id of old) if (id !== 0) this.place(id)
  }

  private place(id: number): void {
    const { slots, mask } = this
    let slot = this.hashOf(id) & mask
    while (slots[slot] !== 0) slot = (slot + 1) & mask
    slots[slot] = id
  }
}

const SLOTS_MIN = 64
