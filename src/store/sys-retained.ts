/**
 * The retained messages with the broker's own ($SYS) beside them: those are kept apart, so that they count for nothing in
 * limits, figures and liveness, and are never in a log.
 *
 * A filter asks one of the two only: no wildcard at the first level matches a topic that begins with `$` [MQTT-4.7.2-1],
 * so a filter whose text begins with `$` can have nothing but these, and any other none of them.
 */
import { makeMemoryRetained } from "./memory-retained.ts"
import type { RetainedMessage, RetainedPage, RetainedStore } from "./ports.ts"

const DOLLAR = 0x24
/** There are about sixty, of a few bytes each. */
const ownLimits = { maxMessages: 4096, maxBytes: 1_048_576, visitsMax: 4096 }

export class SysRetained implements RetainedStore {
  readonly #inner: RetainedStore
  /** The broker's own. */
  readonly own: RetainedStore = makeMemoryRetained(ownLimits)

  constructor(inner: RetainedStore) {
    this.#inner = inner
  }

  get count(): number {
    return this.#inner.count
  }

  get bytes(): number {
    return this.#inner.bytes
  }

  set(message: RetainedMessage): boolean {
    return this.#inner.set(message)
  }

  clear(topic: string): boolean {
    return this.#of(topic).clear(topic)
  }

  get(topic: string): RetainedMessage | undefined {
    return this.#of(topic).get(topic)
  }

  page(filter: string, after: string | undefined, limit: number): RetainedPage {
    return this.#of(filter).page(filter, after, limit)
  }

  #of(text: string): RetainedStore {
    return text.charCodeAt(0) === DOLLAR ? this.own : this.#inner // [SYS-1]
  }
}
