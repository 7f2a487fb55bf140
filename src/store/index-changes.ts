/**
 * Changes on their way into the index: whole values by key, the newest of each. What a session saved ten times is one
 * change; what ended takes everything of its number along.
 *
 * A set is filled while control records are appended (or found at the start), sealed at an LSN, and applied when the
 * log is durable up to there (indexer.ts). Session numbers are never given again, so nothing comes behind an end.
 *
 * Elsewhere: keys and values as bytes (index-values.ts), which records are whole values (control-records.ts).
 */
import { RecordType } from "../wal/record.ts"
import type { ControlRecord } from "./control-records.ts"
import {
  cursorKey,
  groupKey,
  type OpenedValue,
  sealValue,
  sessionKey,
  subscriptionKey,
  subscriptionsPrefix,
  VALUE_HEADER_BYTES
} from "./index-values.ts"

export type IndexOperation =
  | { readonly kind: "put"; readonly key: Buffer; readonly value: Buffer }
  | { readonly kind: "remove"; readonly key: Buffer }
  /** Every key that begins so. */
  | { readonly kind: "remove-all"; readonly prefix: Buffer }

/** Body undefined: the key goes. */
interface Change {
  readonly lsn: number
  readonly body: Buffer | undefined
}

interface SessionChanges {
  isEnded: boolean
  session: Change | undefined
  cursor: Change | undefined
  subscriptions: Map<string, Change> | undefined
}

export class IndexChanges {
  readonly #sessions = new Map<number, SessionChanges>()
  readonly #groups = new Map<string, Change>()
  /** Calls since it was made: what is waiting is at most so much. */
  count = 0

  session(number: number, lsn: number, body: Buffer): void {
    this.#of(number).session = { lsn, body }
  }
  ended(number: number): void {
    this.count++
    this.#sessions.set(number, { isEnded: true, session: undefined, cursor: undefined, subscriptions: undefined })
  }
  subscription(number: number, filter: string, lsn: number, body: Buffer | undefined): void {
    const changes = this.#of(number)
    changes.subscriptions ??= new Map()
    changes.subscriptions.set(filter, { lsn, body })
  }
  cursor(number: number, lsn: number, body: Buffer): void {
    this.#of(number).cursor = { lsn, body }
  }
  group(text: string, lsn: number, body: Buffer | undefined): void {
    this.count++
    this.#groups.set(text, { lsn, body })
  }

  /** A record as found at the start; steps change nothing here. `body` must be memory of its own. */
  take(record: ControlRecord, lsn: number, body: Buffer): void {
    switch (record.kind) {
      case "session":
        this.session(record.number, lsn, body)
        break
      case "session-end":
        this.ended(record.number)
        break
      case "subscription":
        this.subscription(record.number, record.filter, lsn, record.subscription && body)
        break
      case "cursor":
        this.cursor(record.number, lsn, body)
        break
      case "group":
        this.group(record.text, lsn, record.group && body)
    }
  }

  /** What an index has to do; the order does not matter, but that it is done as one. */
  *operations(): Generator<IndexOperation> {
    for (const [number, { cursor, isEnded, session, subscriptions }] of this.#sessions) {
      if (isEnded) {
        yield { kind: "remove", key: sessionKey(number) }
        yield { kind: "remove", key: cursorKey(number) }
        yield { kind: "remove-all", prefix: subscriptionsPrefix(number) }
        continue
      }
      if (session !== undefined) yield operation(sessionKey(number), RecordType.session, session)
      if (cursor !== undefined) yield operation(cursorKey(number), RecordType.cursor, cursor)
      if (subscriptions === undefined) continue
      for (const [filter, change] of subscriptions) {
        yield operation(subscriptionKey(number, filter), RecordType.subscribe, change)
      }
    }
    for (const [text, change] of this.#groups) yield operation(groupKey(text), RecordType.group, change)
  }

  #of(number: number): SessionChanges {
    this.count++
    const found = this.#sessions.get(number)
    if (found !== undefined) return found
    const made = { isEnded: false, session: undefined, cursor: undefined, subscriptions: undefined }
    this.#sessions.set(number, made)
    return made
  }
}

function operation(key: Buffer, type: number, { body, lsn }: Change): IndexOperation {
  return body === undefined ? { kind: "remove", key } : { kind: "put", key, value: sealValue(key, type, lsn, body) }
}

/** The body inside a value. */
export function bodyOf({ value }: OpenedValue): Buffer {
  return value.subarray(VALUE_HEADER_BYTES)
}
