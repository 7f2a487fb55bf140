/**
 * Topics: one level of their tree, and what is known of one. Topics are those with records in the log, those with a
 * retained message, and those that were published to lately (the router's cache): nobody keeps a list of all there ever
 * were.
 *
 * `messages` is what metrics count of a topic where metrics.topics names it; else the records that the log holds of it, or
 * the messages seen since somebody asks for topics (broker/topic-looks.ts), whichever is more. That is where values of
 * messages come from that nobody keeps.
 *
 * Invariants
 * - At most TOPICS_LOOKED_MAX topics are looked at; then the page says that its total is not exact.
 */
import type { Core } from "../../broker/core.ts"
import { showBytes } from "../../broker/shown-payload.ts"
import { looksOf, type SeenTopic, type TopicLooks } from "../../broker/topic-looks.ts"
import type { PublishView } from "../../codec/publish-view.ts"
import type { Session } from "../../session/session.ts"
import type { Payload } from "../api/shared.ts"
import type { MessageView, TopicDetail, TopicNode } from "../api/topics.ts"
import { GLANCED_MAX, glanceView, messageView, retainedColumns, retainedView } from "./message-view.ts"
import { type Columns, type Page, type PageQuery, pageOf, rowOf } from "./page.ts"

const TOPICS_LOOKED_MAX = 50_000
const RETAINED_PAGE = 1000
const namedMax = 100

interface Node {
  readonly level: string
  readonly topic: string
  isTopic: boolean
  hasChildren: boolean
  topics: number
  messages: number
  isRetained: boolean
}

const columnsOf = (core: Core, looks: TopicLooks): Columns<Node, TopicNode> => ({
  level: ({ level }) => level,
  topic: ({ topic }) => topic,
  isTopic: ({ isTopic }) => isTopic,
  hasChildren: ({ hasChildren }) => hasChildren,
  topics: ({ topics }) => topics,
  messages: ({ messages }) => messages,
  isRetained: ({ isRetained }) => isRetained,
  last: ({ isTopic, topic }) => (isTopic ? glance(core, looks, topic) : null)
})

/** The level below `prefix`, a topic or "" for the top. Sorted by its text unless something else is wanted. */
export const topicLevel = (core: Core, prefix: string, query: PageQuery): Page<TopicNode> => {
  const looks = looksOf(core)
  const { isWhole, nodes } = collect(core, looks, prefix === "" ? "" : `${prefix}/`)
  const { sort = "level" } = query
  const listing = { items: nodes.values(), columns: columnsOf(core, looks), searched: ["level"] as const }
  const page = pageOf(listing, { ...query, sort })
  return { ...page, isTotalExact: page.isTotalExact && isWhole }
}

const collect = (
  core: Core,
  looks: TopicLooks,
  below: string
): { readonly nodes: Map<string, Node>; readonly isWhole: boolean } => {
  const nodes = new Map<string, Node>()
  const seen = new Set<string>()
  const counted = countedMessages(core)
  let looked = 0
  const take = (topic: string, isRetained: boolean, records: number): void => {
    if (!topic.startsWith(below)) return
    const slash = topic.indexOf("/", below.length)
    const end = slash < 0 ? topic.length : slash
    const level = topic.slice(below.length, end)
    let node = nodes.get(level)
    if (node === undefined) {
      const empty = { isTopic: false, hasChildren: false, topics: 0, messages: 0, isRetained: false }
      node = { level, topic: topic.slice(0, end), ...empty }
      nodes.set(level, node)
    }
    if (slash < 0) {
      node.isTopic = true
      if (isRetained) node.isRetained = true
    } else node.hasChildren = true
    if (seen.has(topic)) return
    seen.add(topic)
    node.topics += 1
    node.messages += counted.get(topic) ?? Math.max(records, looks.glance(topic)?.messages ?? 0)
  }
  const { log, router } = core
  for (let id = 0; id < log.topicIdBound && looked < TOPICS_LOOKED_MAX; id++) {
    if (log.lastOfTopic(id) < 0) continue
    looked += 1
    take(log.topicName(id), false, log.countOfTopic(id))
  }
  for (const topic of retainedBelow(core, below)) {
    if (++looked > TOPICS_LOOKED_MAX) break
    take(topic, true, 1)
  }
  for (const { bytes } of router.cached()) {
    if (++looked > TOPICS_LOOKED_MAX) break
    take(bytes.toString("utf8"), false, 0)
  }
  return { nodes, isWhole: looked <= TOPICS_LOOKED_MAX && log.topicIdBound <= TOPICS_LOOKED_MAX }
}

const countedMessages = ({ topicSeries }: Core): ReadonlyMap<string, number> => {
  const counted = new Map<string, number>()
  if (topicSeries === undefined) return counted
  for (const [slot, name] of topicSeries.names.entries()) {
    if (slot > 0) counted.set(name, topicSeries.messages[slot] as number)
  }
  return counted
}

/** A topic may hold "+" or "#" nowhere, so a prefix that does has nothing below it. */
function* retainedBelow({ retained }: Core, below: string): Generator<string> {
  if (/[+#]/.test(below)) return
  let after: string | undefined
  do {
    const page = retained.page(`${below}#`, after, RETAINED_PAGE)
    for (const { topic } of page.messages) yield topic
    after = page.next
  } while (after !== undefined)
}

/** Undefined when nothing is known of it at all. `isRecordReady` false = its last record has to be read first. */
export const topicDetail = (core: Core, topic: string): TopicDetail | undefined => {
  const { log, retained } = core
  const kept = retained.get(topic)
  const id = log.topicId(topic)
  const sessions = receiversOf(core, topic)
  if (kept === undefined && id < 0 && sessions.size === 0 && !isCached(core, topic)) return undefined
  const names = Array.from(sessions, ({ clientIdentifier }) => clientIdentifier)
  const seen = looksOf(core).of(topic)
  const records = id < 0 ? 0 : log.countOfTopic(id)
  return {
    topic,
    subscribers: names.length,
    subscriberNames: names.slice(0, namedMax),
    messages: countedMessages(core).get(topic) ?? Math.max(records, seen?.messages ?? 0),
    records,
    retained: kept === undefined ? null : rowOf(retainedColumns(core), kept),
    last: seenView(seen) ?? (kept === undefined ? lastOf(core, id) : retainedView(kept))
  }
}

const isCached = ({ router }: Core, topic: string): boolean => {
  const wanted = Buffer.from(topic)
  let looked = 0
  for (const { bytes } of router.cached()) {
    if (++looked > TOPICS_LOOKED_MAX) return false
    if (bytes.equals(wanted)) return true
  }
  return false
}

/** Sessions that get what is published to the topic; a shared subscription stands for its members. */
const receiversOf = (core: Core, topic: string): ReadonlySet<Session> => {
  const found = new Set<Session>()
  for (const filter of core.router.match(topic)) {
    for (const { subscriber } of filter.live) found.add(subscriber)
    if (filter.logReaders > 0) for (const { subscriber } of core.logReadersOf(filter)) found.add(subscriber)
  }
  return found
}

const lastOf = (core: Core, topicId: number): TopicDetail["last"] => {
  const sequence = readLast(core, topicId)
  return sequence < 0 ? null : messageView(core.record, undefined, sequence)
}

/** Into `core.record`; its sequence, -1 without one in memory. */
const readLast = ({ log, record }: Core, topicId: number): number => {
  const sequence = topicId < 0 ? -1 : log.lastOfTopic(topicId)
  return sequence < 0 || !log.isReady(sequence) || !log.read(sequence, record) ? -1 : sequence
}

const glance = (core: Core, looks: TopicLooks, topic: string): TopicNode["last"] => {
  const view = looks.glance(topic)
  if (view?.view !== undefined) return payloadOf(view, GLANCED_MAX)
  const kept = core.retained.get(topic)
  if (kept !== undefined) return glanceView({ ...kept, buffer: kept.frame, start: 0, end: kept.frame.length })
  return readLast(core, core.log.topicId(topic)) < 0 ? null : glanceView(core.record)
}

/** What was seen is newer than what is retained, or in the log. */
const seenView = (seen: SeenTopic | undefined): MessageView | undefined => {
  if (seen?.view === undefined) return undefined
  const { buffer, frameEnd, isVersion5 } = seen.view
  const frame = { buffer, start: 0, end: frameEnd, isVersion5, expiresAtMs: seen.expiresAtMs }
  return { ...messageView(frame, seen.atMs, undefined), payload: payloadOf(seen, frameEnd) }
}

const payloadOf = ({ payloadBytes, view }: SeenTopic, bytesMax: number): Payload => {
  const { buffer, frameEnd, payloadStart } = view as PublishView
  const held = buffer.subarray(payloadStart, frameEnd)
  // What is held is cut like any other text: between two characters.
  const bytes = Math.min(bytesMax, payloadBytes > held.length ? held.length - 1 : held.length)
  return { ...showBytes(held, bytes), sizeBytes: payloadBytes }
}

/** The topic's last record, where it lies on the disk only: null without one. Read it, then ask again. */
export const lastUnread = ({ log, retained }: Core, topic: string): number | undefined => {
  const id = log.topicId(topic)
  const sequence = id < 0 || retained.get(topic) !== undefined ? -1 : log.lastOfTopic(id)
  return sequence < 0 || log.isReady(sequence) ? undefined : sequence
}
