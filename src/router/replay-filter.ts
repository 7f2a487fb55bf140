/**
 * `$replay/<from>/<filter>`: a subscription to `filter` that begins with history.
 *
 *   <from>                 begins with
 *   earliest               the oldest message there is
 *   1h   15m   1h30m       messages of that long ago (settings/units.ts)
 *   2026-03-01             messages of that time: ISO 8601, a date or a time; without a zone it is UTC
 *   2026-03-01T12:00:00Z   (`+` is a wildcard, so zones east of Greenwich cannot be written)
 *   1772366400000          milliseconds since 1970
 *   @12345                 the message at that position of the log, or the next one there is
 *
 * Everything behind <from>/ is the filter, which may not be shared nor a replay itself; nor may a share be one of replays.
 *
 * Invariant: text that begins with `$replay/` is a replay or a fault, never an ordinary filter.
 *
 * Elsewhere: whether the filter is one (topic-filter.ts judges the whole text), what is sent (broker/replay.ts).
 */
import { parseDurationMs } from "../settings/units.ts"
import { TopicFault, TopicFaultCode } from "./topic-fault.ts"

export type ReplayFrom =
  | { readonly kind: "earliest" }
  | { readonly kind: "ago"; readonly durationMs: number }
  | { readonly kind: "time"; readonly atMs: number }
  | { readonly kind: "position"; readonly sequence: number }

export interface ReplayFilter {
  readonly from: ReplayFrom
  /** What the subscription is to. */
  readonly filter: string
}

const REPLAY_PREFIX = "$replay/"
const SHARE_PREFIX = "$share/"

/** Undefined when the text asks for no replay. */
export function parseReplayFilter(text: string): ReplayFilter | TopicFault | undefined {
  if (!text.startsWith(REPLAY_PREFIX)) return sharesReplays(text) ? refused("replays cannot be shared") : undefined
  const slashAt = text.indexOf("/", REPLAY_PREFIX.length)
  const word = text.slice(REPLAY_PREFIX.length, slashAt < 0 ? text.length : slashAt)
  const from = parseReplayFrom(word)
  if (from === undefined) return refused(`'${word}' says not from when on`)
  const filter = slashAt < 0 ? "" : text.slice(slashAt + 1)
  if (filter === "") return refused("a filter must follow")
  if (filter.startsWith(REPLAY_PREFIX) || filter.startsWith(SHARE_PREFIX)) return refused("only a filter may follow")
  return { from, filter }
}

/** What a subscription is to, as a client wrote it: the filter without the `$replay/<from>/` before it. */
export function withoutReplay(text: string): string {
  const replay = parseReplayFilter(text)
  return replay === undefined || replay instanceof TopicFault ? text : replay.filter
}

function sharesReplays(text: string): boolean {
  if (!text.startsWith(SHARE_PREFIX)) return false
  return text.startsWith(REPLAY_PREFIX, text.indexOf("/", SHARE_PREFIX.length) + 1)
}

function refused(why: string): TopicFault {
  return new TopicFault(TopicFaultCode.topicFilterInvalid, why)
}

const DIGITS = /^\d{1,16}$/
const TIME = /^(\d{4}-\d{2}-\d{2})(?:(T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|-\d{2}:\d{2})?)?$/

function parseReplayFrom(word: string): ReplayFrom | undefined {
  if (word === "earliest") return { kind: "earliest" }
  if (word.startsWith("@")) return DIGITS.test(word.slice(1)) ? positionOf(Number(word.slice(1))) : undefined
  if (DIGITS.test(word)) return { kind: "time", atMs: Number(word) }
  const time = TIME.exec(word)
  if (time !== null) return timeOf(time[1] ?? "", time[2] ?? "T00:00", time[3] ?? "Z")
  const durationMs = parseDurationMs(word)
  return durationMs === undefined || durationMs < 0 ? undefined : { kind: "ago", durationMs }
}

function positionOf(sequence: number): ReplayFrom | undefined {
  return Number.isSafeInteger(sequence) ? { kind: "position", sequence } : undefined
}

/** A day that its month does not have is none, whatever Date makes of it. */
function timeOf(day: string, time: string, zone: string): ReplayFrom | undefined {
  const dayMs = Date.parse(`${day}T00:00Z`)
  const atMs = Date.parse(day + time + zone)
  if (Number.isNaN(atMs) || Number.isNaN(dayMs) || !new Date(dayMs).toISOString().startsWith(day)) return undefined
  return { kind: "time", atMs }
}
