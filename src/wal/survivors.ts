/**
 * Where the records that a compaction kept lie now: three columns that grow by doubling, in LSN order.
 */
import { assert } from "../base/assert.ts"
import { RecordType, type RecordView } from "./record.ts"

const FIRST = 1024

export class Survivors {
  count = 0
  /** Of them those that are messages, in `sequences` and `messageOffsets`. */
  messages = 0
  #lsns = new Float64Array(FIRST)
  #offsets = new Uint32Array(FIRST)
  #sequences = new Float64Array(FIRST)
  #messageOffsets = new Uint32Array(FIRST)

  get lsns(): Float64Array {
    return this.#lsns.subarray(0, this.count)
  }
  get offsets(): Uint32Array {
    return this.#offsets.subarray(0, this.count)
  }
  get sequences(): Float64Array {
    return this.#sequences.subarray(0, this.messages)
  }
  get messageOffsets(): Uint32Array {
    return this.#messageOffsets.subarray(0, this.messages)
  }

  add({ lsn, sequence, type }: RecordView, offset: number): void {
    assert(this.count === 0 || lsn > (this.#lsns[this.count - 1] as number), "survivors keep their order")
    if (this.count === this.#lsns.length) {
      this.#lsns = grown(this.#lsns, new Float64Array(this.count * 2))
      this.#offsets = grown(this.#offsets, new Uint32Array(this.count * 2))
    }
    this.#lsns[this.count] = lsn
    this.#offsets[this.count++] = offset
    if (type !== RecordType.message) return
    if (this.messages === this.#sequences.length) {
      this.#sequences = grown(this.#sequences, new Float64Array(this.messages * 2))
      this.#messageOffsets = grown(this.#messageOffsets, new Uint32Array(this.messages * 2))
    }
    this.#sequences[this.messages] = sequence
    this.#messageOffsets[this.messages++] = offset
  }
}

function grown<A extends Float64Array | Uint32Array>(from: A, to: A): A {
  to.set(from)
  return to
}
