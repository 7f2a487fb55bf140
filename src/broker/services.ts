/**
 * The broker's services as Effect knows them: each port with its production layer. app.ts composes them;
 * tests swap one for another (reference codec, naive router, deny-all access, a log whose tail comes late).
 *
 * Only names and constructors live here. What a port promises stands in its own file: codec/codec.ts,
 * router/router.ts, store/ports.ts, access/access.ts.
 */
import { randomFillSync } from "node:crypto"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ByteHash, KEYS } from "../base/byte-hash.ts"
import type { Codec } from "../codec/codec.ts"
import { ownCodec } from "../codec/own.ts"
import { Counters } from "../metrics/counters.ts"
import { DropLedger } from "../metrics/drop-ledger.ts"
import type { Router } from "../router/router.ts"
import { makeTreeRouter } from "../router/tree-router.ts"
import type { Session } from "../session/session.ts"
import { defaultSettings, type Settings } from "../settings/settings.ts"
import { MemoryLog } from "../store/memory-log.ts"
import { type MemoryRetainedOptions, makeMemoryRetained } from "../store/memory-retained.ts"
import { memorySessions } from "../store/memory-sessions.ts"
import type { MessageLog, RetainedStore, SessionStore } from "../store/ports.ts"
import { Log } from "../telemetry/logging.ts"
import type { Clock } from "./core.ts"

/** The settings in force. `current` is replaced as a whole when a run-time setting changes. */
export interface SettingsHolder {
  readonly initial: Settings
  current: Settings
}

export class BrokerSettings extends Context.Service<BrokerSettings, SettingsHolder>()(
  "promptmq/broker/BrokerSettings"
) {
  static readonly layer = (settings: Settings = defaultSettings) =>
    Layer.sync(BrokerSettings, () => ({ initial: settings, current: settings }))
}

export class CodecPort extends Context.Service<CodecPort, Codec>()("promptmq/broker/CodecPort") {
  static readonly layer = Layer.succeed(CodecPort, ownCodec)
}

export class RouterPort extends Context.Service<RouterPort, Router<Session>>()("promptmq/broker/RouterPort") {
  static readonly layer = Layer.effect(
    RouterPort,
    Effect.map(BrokerSettings, ({ initial }) =>
      makeTreeRouter<Session>({
        cachedEntriesMax: initial.topics.cachedEntries,
        hash: new ByteHash(randomFillSync(new Int32Array(KEYS)))
      })
    )
  )
}

export class MessageLogPort extends Context.Service<MessageLogPort, MessageLog>()("promptmq/broker/MessageLogPort") {
  static readonly layerMemory = Layer.effect(
    MessageLogPort,
    Effect.map(BrokerSettings, ({ initial }) => new MemoryLog({ limitBytes: initial.storage.memoryBufferBytes }))
  )
}

export class SessionStorePort extends Context.Service<SessionStorePort, SessionStore>()(
  "promptmq/broker/SessionStorePort"
) {
  static readonly layerMemory = Layer.succeed(SessionStorePort, memorySessions)
}

/** Topics one page of retained messages looks at before the loop has another turn. */
const RETAINED_VISITS_MAX = 4096

export class RetainedPort extends Context.Service<RetainedPort, RetainedStore>()("promptmq/broker/RetainedPort") {
  static readonly layerMemory = Layer.effect(
    RetainedPort,
    Effect.map(BrokerSettings, (settings) => makeMemoryRetained(retainedOptions(settings)))
  )
}

/** Limits of retained messages; run-time settings, read when a message is kept. */
export const retainedOptions = (settings: SettingsHolder): MemoryRetainedOptions => ({
  get maxMessages() {
    return settings.current.mqtt.maxRetainedMessages
  },
  get maxBytes() {
    return settings.current.mqtt.maxRetainedBytes
  },
  visitsMax: RETAINED_VISITS_MAX
})

export class Ledger extends Context.Service<Ledger, DropLedger>()("promptmq/broker/Ledger") {
  static readonly layer = Layer.effect(
    Ledger,
    Effect.map(BrokerSettings, ({ initial }) => new DropLedger({ rowsMax: initial.limits.maxDropRows }))
  )
}

export class CountersPort extends Context.Service<CountersPort, Counters>()("promptmq/broker/CountersPort") {
  static readonly layer = Layer.sync(CountersPort, () => new Counters())
}

export class BrokerClock extends Context.Service<BrokerClock, Clock>()("promptmq/broker/BrokerClock") {
  static readonly layer = Layer.sync(BrokerClock, () => {
    // Never changes, and asking for it makes a number each time.
    const { timeOrigin } = performance
    return { loopMs: () => performance.now(), wallOffsetMs: () => timeOrigin }
  })
}

/** The log of events as a plain object: the verbs write to it without an Effect. */
export class EventLog extends Context.Service<EventLog, Log>()("promptmq/broker/EventLog") {
  /** For embedding and tests: nothing is written. */
  static readonly layerSilent = Layer.sync(
    EventLog,
    () => new Log({ format: "text", level: "fatal", colour: false, write: () => {}, wallClockMs: () => 0 })
  )
}
