/**
 * All messages of a store as columns: sequence, topic, bytes, RETAIN. 17 bytes per message, one string per topic, so that
 * a tool can think about ten million messages at once. Messages come in rising sequence.
 */
import { assert } from "../../base/assert.ts"

const ROWS_FIRST = 1024

export class MessageColumns {
  readonly topics: Array<string> = []
  readonly #ids = new Map<string, number>()
  count = 0
  sequences = new Float64Array(ROWS_FIRST)
  topicIds = new Uint32Array(ROWS_FIRST)
  /** Of the whole record. */
  sizes = new Uint32Array(ROWS_FIRST)
  retains = new Uint8Array(ROWS_FIRST)

  push(sequence: number, topic: string, sizeBytes: number, retain: boolean): void {
    const row = this.count
    assert(row === 0 || sequence > (this.sequences[row - 1] as number), "messages come in rising sequence")
    if (row === this.sequences.length) this.#grow()
    let id = this.#ids.get(topic)
    if (id === undefined) {
      id = this.topics.length
      this.topics.push(topic)
      this.#ids.set(topic, id)
    }
    this.sequences[row] = sequence
    this.topicIds[row] = id
    this.sizes[row] = sizeBytes
    this.retains[row] = retain ? 1 : 0
    this.count = row + 1
  }

  /** Rows with a lower sequence: where `sequence` is, or would be. */
  rowOf(sequence: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.sequences[middle] as number) < sequence) low = middle + 1
      else high = middle
    }
    return low
  }

  has(sequence: number): boolean {
    const row = this.rowOf(sequence)
    return row < this.count && this.sequences[row] === sequence
  }

  topicAt(sequence: number): string | undefined {
    const row = this.rowOf(sequence)
    return row < this.count && this.sequences[row] === sequence ? this.topics[this.topicIds[row] as number] : undefined
  }

  #grow(): void {
    const rows = this.sequences.length * 2
    const sequences = new Float64Array(rows)
    const topicIds = new Uint32Array(rows)
    const sizes = new Uint32Array(rows)
    const retains = new Uint8Array(rows)
    sequences.set(this.sequences)
    topicIds.set(this.topicIds)
    sizes.set(this.sizes)
    retains.set(this.retains)
    Object.assign(this, { sequences, topicIds, sizes, retains })
  }
}
