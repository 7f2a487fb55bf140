/**
 * The retained messages in memory: RetainedStore (ports.ts) over a topic tree.
 *
 * `bytes` is the sum of the stored frames' lengths, which contain topic, properties and payload; what
 * JavaScript adds per entry (about 200 bytes) is bounded by `maxMessages`. A change that would pass a
 * limit is refused and leaves what was there. The frame must be its own memory, not a window into a read
 * buffer: the store keeps it.
 *
 * A page is one bounded piece of a walk. It may hold fewer messages than asked for, even none, and still
 * name a `next`: the walk has used up its visits and goes on from there with the next call.
 *
 * Deliberately elsewhere: expiry (the reader compares expiresAtMs with its clock), rights, retain handling.
 */
import { assert } from "../base/assert.ts"
import type { RetainedMessage, RetainedPage, RetainedStore } from "./ports.ts"
import { TopicTree } from "./topic-tree.ts"

export interface MemoryRetainedOptions {
  readonly maxMessages: number
  readonly maxBytes: number
  /** Topics looked at per page() at most. */
  readonly visitsMax: number
}

export interface MemoryRetainedStore extends RetainedStore {
  /** Topics looked at by all pages so far. */
  readonly visits: number
}

export function makeMemoryRetained(options: MemoryRetainedOptions): MemoryRetainedStore {
  return new MemoryRetained(options)
}

class MemoryRetained implements MemoryRetainedStore {
  readonly #options: MemoryRetainedOptions
  readonly #tree = new TopicTree<RetainedMessage>()
  #bytes = 0

  constructor(options: MemoryRetainedOptions) {
    assert(options.visitsMax >= 1, "visitsMax is at least 1")
    this.#options = options
  }

  get count(): number {
    return this.#tree.size
  }

  get bytes(): number {
    return this.#bytes
  }

  get visits(): number {
    return this.#tree.visits
  }

  set(message: RetainedMessage): boolean {
    const previous = this.#tree.get(message.topic)
    const bytes = this.#bytes + message.frame.length - (previous?.frame.length ?? 0)
    if (bytes > this.#options.maxBytes) return false
    if (previous === undefined && this.#tree.size >= this.#options.maxMessages) return false
    this.#tree.set(message.topic, message)
    this.#bytes = bytes
    return true
  }

  clear(topic: string): boolean {
    const previous = this.#tree.delete(topic)
    if (previous === undefined) return false
    this.#bytes -= previous.frame.length
    return true
  }

  get(topic: string): RetainedMessage | undefined {
    return this.#tree.get(topic)
  }

  page(filter: string, after: string | undefined, limit: number): RetainedPage {
    const messages: Array<RetainedMessage> = []
    const next = this.#tree.scan(filter, after, limit, this.#options.visitsMax, (message) => messages.push(message))
    return { messages, next }
  }
}
