/**
 * The grammar of topic names and topic filters, and the reference matcher.
 *
 * Input is a JavaScript string that is well-formed already (the codec judges UTF-8). Judging happens
 * where text enters (SUBSCRIBE, Will, command line, configuration), not per message: the matcher of the
 * publish path is subscription-tree.ts, and `matches` is the model it is tested against.
 *
 *   topic    level ( "/" level )*          a level may be empty: "/a" has two levels, "a//b" three
 *   filter   the same, and a whole level may be "+"; the last one may be "#"
 *   shared   "$share/" group "/" filter    group not empty, without "+", "#" and "/"
 *
 * Invariants
 * - A fault names the column (1-based, counted in characters of the text as the user wrote it).
 * - Nothing is normalized: bytes differ, levels differ [MQTT-4.7.3-4].
 * - Nothing here recurses: 65,535 levels are a legal topic.
 */
import { TopicFault, TopicFaultCode } from "./topic-fault.ts"

/** A UTF-8 string on the wire carries a two byte length [MQTT-4.7.3-3]. */
export const TEXT_BYTES_MAX = 65_535

/** A filter `$share/<shareName>/<filter>`, taken apart. */
export interface SharedFilter {
  readonly shareName: string
  readonly filter: string
}

/** Judges a topic name to publish to; undefined when it is legal. */
export function topicFault(topic: string, levelsMax: number): TopicFault | undefined {
  const fault = textFault(topic, "topic", TopicFaultCode.topicNameInvalid)
  if (fault !== undefined) return fault
  // A topic name holds no wildcard [MQTT-4.7.0-1]; 3.1.1 calls the statement [MQTT-4.7.1-1].
  const wildcardAt = topic.search(/[+#]/)
  if (wildcardAt >= 0) {
    const why = `'${topic[wildcardAt]}' is a wildcard, only filters may hold one (${column(topic, wildcardAt)})`
    return new TopicFault(TopicFaultCode.topicNameInvalid, why)
  }
  return depthFault(topic, 0, levelsMax, TopicFaultCode.topicNameInvalid)
}

/** Judges a topic filter, with or without a `$share/<group>/` prefix; undefined when it is legal. */
export function filterFault(filter: string, levelsMax: number): TopicFault | undefined {
  const fault = textFault(filter, "filter", TopicFaultCode.topicFilterInvalid)
  if (fault !== undefined) return fault
  const shared = parseSharedFilter(filter)
  if (shared instanceof TopicFault) return shared
  const start = shared === undefined ? 0 : filter.length - shared.filter.length
  return wildcardFault(filter, start) ?? depthFault(filter, start, levelsMax, TopicFaultCode.topicFilterInvalid)
}

/**
 * Takes `$share/<group>/<filter>` apart; undefined when the filter is not shared. The group is judged
 * here, the filter inside is not (filterFault judges both).
 */
export function parseSharedFilter(filter: string): SharedFilter | TopicFault | undefined {
  if (!filter.startsWith(SHARE_PREFIX)) return undefined
  const nameStart = SHARE_PREFIX.length
  const slashAt = filter.indexOf("/", nameStart)
  const nameEnd = slashAt < 0 ? filter.length : slashAt
  const shareName = filter.slice(nameStart, nameEnd)
  if (shareName === "") return invalidFilter(filter, nameStart, "the share name is empty") // [MQTT-4.8.2-1]
  const wildcardAt = shareName.search(/[+#]/)
  if (wildcardAt >= 0) {
    // [MQTT-4.8.2-2]
    return invalidFilter(filter, nameStart + wildcardAt, `'${shareName[wildcardAt]}' cannot be part of a share name`)
  }
  if (slashAt < 0) return invalidFilter(filter, nameEnd, "'/' and a filter must follow the share name")
  if (slashAt === filter.length - 1) return invalidFilter(filter, filter.length, "a filter must follow the share name")
  return { shareName, filter: filter.slice(slashAt + 1) }
}

export function hasWildcard(filter: string): boolean {
  return filter.includes("+") || filter.includes("#")
}

/** Does the filter (legal, without share prefix) match the topic? Slow and plain: the model. */
export function matches(filter: string, topic: string): boolean {
  const filterLevels = filter.split("/")
  const topicLevels = topic.split("/")
  // A wildcard in first place does not reach topics of the server [MQTT-4.7.2-1].
  if (topic.startsWith("$") && (filterLevels[0] === "#" || filterLevels[0] === "+")) return false
  for (let level = 0; level < filterLevels.length; level++) {
    if (filterLevels[level] === "#") return true // also the parent: "a/#" matches "a"
    if (level === topicLevels.length) return false
    if (filterLevels[level] !== "+" && filterLevels[level] !== topicLevels[level]) return false
  }
  return filterLevels.length === topicLevels.length
}

/** Does a subscription as the client wrote it, shared or not, reach the topic? */
export function subscriptionMatches(subscription: string, topic: string): boolean {
  const shared = parseSharedFilter(subscription)
  if (shared instanceof TopicFault) return false
  return matches(shared === undefined ? subscription : shared.filter, topic)
}

const SHARE_PREFIX = "$share/"

/** What topics and filters have in common: not empty, no U+0000, not longer than the wire can say. */
function textFault(text: string, kind: "topic" | "filter", reasonCode: number): TopicFault | undefined {
  if (text === "") return new TopicFault(TopicFaultCode.protocolError, `the ${kind} is empty`) // [MQTT-4.7.3-1]
  const nullAt = text.indexOf("\0")
  if (nullAt >= 0) {
    const why = `the ${kind} holds the null character (${column(text, nullAt)})` // [MQTT-4.7.3-2]
    return new TopicFault(TopicFaultCode.malformedPacket, why)
  }
  const sizeBytes = Buffer.byteLength(text)
  if (sizeBytes <= TEXT_BYTES_MAX) return undefined
  return new TopicFault(reasonCode, `the ${kind} is ${sizeBytes} bytes long, ${TEXT_BYTES_MAX} are allowed`)
}

/** `#` only as the whole last level [MQTT-4.7.1-1], `+` only as a whole level [MQTT-4.7.1-2]. */
function wildcardFault(filter: string, start: number): TopicFault | undefined {
  for (let at = start; at < filter.length; at++) {
    const character = filter[at]
    if (character !== "#" && character !== "+") continue
    const startsLevel = at === start || filter[at - 1] === "/"
    const endsLevel = at === filter.length - 1 || filter[at + 1] === "/"
    if (!startsLevel || !endsLevel) return invalidFilter(filter, at, `'${character}' must fill a whole level`)
    if (character === "#" && at !== filter.length - 1) return invalidFilter(filter, at, "'#' must be the last level")
  }
  return undefined
}

function depthFault(text: string, start: number, levelsMax: number, reasonCode: number): TopicFault | undefined {
  let levels = 1
  for (let slashAt = text.indexOf("/", start); slashAt >= 0; slashAt = text.indexOf("/", slashAt + 1)) {
    levels++
    if (levels > levelsMax) {
      return new TopicFault(reasonCode, `more than ${levelsMax} levels (${column(text, slashAt + 1)})`)
    }
  }
  return undefined
}

function invalidFilter(filter: string, at: number, why: string): TopicFault {
  return new TopicFault(TopicFaultCode.topicFilterInvalid, `${why} (${column(filter, at)})`)
}

/** Code units are not what a person counts: a character outside the BMP is one column. */
function column(text: string, at: number): string {
  return `column ${Array.from(text.slice(0, at)).length + 1}`
}
