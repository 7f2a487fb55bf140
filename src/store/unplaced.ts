/**
 * Records on their way to a file that take no sequence, by LSN: what tells messages' positions from LSNs when the
 * write-ahead log says where a stretch of LSNs went. A ring of numbers: nothing is allocated per record.
 */
const FIRST = 64

export class LsnQueue {
  #lsns = new Float64Array(FIRST)
  #head = 0
  #count = 0

  push(lsn: number): void {
    if (this.#count === this.#lsns.length) this.#grow()
    this.#lsns[(this.#head + this.#count) & (this.#lsns.length - 1)] = lsn
    this.#count += 1
  }

  /** Takes those below; answers how many. `last` is the highest of them then. */
  takeBelow(lsn: number): number {
    let taken = 0
    while (this.#count > 0 && (this.#lsns[this.#head] as number) < lsn) {
      this.last = this.#lsns[this.#head] as number
      this.#head = (this.#head + 1) & (this.#lsns.length - 1)
      this.#count -= 1
      taken += 1
    }
    return taken
  }
  last = 0

  #grow(): void {
    const larger = new Float64Array(this.#lsns.length * 2)
    for (let i = 0; i < this.#count; i++) {
      larger[i] = this.#lsns[(this.#head + i) & (this.#lsns.length - 1)] as number
    }
    this.#lsns = larger
    this.#head = 0
  }
}
