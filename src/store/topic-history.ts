/**
 * Which topics keep their messages, and when those came: MessageHistory of the log on disk.
 *
 * A topic's answer is remembered where the topic's id is (LogTopicHolder), under the number of the policies' generation:
 * per message it costs a load and a comparison, and while no policy keeps anything not even those.
 *
 *   holder.history   generation * 2 + (kept ? 1 : 0), 0 = never asked
 *
 * Elsewhere: what keeps the messages in the log (durable-index.ts, isPinned), when they came (time-marks.ts).
 */
import type { LogTopicHolder, MessageHistory } from "./ports.ts"
import { TimeMarks } from "./time-marks.ts"
import type { TopicPolicies, TopicPolicy } from "./topic-policy.ts"

export interface HistorySource {
  policyOf(topicId: number): TopicPolicy | undefined
  /** See MessageHistory. */
  readonly settled: number
}

export class TopicHistory implements MessageHistory {
  readonly marks = new TimeMarks()
  readonly #policies: TopicPolicies
  readonly #source: HistorySource
  #generation = 1
  #keepsAny = false

  constructor(policies: TopicPolicies, source: HistorySource) {
    this.#policies = policies
    this.#source = source
  }

  /** The policies are others now. */
  changed(): void {
    this.#generation += 1
    this.#keepsAny = this.#policies.keepsReplay
  }

  keeps(topic: LogTopicHolder): boolean {
    if (!this.#keepsAny) return false
    const known = topic.history ?? 0
    if (Math.floor(known / 2) === this.#generation) return known % 2 === 1
    const isKept = isReplayed(this.#policies.at(this.#policies.indexOf(topic.bytes.toString("utf8"))))
    topic.history = this.#generation * 2 + (isKept ? 1 : 0)
    return isKept
  }

  isKept(topicId: number): boolean {
    return this.#keepsAny && isReplayed(this.#source.policyOf(topicId))
  }

  get settled(): number {
    return this.#source.settled
  }

  positionAt(ms: number): number {
    return this.marks.at(ms)
  }
}

function isReplayed(policy: TopicPolicy | undefined): boolean {
  return (policy?.replayMs ?? 0) > 0
}
