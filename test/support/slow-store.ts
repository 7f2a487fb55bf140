/**
 * A store whose promise, memory and patience are in the test's hands: a message log and a session store that give
 * tickets from one counter, as the durable engine does.
 *
 *   keep(n)          the next n tickets are kept (of all lanes, or of one)
 *   refuse           what append() and the steps answer -1 for
 *   isColdFrom/To    records that have to be loaded first; load by load, with finishLoads()
 *   records          every record with its ticket, in order: "MSG 0 id 7", "Q2OUT 3 id 1" ...
 *
 * Messages are shown within append(), as embedded. The inner log keeps them.
 */
import type { PublishView } from "../../src/codec/publish-view.ts"
import { MemoryLog } from "../../src/store/memory-log.ts"
import { memorySessions } from "../../src/store/memory-sessions.ts"
import {
  type AppendRefusal,
  KeepLane,
  type KeptHandler,
  type LogRecord,
  type LogTopicHolder,
  type MessageLog,
  type SavedExchange,
  type SessionStore,
  type TailHandler
} from "../../src/store/ports.ts"
import { WrappedLog } from "./wrapped-log.ts"

export class SlowStore extends WrappedLog<MemoryLog> implements MessageLog {
  readonly records: Array<string> = []
  /** Everything is refused with this. */
  refuse: AppendRefusal | undefined = undefined
  /** Steps and values of sessions are refused, messages are not. */
  refusesSteps = false
  lane: number = KeepLane.policy
  pressure = 0
  /** The policy promises no more than what append() itself does. */
  isWrittenAtOnce = false
  kept = 0
  durable = 0
  written = 0
  /** Records of [from, to) are on the disk until they are loaded. */
  cold = { from: 0, to: 0 }
  /** Records that cannot be read back. */
  readonly lost = new Set<number>()
  readonly #loaded = new Set<number>()
  readonly #loads: Array<{ readonly sequence: number; readonly done: () => void }> = []
  #onKept: KeptHandler = () => undefined
  readonly sessions: SessionStore = this.#sessionStore()

  constructor() {
    super(new MemoryLog({ limitBytes: 4_194_304 }))
  }

  get ticket(): number {
    return this.records.length
  }

  /** The next `count` tickets are kept, in every lane or in one. */
  keep(count: number = Number.POSITIVE_INFINITY, lane?: number): void {
    if (lane === undefined || lane === KeepLane.written) this.written = Math.min(this.ticket, this.written + count)
    if (lane === undefined || lane === KeepLane.durable) this.durable = Math.min(this.ticket, this.durable + count)
    if (lane === undefined || lane === KeepLane.policy) this.kept = Math.min(this.ticket, this.kept + count)
    this.#onKept()
  }

  /** Ticket of the newest record whose text begins so, 0 when there is none. */
  ticketOf(text: string): number {
    return this.records.findLastIndex((record) => record.startsWith(text)) + 1
  }

  /** Of the newest message that came, or was sent, under the packet identifier. */
  sequenceOf(packetIdentifier: number): number {
    return sequenceIn(this.records, /^MSG (\d+) id (\d+)$/, packetIdentifier)
  }
  sequenceSentAs(packetIdentifier: number): number {
    return sequenceIn(this.records, /^Q2OUT (\d+) id (\d+) /, packetIdentifier)
  }

  /** The disk answers everything asked of it. */
  finishLoads(): number {
    const loads = this.#loads.splice(0)
    for (const { done, sequence } of loads) {
      this.#loaded.add(sequence)
      done()
    }
    return loads.length
  }

  /** Memory was needed for something else. */
  forgetLoaded(): void {
    this.#loaded.clear()
  }

  get refusal(): AppendRefusal {
    return this.refuse ?? "too-large"
  }

  append(
    view: PublishView,
    topic: LogTopicHolder,
    publisher: number,
    expiresAtMs: number,
    packetIdentifier: number
  ): number {
    if (this.refuse !== undefined) return -1
    this.records.push(`MSG ${this.next} id ${packetIdentifier}`)
    const sequence = this.inner.append(view, topic, publisher, expiresAtMs, packetIdentifier)
    if (sequence < 0) this.records.pop()
    if (this.isWrittenAtOnce) this.kept = this.written = this.ticket
    return sequence
  }

  onTail(handler: TailHandler): void {
    this.inner.onTail(handler)
  }
  onKept(handler: KeptHandler): void {
    this.#onKept = handler
  }
  override isReady(sequence: number): boolean {
    return sequence < this.cold.from || sequence >= this.cold.to || this.#loaded.has(sequence)
  }
  override load(sequence: number, done: () => void): void {
    this.#loads.push({ sequence, done })
  }
  override read(sequence: number, record: LogRecord): boolean {
    if (!this.isReady(sequence)) throw new Error(`${sequence} is read from the disk, while everybody waits`)
    return !this.lost.has(sequence) && this.inner.read(sequence, record)
  }

  override together(): void {
    // Nothing is lost here, together or otherwise.
  }
  override wouldDropBelow(): number {
    return -1
  }

  #sessionStore(): SessionStore {
    const put = (text: string): number => {
      if (this.refusesSteps || this.refuse !== undefined) return -1
      this.records.push(text)
      return this.records.length
    }
    const exchange = ({ filter, kind, packetIdentifier, sequence }: SavedExchange): string =>
      `${sequence} id ${packetIdentifier} ${kind} ${filter}`.trim()
    return {
      isDurable: true,
      takeRecovered: memorySessions.takeRecovered,
      saveSession: ({ clientIdentifier }) => put(`SESSION ${clientIdentifier}`),
      endSession: (number) => put(`SESSION-END ${number}`),
      saveSubscription: (_number, filter) => put(`SUB ${filter}`),
      endSubscription: (_number, filter) => put(`UNSUB ${filter}`),
      saveCursor: (number, { cursor }) => put(`CURSOR of ${number}: ${cursor}`),
      saveGroup: (text) => put(`GROUP ${text}`),
      endGroup: (text) => put(`GROUP-END ${text}`),
      received: (_number, packetIdentifier) => put(`Q2IN id ${packetIdentifier}`),
      released: (_number, packetIdentifier) => put(`Q2REL id ${packetIdentifier}`),
      sent: (_number, sent) => put(`Q2OUT ${exchange(sent)}`),
      sentReceived: (_number, packetIdentifier) => put(`Q2OUT-REC id ${packetIdentifier}`),
      sentDone: (_number, packetIdentifier) => put(`Q2OUT-DONE id ${packetIdentifier}`)
    }
  }
}

const sequenceIn = (records: ReadonlyArray<string>, pattern: RegExp, packetIdentifier: number): number => {
  for (let i = records.length - 1; i >= 0; i--) {
    const [, sequence, id] = pattern.exec(records[i] as string) ?? []
    if (Number(id) === packetIdentifier) return Number(sequence)
  }
  return -1
}
