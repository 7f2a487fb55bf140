/**
 * What was published last to each topic, for as long as somebody looks at the tree of topics. What goes straight to those
 * who are there (QoS 0 above all) is kept nowhere else.
 *
 *   looksOf(core)   somebody asks: from now on messages are seen, for LEASE_MS
 *   see()           message-watch.ts shows one message, or a run of them
 *   of(topic)       how many were seen, and the beginning of the latest
 *
 * Invariants
 * - [LOOK-1] Nobody asks = nothing is seen: LEASE_MS after the last question the watch is out of the paths again.
 * - [LOOK-2] Bounded: TOPICS_MAX topics, of each the first FRAME_BYTES_MAX bytes of its latest frame. Where there are more,
 *   a quarter is forgotten, at most once in FORGET_EVERY_MS: those longest without a message, never one that is asked for.
 * - [LOOK-3] Of a run the last frame is the value.
 */
import { PublishView } from "../codec/publish-view.ts"
import { viewTrusted } from "../codec/read-publish.ts"
import type { TopicEntry } from "../router/router.ts"
import type { Session } from "../session/session.ts"
import type { Core, Expirable } from "./core.ts"
import { watchOf } from "./traces.ts"

const LEASE_MS = 10_000
const TOPICS_MAX = 2000
const FRAME_BYTES_MAX = 4096
const FORGET_EVERY_MS = 1000
const EMPTY: Buffer = Buffer.alloc(0)

/** One topic. Its frame lies in `bytes` from 0 to `length`, and was `frameBytes` long. */
class Look {
  messages = 0
  atMs = 0
  askedMs = Number.NEGATIVE_INFINITY
  bytes: Buffer = EMPTY
  length = 0
  frameBytes = 0
  isVersion5 = false
  expiresAtMs = Number.POSITIVE_INFINITY
}

export interface SeenTopic {
  /** Since somebody looks. */
  readonly messages: number
  readonly atMs: number
  readonly expiresAtMs: number
  /** Good until the next message; undefined where its properties alone are longer than what is kept. */
  readonly view: PublishView | undefined
  /** Of the payload, which the view may hold the beginning of. */
  readonly payloadBytes: number
}

const shown = new PublishView()

/** Somebody looks, or goes on looking. */
export const looksOf = (core: Core): TopicLooks => {
  const watch = watchOf(core)
  watch.looks ??= new TopicLooks(core)
  watch.looks.renew()
  return watch.looks
}

export class TopicLooks implements Expirable {
  readonly #core: Core
  readonly #byTopic = new Map<string, Look>()
  /** The same, by TopicEntry.serial. */
  readonly #bySerial = new Map<number, Look>()
  #until = 0
  #forgotMs = Number.NEGATIVE_INFINITY

  constructor(core: Core) {
    this.#core = core
    core.wheel.schedule(this, core.loopMs + LEASE_MS)
  }

  renew(): void {
    this.#until = this.#core.loopMs + LEASE_MS
  }

  onTimer(): void {
    const { loopMs, watch, wheel } = this.#core
    if (loopMs < this.#until) wheel.schedule(this, this.#until)
    else if (watch?.looks === this) watch.looks = undefined // [LOOK-1]
  }

  topics(): IterableIterator<string> {
    return this.#byTopic.keys()
  }

  /** Whoever asks for a topic keeps it from being forgotten, be it before its first message. */
  of(topic: string): SeenTopic | undefined {
    const look = this.#byTopic.get(topic) ?? this.#admit(topic)
    if (look === undefined) return undefined
    look.askedMs = this.#core.loopMs
    return look.messages === 0 ? undefined : seen(look)
  }

  /** The same without asking for it: of one topic in a list. */
  glance(topic: string): SeenTopic | undefined {
    const look = this.#byTopic.get(topic)
    return look === undefined || look.messages === 0 ? undefined : seen(look)
  }

  see(view: PublishView, entry: TopicEntry<Session>, frames: number): void {
    const look = this.#bySerial.get(entry.serial) ?? this.#found(entry)
    if (look === undefined) return
    const { nowMs } = this.#core
    const start = frames === 1 ? view.frameStart : this.#lastStart(view) // [LOOK-3]
    const headerBytes = view.payloadStart - view.frameStart
    const length = headerBytes > FRAME_BYTES_MAX ? 0 : Math.min(view.frameEnd - start, FRAME_BYTES_MAX)
    if (look.bytes.length < length) look.bytes = Buffer.allocUnsafeSlow(length)
    view.buffer.copy(look.bytes, 0, start, start + length)
    look.messages += frames
    look.atMs = nowMs
    look.length = length
    look.frameBytes = view.frameEnd - start
    look.isVersion5 = view.isVersion5
    const expirySeconds = view.messageExpiryIntervalSeconds
    look.expiresAtMs = expirySeconds < 0 ? Number.POSITIVE_INFINITY : nowMs + expirySeconds * 1000
  }

  /** [LOOK-3] */
  #lastStart({ buffer, frameEnd, frameStart }: PublishView): number {
    const { codec, limits } = this.#core
    let last = frameStart
    for (let at = frameStart; at < frameEnd; ) {
      last = at
      const length = codec.frameLength(buffer, at, frameEnd, limits.packetSizeBytesMax)
      if (typeof length !== "number" || length <= 0) break
      at += length
    }
    return last
  }

  #found(entry: TopicEntry<Session>): Look | undefined {
    const topic = entry.bytes.toString("utf8")
    const look = this.#byTopic.get(topic) ?? this.#admit(topic)
    if (look === undefined) return undefined
    // A topic that left the router's cache and came back has another serial.
    if (this.#bySerial.size >= 2 * TOPICS_MAX) this.#bySerial.clear()
    this.#bySerial.set(entry.serial, look)
    return look
  }

  #admit(topic: string): Look | undefined {
    if (this.#byTopic.size >= TOPICS_MAX) this.#forget()
    if (this.#byTopic.size >= TOPICS_MAX) return undefined // [LOOK-2]
    const look = new Look()
    this.#byTopic.set(topic, look)
    return look
  }

  #forget(): void {
    const { loopMs } = this.#core
    if (loopMs - this.#forgotMs < FORGET_EVERY_MS) return
    this.#forgotMs = loopMs
    const idle = [...this.#byTopic].filter(([, { askedMs }]) => askedMs < loopMs - LEASE_MS)
    idle.sort(([, a], [, b]) => a.atMs - b.atMs)
    for (const [topic] of idle.slice(0, TOPICS_MAX / 4)) this.#byTopic.delete(topic)
    this.#bySerial.clear()
  }
}

const seen = (look: Look): SeenTopic => {
  const { atMs, bytes, expiresAtMs, frameBytes, isVersion5, length, messages } = look
  if (length === 0) return { messages, atMs, expiresAtMs, view: undefined, payloadBytes: 0 }
  viewTrusted(shown, bytes, 0, length, isVersion5)
  return { messages, atMs, expiresAtMs, view: shown, payloadBytes: frameBytes - shown.payloadStart }
}
