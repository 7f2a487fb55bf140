/**
 * The derived index as its users see it, and the one in memory.
 *
 *   commit    operations and meta as one: after a crash the index is as before or as after
 *   entries   everything but meta; nothing is committed between the first and the last of them
 *
 * The index never holds what the log may still lose: who commits has seen the log durable up to meta.appliedLsn.
 * Any failure is the index's own and final for this run: it is given up, the log goes on (indexer.ts).
 *
 * MemoryIndex holds the same bytes in a map: where LMDB cannot be had, it is what snapshots are made from, and the
 * snapshots and the log are what the next start reads.
 *
 * Elsewhere: LMDB (lmdb-index.ts); what keys and values are (index-values.ts).
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { IndexOperation } from "./index-changes.ts"
import { type IndexEntry, type IndexMeta, subscriptionsPrefix } from "./index-values.ts"

export class IndexFailed extends Schema.TaggedError<IndexFailed>()("IndexFailed", {
  /** The device had no room, and nothing was promised: what was committed before is whole. */
  isFull: Schema.Boolean,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `the index failed: ${this.cause instanceof Error ? this.cause.message : String(this.cause)}`
  }
}

export interface StoreIndex {
  /** As committed last; undefined while nothing was. */
  readonly meta: IndexMeta | undefined
  commit(operations: Iterable<IndexOperation>, meta: IndexMeta): Effect.Effect<void, IndexFailed>
  /** Throws where the index cannot be read: read it under a guard. */
  entries(): Iterable<IndexEntry>
}

export class MemoryIndex implements StoreIndex {
  meta: IndexMeta | undefined = undefined
  readonly #entries = new Map<string, IndexEntry>()
  /** Keys of each session's subscriptions, by their common beginning. */
  readonly #subscriptions = new Map<string, Set<string>>()

  commit(operations: Iterable<IndexOperation>, meta: IndexMeta): Effect.Effect<void> {
    return Effect.sync(() => {
      for (const operation of operations) this.#run(operation)
      this.meta = meta
    })
  }

  entries(): Iterable<IndexEntry> {
    return this.#entries.values()
  }

  #run(operation: IndexOperation): void {
    if (operation.kind === "put") this.put(operation)
    else if (operation.kind === "remove") this.#remove(operation.key.toString("latin1"))
    else {
      const prefix = operation.prefix.toString("latin1")
      for (const key of this.#subscriptions.get(prefix) ?? []) this.#entries.delete(key)
      this.#subscriptions.delete(prefix)
    }
  }

  put({ key, value }: IndexEntry): void {
    const name = key.toString("latin1")
    this.#entries.set(name, { key, value })
    const prefix = prefixOf(name)
    if (prefix === undefined) return
    const names = this.#subscriptions.get(prefix)
    if (names === undefined) this.#subscriptions.set(prefix, new Set([name]))
    else names.add(name)
  }

  #remove(name: string): void {
    this.#entries.delete(name)
    const prefix = prefixOf(name)
    if (prefix !== undefined) this.#subscriptions.get(prefix)?.delete(name)
  }
}

const SUBSCRIPTIONS_PREFIX = subscriptionsPrefix(0)

function prefixOf(name: string): string | undefined {
  const isSubscription = name.charCodeAt(0) === SUBSCRIPTIONS_PREFIX[0]
  return isSubscription ? name.slice(0, SUBSCRIPTIONS_PREFIX.length) : undefined
}
