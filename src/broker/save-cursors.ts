/**
 * Saves how far sessions and groups are, lazily and whole: what was handed over since the last time may come again
 * after a crash, at QoS 1 only (at QoS 2 the steps say exactly what was).
 *
 *   Core.markDirty ──▶ dirtySessions ──(every cursorSaveIntervalMs, at most CURSORS_PER_FLUSH)──▶ CURSOR, GROUP
 *
 * A group waits in the same queue as its reader (session number 0). Subscriptions that changed by themselves, because
 * closed intervals went, are saved along.
 *
 * Invariants
 * - [RST-1] A saved cursor never passes what was handed over: it is taken between two turns, when D and every reader stand at
 *   the first message they have not handed over. The record lies in the log behind every message it covers.
 * - A session that nothing happens to writes nothing. Its saved cursor may then be behind D (liveness.ts sees to it).
 * - When the broker stops everything is saved, after the last connection has gone.
 */
import * as Effect from "effect/Effect"
import { ExchangeState } from "../session/outgoing-window.ts"
import { type Session, SessionMode } from "../session/session.ts"
import type { Subscription } from "../session/subscription.ts"
import type { SavedCursor, SavedExchange, SavedReplay } from "../store/ports.ts"
import type { Core } from "./core.ts"
import { type ReplayInFlight, savedReplayOf } from "./replay.ts"
import type { RetainedInFlight } from "./retained.ts"
import { savedGroup, saveSession, saveSubscription } from "./save-session.ts"
import { positionNeeded } from "./session-mode.ts"
import { supervise } from "./supervise.ts"

/** A cursor of ten exchanges takes 2 µs and 250 bytes: a flush holds the loop for 2 ms and adds 0.25 MB to the log. */
export const CURSORS_PER_FLUSH = 1000

/** For the broker's scope, before anything that ends connections: the scope's end saves what they left. */
export const keepCursors = (core: Core) =>
  Effect.gen(function* () {
    if (!core.isDurable) return
    yield* Effect.addFinalizer(() => Effect.sync(() => flushCursors(core, Number.POSITIVE_INFINITY)))
    const flush = Effect.sync(() => flushCursors(core, CURSORS_PER_FLUSH))
    const pause = Effect.suspend(() => Effect.sleep(core.limits.cursorSaveIntervalMs))
    yield* supervise("saving cursors", Effect.forever(Effect.andThen(pause, flush)))
  })

/** Saves at most `max` of those that are behind, the longest waiting first. False when the store takes none now. */
export const flushCursors = (core: Core, max: number): boolean => {
  const batch = core.dirtySessions.splice(0, Math.min(max, core.dirtySessions.length))
  for (let i = 0; i < batch.length; i++) {
    const session = batch[i] as Session
    session.savedBehind = false
    if (saveProgress(core, session)) continue
    for (const each of batch.slice(i)) {
      each.savedBehind = false
      core.markDirty(each)
    }
    return false
  }
  return true
}

/** The session's or group's cursor, and what else waited to be saved with it. False when the store takes it not. */
const saveProgress = (core: Core, session: Session): boolean => {
  if (session.number === 0) return saveGroupProgress(core, session)
  if (!session.isSaved || !session.persistent || core.sessions.get(session.clientIdentifier) !== session) return true
  if (session.savedStale && saveSession(core, session) < 0) return false
  if (!saveCursor(core, session)) return false
  // After the cursor: a crash in between finds intervals that nothing needs, never a message whose interval is gone.
  for (const text of session.subscriptionsToSave ?? []) if (saveSubscription(core, session, text) < 0) return false
  session.subscriptionsToSave = undefined
  return true
}

/** Forgets intervals that neither cursor nor hole needs, once what a crash would find needs them no more either. */
export const pruneNow = (core: Core, session: Session, subscription: Subscription): void => {
  if (subscription.intervals.length < 2 && subscription.active) return
  if (core.isDurable && session.persistent && !saveCursor(core, session)) return
  subscription.prune(positionNeeded(core, session))
}

/** At once: where what was handed over must not be handed over again. */
export const saveCursor = (core: Core, session: Session): boolean => {
  const cursor = cursorOf(core, session)
  if (core.sessionStore.saveCursor(session.number, cursor) < 0) return false
  session.savedCursor = cursor.cursor
  for (const replay of session.replayCursors) replay.savedNext = replay.next
  return true
}

const saveGroupProgress = (core: Core, reader: Session): boolean => {
  const group = core.groups.get(reader.clientIdentifier)
  if (group?.reader !== reader || !group.isSaved) return true
  const saved = savedGroup(core, group)
  if (core.sessionStore.saveGroup(group.text, saved) < 0) return false
  reader.savedCursor = saved.cursor
  return true
}

export const cursorOf = (core: Core, session: Session): SavedCursor => {
  const cursor = session.mode === SessionMode.live ? core.delivered : session.cursor // [RST-1]
  const open: Array<SavedExchange> = []
  for (const id of session.window.openIdentifiers()) {
    const exchange = exchangeOf(session, id)
    if (exchange.sequence >= 0 || exchange.state === ExchangeState.awaitPubcomp) open.push(exchange)
  }
  for (const sequence of session.handed ?? []) {
    if (sequence < cursor) session.handed?.delete(sequence)
    // [RST-2] The record covers the steps that said so.
    else open.push({ packetIdentifier: 0, state: ExchangeState.free, sequence, kind: "ordinary", filter: "" })
  }
  if (session.handed?.size === 0) session.handed = undefined
  const retained = session.retainedCursors.map(({ after, handed, sequence: below, subscription }) => {
    const filter = subscription.filter.text
    for (const sequence of handed ?? []) {
      open.push({ packetIdentifier: 0, state: ExchangeState.free, sequence, kind: "retained", filter }) // [RST-9]
    }
    return { filter, below, after }
  })
  const replays: Array<SavedReplay & { readonly filter: string }> = []
  for (const [filter, subscription] of session.subscriptions) {
    const replay = subscription.isReplay ? savedReplayOf(session, subscription, cursor) : undefined
    if (replay !== undefined) replays.push({ filter, ...replay })
  }
  return { cursor, open, incoming: [...(session.incoming ?? [])], retained, replays }
}

const exchangeOf = (session: Session, packetIdentifier: number): SavedExchange => {
  const { window } = session
  const state = window.state(packetIdentifier)
  const sequence = window.sequence(packetIdentifier)
  const shared = session.sharedInFlight?.get(packetIdentifier)
  if (shared !== undefined) return { packetIdentifier, state, sequence, kind: "shared", filter: shared.group.text }
  const retained = session.retainedInFlight?.get(packetIdentifier) as RetainedInFlight | undefined
  if (retained !== undefined) return { packetIdentifier, state, sequence, kind: "retained", filter: retained.filter }
  const replay = session.replayInFlight?.get(packetIdentifier) as ReplayInFlight | undefined
  if (replay !== undefined) return { packetIdentifier, state, sequence, kind: "replay", filter: replay.text }
  return { packetIdentifier, state, sequence, kind: "ordinary", filter: "" }
}
