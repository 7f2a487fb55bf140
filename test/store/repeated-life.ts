/**
 * A life of sessions that several processes live one after the other, each killed at some point: who knows the seed and
 * the ticket each of them began at knows what all of them did, and what the store must hold.
 */
import type { SessionStore } from "../../src/store/ports.ts"
import { Random } from "../fault/random.ts"
import { type LifeLog, SessionLife } from "./session-life.ts"

/** What a process found when it opened the store. */
export interface Beginning {
  readonly ticket: number
  readonly next: number
}

/**
 * The life as it stands when the last of `beginnings` begins, or, beyond, at `ticket`, over a store that takes everything
 * and keeps nothing. The truth is kept of these tickets only.
 */
export function repeat(seed: number, beginnings: ReadonlyArray<Beginning>, ticket = 0): SessionLife {
  const world = new CountingWorld()
  const life = new SessionLife(randomOf(seed, 0), world.store, world.log)
  const kept = new Set([ticket, ...beginnings.map((each) => each.ticket)])
  life.keeps = (each) => kept.has(each)
  for (const [index, beginning] of beginnings.entries()) {
    world.ticket = beginning.ticket
    world.next = beginning.next
    life.goOn(world.store, world.log, beginning.ticket, randomOf(seed, index))
    const end = beginnings[index + 1]?.ticket ?? ticket
    while (life.ticket < end) life.step()
  }
  return life
}

export function randomOf(seed: number, index: number): Random {
  return new Random(seed + 1000 * index)
}

class CountingWorld {
  ticket = 0
  next = 0
  readonly #count = (): number => ++this.ticket

  readonly store: SessionStore = {
    isDurable: true,
    takeRecovered: () => ({ sessions: [], groups: new Map(), nextSessionNumber: 1 }),
    saveSession: this.#count,
    endSession: this.#count,
    saveSubscription: this.#count,
    endSubscription: this.#count,
    saveCursor: this.#count,
    saveGroup: this.#count,
    endGroup: this.#count,
    received: this.#count,
    released: this.#count,
    sent: this.#count,
    sentReceived: this.#count,
    sentDone: this.#count
  }
  readonly log: LifeLog = nextOf(this, () => {
    this.next++
    return this.#count()
  })
}

function nextOf(world: { readonly next: number }, message: LifeLog["message"]): LifeLog {
  return {
    get next() {
      return world.next
    },
    message
  }
}
