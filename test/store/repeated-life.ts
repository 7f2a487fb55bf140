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

/** The life as it stands when the last of `beginnings` begins, over a store that takes everything and keeps nothing. */
export function repeat(seed: number, beginnings: ReadonlyArray<Beginning>): SessionLife {
  const world = new CountingWorld()
  const life = new SessionLife(randomOf(seed, 0), world.store, world.log)
  for (const [index, beginning] of beginnings.entries()) {
    begin(life, world, seed, index, beginning)
    const end = beginnings[index + 1]?.ticket ?? 0
    while (life.ticket < end) life.step()
  }
  return life
}

/** Lives on from the last beginning until `ticket` at least. */
export function repeatUntil(seed: number, beginnings: ReadonlyArray<Beginning>, ticket: number): SessionLife {
  const life = repeat(seed, beginnings)
  const world = new CountingWorld()
  begin(life, world, seed, beginnings.length - 1, beginnings.at(-1) as Beginning)
  while (life.ticket < ticket) life.step()
  return life
}

export function randomOf(seed: number, index: number): Random {
  return new Random(seed + 1000 * index)
}

function begin(life: SessionLife, world: CountingWorld, seed: number, index: number, { next, ticket }: Beginning): void {
  world.ticket = ticket
  world.next = next
  life.goOn(world.store, world.log, ticket, randomOf(seed, index))
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
