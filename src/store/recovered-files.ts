/**
 * What recovery learns of the files while their records go by, and where the log goes on.
 *
 * Sequences are never given twice, also where compaction or damage took the records that had them: every LSN that is not
 * there any more may have been a message, and counts as one. So after the last message that is there,
 *
 *   goes on at = its sequence + 1 + LSNs missing behind it
 */
import { RecordType, type RecordView } from "../wal/record.ts"

export interface FoundFile {
  /** Its messages lie in [from, below). */
  readonly from: number
  below: number
  /** Highest LSN of what is no message, SEG-DROP excepted; 0 = none. */
  control: number
  /** Wall ms of its newest record. */
  newestMs: number
}

export class RecoveredFiles {
  readonly #files = new Map<number, FoundFile>()
  #nextLsn = 1
  #next = 0
  #below = 0

  of(segmentId: number): FoundFile | undefined {
    return this.#files.get(segmentId)
  }

  /** `isProof`: a message that is also the proof of its reception (QoS 2): state of a session. */
  see(record: RecordView, segmentId: number, isProof: boolean): void {
    const { lsn, sequence, type, writtenMs } = record
    const isMessage = type === RecordType.message
    this.#below += Math.max(0, lsn - this.#nextLsn)
    this.#nextLsn = lsn + 1
    if (isMessage) {
      this.#next = sequence + 1
      this.#below = sequence + 1
    }
    let file = this.#files.get(segmentId)
    if (file === undefined) {
      file = { from: isMessage ? sequence : this.#next, below: this.#next, control: 0, newestMs: 0 }
      this.#files.set(segmentId, file)
    }
    file.below = this.#next
    file.newestMs = Math.max(file.newestMs, writtenMs)
    if (isProof || (!isMessage && type !== RecordType.segmentDropped)) file.control = lsn
  }

  /** The first sequence that nobody can have been given. */
  goesOnAt(nextLsn: number): number {
    return this.#below + Math.max(0, nextLsn - this.#nextLsn) // [LOG-1]
  }
}
