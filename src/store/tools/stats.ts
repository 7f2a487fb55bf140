/**
 * What a stopped store is made of: files, topics by bytes, sessions by how far they are behind, the largest retained
 * values, and how much of the log nobody waits for.
 */
import * as Effect from "effect/Effect"
import type { StoreFs } from "../../wal/store-fs.ts"
import type { SegmentVerdict } from "../../wal/verify.ts"
import { liveMessages } from "./live-messages.ts"
import type { Inspected, ToolError } from "./place.ts"
import { readState } from "./read-state.ts"
import { type SnapshotState, snapshotStates } from "./snapshot-base.ts"

export interface TopicStats {
  readonly topic: string
  readonly messages: number
  readonly bytes: number
  readonly liveMessages: number
  readonly liveBytes: number
}

export interface SessionStats {
  readonly clientIdentifier: string
  readonly subscriptions: number
  /** Messages logged since its position: it waits for those of its topics among them. */
  readonly behind: number
  readonly unacknowledged: number
  readonly disconnectedAtMs: number
}

export interface StoreStats {
  readonly files: ReadonlyArray<SegmentVerdict>
  readonly spares: number
  readonly snapshots: ReadonlyArray<SnapshotState>
  readonly quarantined: number
  /** Of the log's files. */
  readonly bytes: number
  readonly records: number
  readonly messages: number
  readonly messageBytes: number
  readonly liveMessages: number
  readonly liveBytes: number
  readonly controlRecords: number
  readonly controlBytes: number
  /** Share of the bytes of messages that nobody waits for, 0..1. */
  readonly garbageShare: number
  /** All of them, by falling bytes. */
  readonly topics: ReadonlyArray<TopicStats>
  readonly sessions: ReadonlyArray<SessionStats>
  readonly groups: number
  /** By falling size. */
  readonly retained: ReadonlyArray<{ readonly topic: string; readonly bytes: number }>
  readonly isDamaged: boolean
}

export const storeStats = (fs: StoreFs, inspected: Inspected): Effect.Effect<StoreStats, ToolError> =>
  Effect.gen(function* () {
    const { place, storeUuid, survey } = inspected
    const { state, verdict } = yield* readState(fs, inspected)
    const { messages, recovered, retained } = state
    const live = liveMessages(state)
    const topics = messages.topics.map((topic) => ({ topic, messages: 0, bytes: 0, liveMessages: 0, liveBytes: 0 }))
    let messageBytes = 0
    for (let row = 0; row < messages.count; row++) {
      const stats = topics[messages.topicIds[row] as number]
      if (stats === undefined) continue
      const bytes = messages.sizes[row] as number
      messageBytes += bytes
      stats.messages++
      stats.bytes += bytes
      if (live.flags[row] !== 1) continue
      stats.liveMessages++
      stats.liveBytes += bytes
    }
    const bytes = verdict.segments.reduce((sum, { endOffset }) => sum + endOffset, 0)
    const nextRow = messages.count
    return {
      files: verdict.segments,
      spares: survey.spares.length,
      snapshots: yield* snapshotStates(fs, place.dataDirectory, storeUuid),
      quarantined: (yield* fs.list(`${place.dataDirectory}/quarantine`)).length,
      bytes,
      records: verdict.records,
      messages: messages.count,
      messageBytes,
      liveMessages: live.count,
      liveBytes: live.bytes,
      controlRecords: state.controlRecords,
      controlBytes: state.controlBytes,
      garbageShare: messageBytes === 0 ? 0 : (messageBytes - live.bytes) / messageBytes,
      topics: topics.sort((a, b) => b.bytes - a.bytes),
      sessions: recovered.sessions
        .map(({ cursor, session, subscriptions }) => ({
          clientIdentifier: session.clientIdentifier,
          subscriptions: subscriptions.size,
          behind: nextRow - messages.rowOf(cursor.cursor),
          unacknowledged: cursor.open.length,
          disconnectedAtMs: session.disconnectedAtMs
        }))
        .sort((a, b) => b.behind - a.behind),
      groups: recovered.groups.size,
      retained: [...retained]
        .filter(([, { isValue }]) => isValue)
        .map(([topic, { frameBytes }]) => ({ topic, bytes: frameBytes }))
        .sort((a, b) => b.bytes - a.bytes),
      isDamaged: verdict.isDamaged
    }
  })
