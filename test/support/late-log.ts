/**
 * A message log whose tail and promise come late, as a replicated log's would: append() answers its sequence
 * at once, onTail and onKept are called later, in order, for a batch of records.
 *
 *   append ──▶ inner log        showTail(n)  ──▶ onTail(first, count)
 *                               promise(n)   ──▶ onKept(), `kept` n tickets higher
 *
 * The two are independent: a record may be promised before it is shown, and shown before it is promised.
 * By hand, or with `schedule` everything outstanding comes with the next scheduled step after an append.
 */
import type { PublishView } from "../../src/codec/publish-view.ts"
import type { AppendRefusal, KeptHandler, LogTopicHolder, MessageLog, TailHandler } from "../../src/store/ports.ts"
import { WrappedLog } from "./wrapped-log.ts"

export class LateLog extends WrappedLog implements MessageLog {
  readonly #schedule: ((step: () => void) => void) | undefined
  #scheduled = false
  #shown: number
  #promised: number
  #onTail: TailHandler = () => undefined
  #onKept: KeptHandler = () => undefined

  constructor(inner: MessageLog, schedule?: (step: () => void) => void) {
    super(inner)
    this.#schedule = schedule
    this.#shown = inner.next
    this.#promised = inner.ticket
  }

  /** Records appended and not shown yet. */
  get unshown(): number {
    return this.inner.next - this.#shown
  }

  get unpromised(): number {
    return this.inner.ticket - this.#promised
  }

  /** Calls onTail once, for at most `records` of them. */
  showTail(records: number = Number.POSITIVE_INFINITY): void {
    const count = Math.min(records, this.unshown)
    if (count <= 0) return
    const first = this.#shown
    this.#shown += count
    this.#onTail(first, count)
  }

  promise(records: number = Number.POSITIVE_INFINITY): void {
    const count = Math.min(records, this.unpromised)
    if (count <= 0) return
    this.#promised += count
    this.#onKept()
  }

  append(
    view: PublishView,
    topic: LogTopicHolder,
    publisher: number,
    expiresAtMs: number,
    packetIdentifier: number
  ): number {
    const sequence = this.inner.append(view, topic, publisher, expiresAtMs, packetIdentifier)
    if (sequence >= 0 && this.#schedule !== undefined && !this.#scheduled) {
      this.#scheduled = true
      this.#schedule(() => {
        this.#scheduled = false
        this.showTail()
        this.promise()
      })
    }
    return sequence
  }

  onTail(handler: TailHandler): void {
    this.#onTail = handler
  }
  onKept(handler: KeptHandler): void {
    this.#onKept = handler
  }

  get ticket(): number {
    return this.inner.ticket
  }
  get kept(): number {
    return this.#promised
  }
  get durable(): number {
    return this.#promised
  }
  get written(): number {
    return this.#promised
  }
  get lane(): number {
    return this.inner.lane
  }
  get refusal(): AppendRefusal {
    return this.inner.refusal
  }
  get pressure(): number {
    return this.inner.pressure
  }
}
