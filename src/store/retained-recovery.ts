/**
 * The retained messages of a start: found again in the log's MSG records, which are kept for as long as they are retained
 * (liveness roots). A third copy, in the index, would only be one more thing to be wrong.
 *
 * In LSN order, the newest record of a topic with RETAIN decides: a payload sets, none clears [MQTT-3.3.1-6]. One that has
 * expired clears too: what it replaced must not come back. So does one for which a limit has no room.
 *
 * The frame is copied: the log's bytes are the recovery's, and are used again for the next segment.
 */
import type { PublishView } from "../codec/publish-view.ts"
import type { RecordView } from "../wal/record.ts"
import type { RetainedStore } from "./ports.ts"

export class RetainedRecovery {
  readonly #store: RetainedStore
  readonly #nowMs: number
  /** Topics whose newest retained message found no room. */
  readonly refused = new Set<string>()

  constructor(store: RetainedStore, nowMs: number) {
    this.#store = store
    this.#nowMs = nowMs
  }

  /** A MSG record with its frame's view, in LSN order. */
  take({ expiresAtMs, publisher, writtenMs }: RecordView, view: PublishView, sequence: number): void {
    if (!view.retain) return
    const { buffer, frameEnd, frameStart, isVersion5, packetIdentifierAt, payloadStart } = view
    const topic = buffer.toString("utf8", view.topicStart, view.topicEnd)
    this.refused.delete(topic)
    if (payloadStart === frameEnd || expiresAtMs <= this.#nowMs) return void this.#store.clear(topic) // [IDX-6]
    const frame = Buffer.from(buffer.subarray(frameStart, frameEnd))
    // A publisher's own identifier may stand there (packet-identifier.ts): nobody else's business.
    if (packetIdentifierAt >= 0) frame.fill(0, packetIdentifierAt - frameStart, packetIdentifierAt - frameStart + 2)
    // When its frame was written; of a frame whose header is gone nobody knows. A wall clock may have been set back.
    const storedAtMs = writtenMs > 0 ? Math.min(writtenMs, this.#nowMs) : this.#nowMs // [RET-1]
    if (this.#store.set({ topic, frame, isVersion5, publisher, sequence, storedAtMs, expiresAtMs })) return
    this.#store.clear(topic)
    this.refused.add(topic)
  }
}
