/**
 * Is a message still needed? And how much of a file is?
 *
 *   needed   a reader may still come to it                                    as of the pass's beginning
 *   held     it is sent and not acknowledged, or waits in a shared one        as of now, see below
 *   pinned   it is retained, supersedes a retained one, or may be replayed    as of now
 *
 * What nobody needed when the pass began nobody comes to need, with one exception: a retained message is sent to new
 * subscribers until it is superseded, and then it is held by those whose acknowledgement is out. So what is held is looked
 * up again after a message was found not to be pinned any more: at most once per step, for messages that were retained.
 */
import * as Effect from "effect/Effect"
import type { CompactionFile, CompactionTarget } from "./compaction-target.ts"
import type { Liveness } from "./ports.ts"

export interface Measure {
  readonly file: CompactionFile
  readonly liveBytes: number
  readonly liveMessages: number
}

export class Need {
  readonly #target: CompactionTarget
  readonly #liveness: Liveness
  readonly #heldFirst: ReadonlySet<number>
  #heldNow: ReadonlySet<number> | undefined = undefined

  constructor(target: CompactionTarget, liveness: Liveness) {
    this.#target = target
    this.#liveness = liveness
    this.#heldFirst = new Set(liveness.held)
  }

  /** Other work has run since. */
  nextStep(): void {
    this.#heldNow = undefined
  }

  isLive(sequence: number, wasRetained: boolean): boolean {
    const topicId = this.#target.topicAt(sequence)
    if (topicId < 0) return false
    if (this.#liveness.neededFrom(topicId) <= sequence || this.#heldFirst.has(sequence)) return true
    if (this.#target.isPinned(sequence)) return true
    return wasRetained && this.#held.has(sequence)
  }

  /** Looks at every message of the file, at most `batchMessages` in one turn. */
  measure(file: CompactionFile, batchMessages: number): Effect.Effect<Measure> {
    return Effect.gen({ self: this }, function* () {
      const { endSequence, firstSequence } = file
      const target = this.#target
      let liveBytes = 0
      let liveMessages = 0
      let left = batchMessages
      let at = target.nextMessage(firstSequence)
      for (; at < endSequence; at = target.nextMessage(at + 1)) {
        if (this.isLive(at, false)) {
          liveBytes += target.sizeAt(at)
          liveMessages++
        }
        if (--left > 0) continue
        left = batchMessages
        yield* turn
      }
      // Last, when none of the others can begin to be held any more.
      this.nextStep()
      for (const held of this.#held) {
        if (held < firstSequence || held >= endSequence || this.isLive(held, false) || target.topicAt(held) < 0)
          continue
        liveBytes += target.sizeAt(held)
        liveMessages++
      }
      return { file, liveBytes, liveMessages }
    })
  }

  get #held(): ReadonlySet<number> {
    this.#heldNow ??= new Set(this.#liveness.held)
    return this.#heldNow
  }
}

const turn: Effect.Effect<void> = Effect.callback((resume) => void setImmediate(() => resume(Effect.void)))
