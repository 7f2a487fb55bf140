/**
 * One timer wheel for many deadlines: keep-alive, will delay, session expiry, connect timeout.
 *
 * A single ring of slots, one tick wide each; an item further ahead than one round stays in its slot and is
 * passed over until its own round comes. schedule and cancel cost O(1); advance costs one visit per slot
 * passed (never more than one round, however far the clock jumped) and per item met there.
 *
 * Invariants
 * - An item fires in the first advance() whose tick has reached the deadline: never early, late by less than one
 *   tick plus the distance between two advances. Within one advance no order is promised.
 * - An item fires at most once, and never after cancel(), not even when it is cancelled from inside `fire`.
 * - What `fire` schedules with a deadline already reached fires in the next advance, so a loop cannot form.
 *
 * Elsewhere: the clock (an argument, any epoch, but always the same one; a step back is ignored) and the loop
 * that calls advance. An owner that is often postponed (keep-alive) does not cancel: its timer fires, it looks
 * at what happened meanwhile and schedules again.
 */
import { assert } from "./assert.ts"

/** What schedule() hands out and cancel() takes; its fields are the wheel's own. */
export interface TimerHandle<T> {
  readonly item: T
  readonly pending: boolean
}

export class TimerWheel<T> {
  readonly #tickMs: number
  readonly #slots: Array<Link<T>>
  /** Scheduled with a deadline already reached: fires in the next advance, whatever its tick. */
  readonly #overdue = new Link<T>()
  /** Taken out of their slots by the advance that is running. */
  readonly #firing = new Link<T>()
  #tick = 0
  #size = 0

  constructor(tickMs: number, slots: number) {
    assert(tickMs > 0 && Number.isSafeInteger(slots) && slots > 0, "a wheel needs a tick and at least one slot")
    this.#tickMs = tickMs
    this.#slots = Array.from({ length: slots }, () => new Link<T>())
  }

  /** Items that are neither fired nor cancelled. */
  get size(): number {
    return this.#size
  }

  schedule(item: T, deadlineMs: number): TimerHandle<T> {
    const timer = new Timer(item)
    this.#line(timer, deadlineMs)
    this.#size++
    return timer
  }

  /** Another deadline for one that is pending; false when it has fired, or was cancelled. */
  move(handle: TimerHandle<T>, deadlineMs: number): boolean {
    const timer = handle as Timer<T>
    if (!timer.pending) return false
    unlink(timer)
    this.#line(timer, deadlineMs)
    return true
  }

  /** True when it was still pending; a handle that has fired or was cancelled before is let be. */
  cancel(handle: TimerHandle<T>): boolean {
    const timer = handle as Timer<T>
    if (!timer.pending) return false
    this.#settle(timer)
    return true
  }

  advance(nowMs: number, fire: (item: T) => void): void {
    const from = this.#tick
    const to = Math.max(from, Math.floor(nowMs / this.#tickMs))
    this.#tick = to
    this.#collect(this.#overdue, to)
    const visits = Math.min(to - from, this.#slots.length)
    for (let visit = 0; visit < visits; visit++) this.#collect(this.#slotOf(to - visit), to)
    for (let link = this.#firing.next; link !== this.#firing; link = this.#firing.next) {
      const timer = link as Timer<T>
      this.#settle(timer)
      fire(timer.item)
    }
  }

  #line(timer: Timer<T>, deadlineMs: number): void {
    assert(Number.isFinite(deadlineMs), "a deadline is a finite time; what never ends is not scheduled")
    timer.tick = Math.max(0, Math.ceil(deadlineMs / this.#tickMs))
    insertBefore(timer.tick <= this.#tick ? this.#overdue : this.#slotOf(timer.tick), timer)
  }

  #slotOf(tick: number): Link<T> {
    return this.#slots[tick % this.#slots.length] as Link<T>
  }

  /** Moves what is due at `tick` out of one slot; items of later rounds stay. */
  #collect(slot: Link<T>, tick: number): void {
    for (let link = slot.next; link !== slot; ) {
      const timer = link as Timer<T>
      link = link.next
      if (timer.tick > tick) continue
      unlink(timer)
      insertBefore(this.#firing, timer)
    }
  }

  #settle(timer: Timer<T>): void {
    unlink(timer)
    timer.pending = false
    this.#size--
  }
}

/** A circular list: an empty head points at itself, so that neither end is a special case. */
class Link<T> {
  next: Link<T> = this
  previous: Link<T> = this
}

class Timer<T> extends Link<T> implements TimerHandle<T> {
  readonly item: T
  tick = 0
  pending = true
  constructor(item: T) {
    super()
    this.item = item
  }
}

function insertBefore<T>(position: Link<T>, link: Link<T>): void {
  link.previous = position.previous
  link.next = position
  position.previous.next = link
  position.previous = link
}

function unlink<T>(link: Link<T>): void {
  link.previous.next = link.next
  link.next.previous = link.previous
  link.next = link
  link.previous = link
}
