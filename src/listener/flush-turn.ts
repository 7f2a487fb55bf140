/**
 * One flush per outbox and loop turn: outboxes that got their first byte in this turn are collected here, and
 * all are flushed together after the turn's reads have been worked through.
 *
 * The gain over writing at once is the largest one on the whole path (one system call for all messages of a
 * turn), and the wait is the rest of the turn, which is spent producing more bytes anyway.
 *
 * Invariants
 * - An outbox is listed at most once (it keeps the mark itself); an outbox that becomes dirty while the flush runs
 *   is flushed in the next turn, so that a flush cannot feed itself for ever.
 * - Nothing is scheduled while nothing is dirty: an idle broker sleeps.
 *
 * Elsewhere: the scheduler (an argument; production: setImmediate, which runs after the poll phase that read).
 */

/** What an outbox offers to the turn. */
export interface TurnMember {
  endTurn(): void
}

/** Told once per turn: when the first outbox got something, and when all have been flushed. */
export interface TurnWatcher {
  turnBegan(): void
  turnEnded(): void
}

export class FlushTurn {
  /** For metrics. */
  watcher: TurnWatcher | undefined = undefined
  readonly #schedule: (run: () => void) => void
  readonly #run = (): void => this.#flushAll()
  #dirty: Array<TurnMember> = []
  #flushing: Array<TurnMember> = []

  constructor(schedule: (run: () => void) => void) {
    this.#schedule = schedule
  }

  add(member: TurnMember): void {
    if (this.#dirty.push(member) > 1) return
    this.#schedule(this.#run)
    this.watcher?.turnBegan()
  }

  #flushAll(): void {
    const members = this.#dirty
    this.#dirty = this.#flushing
    this.#flushing = members
    for (let index = 0; index < members.length; index++) members[index]?.endTurn()
    members.length = 0
    this.watcher?.turnEnded()
  }
}
