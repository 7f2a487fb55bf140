/**
 * Durable stores for tests: options small enough that files rotate and caches overflow, messages by number, and a store
 * whose end the test decides.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { buildPublish } from "../../src/codec/build-publish.ts"
import { PublishView } from "../../src/codec/publish-view.ts"
import { viewTrusted } from "../../src/codec/read-publish.ts"
import { type DurableStore, type DurableStoreOptions, openDurableStore } from "../../src/store/durable-store.ts"
import type { MessageLog } from "../../src/store/ports.ts"
import type { StoreFs } from "../../src/wal/store-fs.ts"
import { durableOptions } from "./durable-world.ts"
import { type LifeLog, topicOf } from "./session-life.ts"

export const storeOptions = (fs: StoreFs, more: Partial<DurableStoreOptions> = {}): DurableStoreOptions => ({
  ...durableOptions(fs),
  limitBytes: 32 * 1_048_576,
  retained: { maxMessages: 1_000_000, maxBytes: 2 ** 40, visitsMax: 1000 },
  index: "memory",
  ...more
})

/** A store whose scope the test closes, or does not: then the power went. */
export const openStoreManually = (options: DurableStoreOptions) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const store = yield* Scope.provide(openDurableStore(options), scope)
    return { store, close: Scope.close(scope, Exit.void) }
  })

export interface Published {
  readonly topic: string
  readonly payload?: string
  readonly qos?: number
  readonly retain?: boolean
  readonly publisher?: number
  readonly packetIdentifier?: number
  readonly expiresAtMs?: number
}

const view = new PublishView()

/** Answers the sequence, or -1. */
export function publishTo(log: MessageLog, message: Published): number {
  const { packetIdentifier = 0, payload = "x", publisher = 0, qos = 1, retain = false, topic } = message
  const frame = buildPublish(5, topic, Buffer.from(payload), qos, retain, Buffer.alloc(0))
  viewTrusted(view, frame, 0, frame.length, true)
  const holder = { bytes: Buffer.from(topic), logTopic: -1, logStamp: 0 }
  return log.append(view, holder, publisher, message.expiresAtMs ?? Number.POSITIVE_INFINITY, packetIdentifier)
}

/** The log as a life of sessions wants it. */
export function lifeLog({ log }: Pick<DurableStore, "log">): LifeLog {
  return {
    get next() {
      return log.next
    },
    message: (publisher, packetIdentifier) => {
      const sequence = publishTo(log, { topic: topicOf(log.next), qos: 2, publisher, packetIdentifier })
      return sequence < 0 ? -1 : log.ticket
    }
  }
}
