/**
 * What single topics are promised and may take: a table of policies, the first whose filter matches a topic is the
 * topic's own.
 *
 * Resolved once per topic id (log-topics.ts holds the answer): per message it costs one load. Changing the table makes
 * all topics unknown again.
 */
import { matches } from "../router/topic-filter.ts"
import type { AcknowledgePolicy } from "../wal/policy.ts"
import { KeepLane } from "./ports.ts"

export interface TopicPolicy {
  readonly filter: string
  /** What acknowledgements of its messages wait for, instead of the log's own policy. */
  readonly acknowledge?: AcknowledgePolicy | undefined
  /** Every message asks for a sync, whatever the mode. */
  readonly forceFsync?: boolean | undefined
  /** What the topic may have in the log; beyond it messages are refused. */
  readonly maxBytes?: number | undefined
  readonly maxMessages?: number | undefined
  /** Messages are kept that long for replay, wanted or not. */
  readonly replayMs?: number | undefined
  /** Messages older than that may go although a session waits for them. */
  readonly maxAgeMs?: number | undefined
}

export const NO_POLICY = 0

export class TopicPolicies {
  #table: ReadonlyArray<TopicPolicy> = []

  set(table: ReadonlyArray<TopicPolicy>): void {
    this.#table = table
  }

  get isEmpty(): boolean {
    return this.#table.length === 0
  }

  /** Index of the topic's policy, NO_POLICY when no filter matches it. */
  indexOf(topic: string): number {
    return this.#table.findIndex(({ filter }) => matches(filter, topic)) + 1
  }

  at(index: number): TopicPolicy | undefined {
    return this.#table[index - 1]
  }

  get keepsReplay(): boolean {
    return this.#table.some(({ replayMs = 0 }) => replayMs > 0)
  }
}

export function laneOf({ acknowledge }: TopicPolicy): number {
  return acknowledge === undefined ? KeepLane.policy : KeepLane[acknowledge]
}
