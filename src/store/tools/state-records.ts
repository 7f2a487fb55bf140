/**
 * Sessions and groups as the control records that make a start find them so: for salvage and import, which write them
 * behind all messages, in a log that knew none of them.
 *
 *   session   SESSION, SUB per filter, CURSOR with what is open below it, then a Q2OUT for what was handed over above it:
 *             a CURSOR alone would let it be handed over again. What was also finished gets its Q2OUT-DONE
 *   group     GROUP, then a Q2OUT (and DONE) for what a member has at QoS 2
 *
 * Positions go through `move`: where a store is made anew, messages have other numbers.
 */
import { ExchangeState } from "../../session/outgoing-window.ts"
import { RecordType } from "../../wal/record.ts"
import {
  encodeCursor,
  encodeGroup,
  encodeSession,
  encodeSubscription,
  STEP_BYTES_MAX,
  writeExchange,
  writePacketIdentifier
} from "../control-records.ts"
import type { Recovered, RecoveredSession, SavedExchange, SavedInterval, SavedReplay } from "../ports.ts"

export interface ControlBody {
  readonly type: number
  readonly number: number
  readonly body: Buffer
}

export interface Move {
  /** Where the first message at or above it is now. */
  readonly position: (position: number) => number
  /** Where exactly this message is now, -1 when it is not there. */
  readonly message: (sequence: number) => number
}

export const unmoved: Move = { position: (position) => position, message: (sequence) => sequence }

export function* sessionRecords(recovered: RecoveredSession, number: number, move: Move): Generator<ControlBody> {
  const { cursor, handed, session, subscriptions } = recovered
  yield { type: RecordType.session, number, body: encodeSession({ ...session, number }) }
  for (const [filter, { intervals, retainedBelow }] of subscriptions) {
    const moved = intervals.map((interval) => movedInterval(interval, move))
    const below = retainedBelow < 0 ? -1 : move.position(retainedBelow)
    yield {
      type: RecordType.subscribe,
      number,
      body: encodeSubscription(filter, { intervals: moved, retainedBelow: below })
    }
  }
  const open = cursor.open.flatMap((exchange) => movedExchange(exchange, move))
  const above = new Set([...handed].map(move.message))
  const isAbove = ({ kind, sequence }: SavedExchange): boolean => kind === "ordinary" && above.has(sequence)
  yield {
    type: RecordType.cursor,
    number,
    body: encodeCursor({
      cursor: move.position(cursor.cursor),
      open: open.filter((exchange) => !isAbove(exchange)),
      incoming: cursor.incoming,
      retained: cursor.retained.map((each) => ({ ...each, below: move.position(each.below) })),
      replays: cursor.replays?.map(({ filter, ...replay }) => ({ filter, ...movedReplay(replay, move) }))
    })
  }
  for (const exchange of open.filter(isAbove)) {
    above.delete(exchange.sequence)
    yield sentRecord(number, exchange)
  }
  const packetIdentifier = freeIdentifier(cursor.open)
  const gotAlready = [...above].filter((sequence) => sequence >= 0)
  for (const each of gotAlready) yield* finished(number, packetIdentifier, each, "ordinary", "") // [TOOL-5]
}

/** `number` stands for members that are not known any more. */
export function* groupRecords(
  text: string,
  group: Recovered["groups"] extends ReadonlyMap<string, infer G> ? G : never,
  number: number,
  move: Move
): Generator<ControlBody> {
  const requeued = group.requeued.map(move.message).filter((sequence) => sequence >= 0)
  const moved = { bornAt: move.position(group.bornAt), cursor: move.position(group.cursor), requeued }
  yield { type: RecordType.group, number: 0, body: encodeGroup(text, moved) }
  for (const sequence of [...group.handed].map(move.message)) {
    if (sequence >= 0) yield* finished(number, 1, sequence, "shared", text)
  }
}

function movedInterval(interval: SavedInterval, move: Move): SavedInterval {
  const to = interval.to === Number.POSITIVE_INFINITY ? interval.to : move.position(interval.to)
  return { ...interval, from: move.position(interval.from), to }
}

function movedReplay({ handed, head, next }: SavedReplay, move: Move): SavedReplay {
  const stillThere = handed.map(move.message).filter((sequence) => sequence >= 0)
  return { next: move.position(next), head: move.position(head), handed: stillThere }
}

/** An exchange whose message is gone goes on only where the message is not needed any more. */
function movedExchange(exchange: SavedExchange, move: Move): ReadonlyArray<SavedExchange> {
  const sequence = exchange.sequence < 0 ? -1 : move.message(exchange.sequence)
  const isNeeded = exchange.state !== ExchangeState.awaitPubcomp
  return sequence < 0 && exchange.sequence >= 0 && isNeeded ? [] : [{ ...exchange, sequence }]
}

function* finished(
  number: number,
  packetIdentifier: number,
  sequence: number,
  kind: SavedExchange["kind"],
  filter: string
): Generator<ControlBody> {
  yield sentRecord(number, { packetIdentifier, state: ExchangeState.awaitPubcomp, sequence, kind, filter })
  const body = Buffer.alloc(2)
  writePacketIdentifier(body, packetIdentifier)
  yield { type: RecordType.qos2OutDone, number, body }
}

const scratch = Buffer.alloc(STEP_BYTES_MAX)

function sentRecord(number: number, exchange: SavedExchange): ControlBody {
  const length = writeExchange(scratch, exchange)
  return { type: RecordType.qos2Out, number, body: Buffer.from(scratch.subarray(0, length)) }
}

function freeIdentifier(open: ReadonlyArray<SavedExchange>): number {
  const taken = new Set(open.map(({ packetIdentifier }) => packetIdentifier))
  let free = 1
  while (taken.has(free)) free++
  return free
}
