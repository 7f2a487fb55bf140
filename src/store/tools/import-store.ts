/**
 * An export (export-store.ts) into a store that is new or stopped. The file is checked whole first; then everything is
 * appended to the log, as a broker would have done it, and becomes true with one sync at the end.
 *
 * - Messages get the next free numbers, in their order; positions in cursors, intervals and groups move with them, so
 *   every session waits for the same messages as before.
 * - Sessions get numbers of their own. One whose client identifier the store has already is refused, skipped, or takes
 *   the other's place, as asked.
 * - Sessions that the store has already do not see the imported messages: their subscriptions are interrupted for that
 *   stretch. Its shared subscriptions do see them. An imported retained value replaces the store's own.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { RecordFlag, RecordType, RecordView } from "../../wal/record.ts"
import type { StoreFailed } from "../../wal/store-error.ts"
import type { StoreFs } from "../../wal/store-fs.ts"
import type { RecoveredSession, SavedInterval, SavedSubscription } from "../ports.ts"
import { durableEvidence } from "./durable-evidence.ts"
import { type GroupLine, type MessageLine, readLine, type SessionLine } from "./export-lines.ts"
import { eachLine } from "./file-lines.ts"
import { type CheckedImport, checkImport } from "./import-check.ts"
import { importedFrame } from "./import-message.ts"
import { type ToolError, toolRefused } from "./place.ts"
import { StateBuilder, type StoreState } from "./read-state.ts"
import { newestSnapshot } from "./snapshot-base.ts"
import { groupRecords, type Move, sessionRecords, unmoved } from "./state-records.ts"
import { openWriter, type StoreWriter, type WriteError, type WriterOptions } from "./store-writer.ts"

export type OnExisting = "refuse" | "skip" | "replace"
export const onExistingWays: ReadonlyArray<OnExisting> = ["refuse", "skip", "replace"]

export interface ImportReport {
  readonly messages: number
  readonly sessions: number
  readonly groups: number
  /** Client identifiers that the store had already. */
  readonly existing: ReadonlyArray<string>
}

export const importStore = (
  fs: StoreFs,
  path: string,
  options: Omit<WriterOptions, "onFound">,
  onExisting: OnExisting
): Effect.Effect<ImportReport, ToolError | StoreFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const checked = yield* checkImport(fs, path)
    const builder = new StateBuilder(yield* newestSnapshot(fs, options.place.dataDirectory))
    const durableAtLeast = yield* durableEvidence(fs, options.place)
    const writer = yield* openWriter(fs, { ...options, durableAtLeast, onFound: builder.record })
    const state = builder.finish()
    const plan = new Plan(checked, state, onExisting)
    if (onExisting === "refuse" && plan.existing.length > 0) {
      return yield* toolRefused(
        "conflict",
        `the store has ${plan.existing.length === 1 ? "a session" : "sessions"} of ${plan.existing.slice(0, 5).join(", ")} already`,
        "skip or replace them with --existing; nothing was imported"
      )
    }
    yield* eachLine(fs, path, (text, number) => (number === 1 ? Effect.void : writeLine(writer, plan, text)))
    yield* writer.finish
    const sessions = checked.clientIdentifiers.length - (onExisting === "skip" ? plan.existing.length : 0)
    const groups = checked.groups.filter((text) => !plan.keptGroups.has(text))
    return { messages: checked.positions.length, sessions, groups: groups.length, existing: plan.existing }
  })

/** Which numbers everything gets. */
class Plan {
  readonly base: number
  readonly existing: ReadonlyArray<string>
  /** Sessions that the store has and keeps. */
  readonly kept: ReadonlyArray<RecoveredSession>
  readonly replaced: ReadonlyArray<RecoveredSession>
  /** Groups that the store has already stay as they are. */
  readonly keptGroups: ReadonlySet<string>
  readonly numbers = new Map<string, number>()
  /** Stands for members of groups that nobody knows any more. */
  readonly strangerNumber: number
  readonly move: Move
  messages = 0
  isSplit = false
  readonly #positions: Float64Array

  constructor({ clientIdentifiers, positions }: CheckedImport, state: StoreState, onExisting: OnExisting) {
    const { groups, sessions } = state.recovered
    const imported = new Set(clientIdentifiers)
    const isTwice = ({ session }: RecoveredSession): boolean => imported.has(session.clientIdentifier)
    this.base = state.nextSequence
    this.existing = sessions.filter(isTwice).map(({ session }) => session.clientIdentifier)
    this.replaced = onExisting === "replace" ? sessions.filter(isTwice) : []
    this.kept = onExisting === "replace" ? sessions.filter((session) => !isTwice(session)) : sessions
    this.keptGroups = new Set(groups.keys())
    const skipped = new Set(onExisting === "skip" ? this.existing : [])
    let number = state.nextSessionNumber
    for (const client of clientIdentifiers) if (!skipped.has(client)) this.numbers.set(client, number++)
    this.strangerNumber = number
    this.#positions = positions
    this.move = {
      position: (position) => this.base + this.#rowOf(position),
      message: (sequence) => this.#exactly(sequence)
    }
  }

  #exactly(position: number): number {
    const row = this.#rowOf(position)
    return this.#positions[row] === position ? this.base + row : -1
  }

  #rowOf(position: number): number {
    let low = 0
    let high = this.#positions.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#positions[middle] as number) < position) low = middle + 1
      else high = middle
    }
    return low
  }
}

const writeLine = (writer: StoreWriter, plan: Plan, text: string): Effect.Effect<void, WriteError> =>
  Effect.gen(function* () {
    const line = readLine(text)
    if (typeof line === "string") return
    if (line.type === "message") return yield* writeMessage(writer, plan, line)
    if (!plan.isSplit) {
      plan.isSplit = true
      yield* writeExisting(writer, plan)
    }
    if (line.type === "session") yield* writeSession(writer, plan, line)
    if (line.type === "group" && !plan.keptGroups.has(line.share)) yield* writeGroup(writer, plan, line)
  })

const register = new RecordView()

const writeMessage = (writer: StoreWriter, plan: Plan, line: MessageLine): Effect.Effect<void, WriteError> => {
  const frame = importedFrame(line)
  if (typeof frame === "string") return Effect.void
  register.type = RecordType.message
  register.flags = line.qos | (line.retain ? RecordFlag.retain : 0) | (line.mqtt === 5 ? RecordFlag.version5 : 0)
  register.sequence = plan.base + plan.messages++
  register.publisher = line.publisher === undefined ? 0 : (plan.numbers.get(line.publisher) ?? 0)
  register.expiresAtMs = line.expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(line.expiresAt)
  register.buffer = frame
  register.start = 0
  register.end = frame.length
  return writer.append(register)
}

/** Sessions that go, and the interruption of those that stay. */
const writeExisting = (writer: StoreWriter, plan: Plan): Effect.Effect<void, WriteError> =>
  Effect.gen(function* () {
    const empty = Buffer.alloc(0)
    for (const { session } of plan.replaced) {
      yield* writer.appendControl({ type: RecordType.sessionEnd, number: session.number, body: empty })
    }
    if (plan.messages === 0) return
    const end = plan.base + plan.messages
    for (const kept of plan.kept) yield* interruptSession(writer, kept, plan.base, end)
  })

/** A SUB tells anew what is wanted of retained messages and of history, so a CURSOR that knows of such has to follow it. */
const interruptSession = (
  writer: StoreWriter,
  kept: RecoveredSession,
  from: number,
  to: number
): Effect.Effect<void, WriteError> =>
  Effect.gen(function* () {
    const { number } = kept.session
    const subscriptions = new Map<string, SavedSubscription>()
    for (const [filter, { intervals, retainedBelow }] of kept.subscriptions) {
      const split = intervals.flatMap((interval) => interrupted(interval, from, to)) // [TOOL-5]
      subscriptions.set(filter, { intervals: split, retainedBelow })
    }
    const isWhole = kept.cursor.retained.length + (kept.cursor.replays?.length ?? 0) > 0
    for (const record of sessionRecords({ ...kept, subscriptions }, number, unmoved)) {
      if (isWhole || record.type === RecordType.subscribe) yield* writer.appendControl(record)
    }
  })

/** The parts before and behind the stretch. */
function interrupted(interval: SavedInterval, from: number, to: number): ReadonlyArray<SavedInterval> {
  const parts = [
    { ...interval, to: Math.min(interval.to, from) },
    { ...interval, from: Math.max(interval.from, to) }
  ]
  return parts.filter((part) => part.from < part.to)
}

const writeSession = (writer: StoreWriter, plan: Plan, line: SessionLine): Effect.Effect<void, WriteError> =>
  Effect.gen(function* () {
    const number = plan.numbers.get(line.clientIdentifier)
    if (number === undefined) return
    for (const body of sessionRecords(importedSession(line, number), number, plan.move))
      yield* writer.appendControl(body)
  })

const writeGroup = (writer: StoreWriter, plan: Plan, line: GroupLine): Effect.Effect<void, WriteError> =>
  Effect.gen(function* () {
    const group = { ...line, handed: new Set(line.handed) }
    for (const body of groupRecords(line.share, group, plan.strangerNumber, plan.move))
      yield* writer.appendControl(body)
  })

function importedSession(line: SessionLine, number: number): RecoveredSession {
  const frame = line.will === undefined ? undefined : importedFrame(line.will)
  const will =
    line.will === undefined || !Buffer.isBuffer(frame)
      ? undefined
      : { topic: line.will.topic, isVersion5: line.will.mqtt === 5, frame, delaySeconds: line.will.delaySeconds }
  return {
    session: {
      clientIdentifier: line.clientIdentifier,
      number,
      epoch: 1,
      expiryIntervalSeconds:
        line.expiryIntervalSeconds === "never" ? Number.POSITIVE_INFINITY : line.expiryIntervalSeconds,
      username: line.username,
      disconnectedAtMs: line.disconnectedAt === undefined ? 0 : Date.parse(line.disconnectedAt),
      will
    },
    subscriptions: new Map(
      line.subscriptions.map(({ filter, intervals }) => [
        filter,
        {
          retainedBelow: -1,
          intervals: intervals.map((each) => ({ ...each, to: each.to === "open" ? Number.POSITIVE_INFINITY : each.to }))
        }
      ])
    ),
    cursor: {
      cursor: line.cursor,
      open: line.open,
      incoming: line.received,
      retained: line.retainedWanted.map(({ after, below, filter }) => ({ filter, below, after })),
      replays: line.replays
    },
    handed: new Set(line.handed)
  }
}
