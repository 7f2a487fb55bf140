/**
 * Group "topics": the tree of topics, retained messages, and publishing from outside.
 *
 * What is published goes the way of every client's message, and the answer stands for the same promise: it comes when the
 * log keeps it. Retained messages are cleared as clients clear them, so that whoever is there sees it.
 */
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { type OwnPublished, publishOwn } from "../../broker/inspect/publish-message.ts"
import type { Properties } from "../../codec/codec.ts"
import { reasonCodeName } from "../../codec/reason-codes.ts"
import { filterFault, topicFault } from "../../router/topic-filter.ts"
import type { RetainedMessage } from "../../store/ports.ts"
import { AdminApi } from "../api/api.ts"
import { pageLimitDefault } from "../api/page-limits.ts"
import type { MessageView, PublishRequest } from "../api/topics.ts"
import { refuse } from "../refusal.ts"
import { messageView, retainedColumns, retainedView } from "../views/message-view.ts"
import { lookMax, pageOf } from "../views/page.ts"
import { lastUnread, topicDetail, topicLevel } from "../views/topic-view.ts"
import type { HandlerSources } from "./handler-sources.ts"

const KEPT_LOOK_MS = 5
const KEPT_WAIT_MS = 9000
const RETAINED_PAGE = 1000
const clearedMax = 10_000
/** Messages of one answer: each may have a payload of 64 KiB. */
const messagesMax = 100
const publishPacket = 4

export const topicsHandlers = ({ core }: HandlerSources) =>
  HttpApiBuilder.group(AdminApi, "topics", (handlers) =>
    handlers.handleAll({
      tree: ({ query: { prefix = "", ...query } }) => Effect.sync(() => topicLevel(core, prefix, query)),
      topic: ({ query: { topic } }) =>
        Effect.gen(function* () {
          if (topicFault(topic, core.limits.topicLevelsMax) !== undefined) return yield* refuse("badTopic")
          const unread = lastUnread(core, topic)
          if (unread !== undefined) yield* Effect.promise(() => loaded(core, unread))
          return topicDetail(core, topic) ?? (yield* refuse("notFound", { fact: "nothing is known of this topic" }))
        }),
      messages: ({ query: { after = -1, limit = pageLimitDefault, topic } }) =>
        topicFault(topic, core.limits.topicLevelsMax) === undefined
          ? Effect.promise(() => messagesOf(core, topic, after, limit))
          : refuse("badTopic"),
      publish: ({ payload }) => publish(core, payload),
      retained: ({ query: { filter = "#", ...query } }) => {
        const wanted = filter === "" ? "#" : filter
        if (filterFault(wanted, core.limits.topicLevelsMax) !== undefined) return refuse("badTopic", { key: "filter" })
        return Effect.sync(() => {
          const count = wanted === "#" ? core.retained.count : undefined
          const listing = { items: retainedOf(core, wanted), count, columns: retainedColumns(core) }
          return pageOf({ ...listing, searched: [] }, query)
        })
      },
      retainedValue: ({ query: { topic } }) => {
        if (topicFault(topic, core.limits.topicLevelsMax) !== undefined) return refuse("badTopic", { key: "topic" })
        const message = core.retained.get(topic)
        core.tick()
        const isThere = message !== undefined && message.expiresAtMs > core.nowMs
        return isThere ? Effect.sync(() => retainedView(message)) : refuse("noMessage")
      },
      clearRetained: ({ query: { "dry-run": dryRun, filter } }) => {
        const isOwn = filter.startsWith("$")
        if (isOwn || filterFault(filter, core.limits.topicLevelsMax) !== undefined) {
          return refuse("badTopic", { key: "filter" })
        }
        return Effect.sync(() => clearRetained(core, filter, dryRun === "true"))
      }
    })
  )

function* retainedOf({ retained }: HandlerSources["core"], filter: string): Generator<RetainedMessage> {
  let after: string | undefined
  do {
    const page = retained.page(filter, after, RETAINED_PAGE)
    yield* page.messages
    after = page.next
  } while (after !== undefined)
}

/** What only lies on the disk is read from there, one after the other; what goes meanwhile is left out. */
const messagesOf = async (core: HandlerSources["core"], topic: string, after: number, limit: number) => {
  const { log, record } = core
  const messages: Array<typeof MessageView.Type> = []
  const nextFrom = (from: number): number => {
    const id = log.topicId(topic)
    return id < 0 ? -1 : log.nextOfTopic(id, from)
  }
  let sequence = nextFrom(after + 1)
  let last = after
  while (sequence >= 0 && messages.length < Math.min(limit, messagesMax)) {
    if (!log.isReady(sequence)) await loaded(core, sequence)
    if (log.read(sequence, record)) messages.push(messageView(record, undefined, sequence))
    last = sequence
    sequence = nextFrom(sequence + 1)
  }
  return { messages, next: sequence < 0 ? null : last }
}

/** Each as a client would: with an empty payload, so that whoever is there sees it go. */
const clearRetained = (core: HandlerSources["core"], filter: string, isDryRun: boolean) => {
  const topics: Array<string> = []
  let matched = 0
  for (const { topic } of retainedOf(core, filter)) {
    matched += 1
    if (topics.length < clearedMax) topics.push(topic)
    if (matched >= lookMax) break
  }
  if (isDryRun) return { matched, cleared: 0 }
  let cleared = 0
  for (const topic of topics) {
    const told = publishOwn(core, { topic, payload: Buffer.alloc(0), qos: 0, retain: true, properties: {} })
    if (typeof told !== "string" && told.reasonCode < 0x80) cleared += 1
  }
  return { matched, cleared }
}

const publish = (core: HandlerSources["core"], request: PublishRequest) =>
  Effect.gen(function* () {
    const { encoding = "utf8", qos = 0, retain = false, topic } = request
    const bytes = bytesOf(request.payload, encoding)
    const correlation = request.correlationData === undefined ? undefined : bytesOf(request.correlationData, "base64")
    if (bytes === undefined || (request.correlationData !== undefined && correlation === undefined)) {
      return yield* refuse("malformed", { fact: "this is not base64" })
    }
    const expiry = request.messageExpirySeconds
    if (expiry !== undefined && !(Number.isInteger(expiry) && expiry >= 0 && expiry <= 0xffff_ffff)) {
      return yield* refuse("badPublish", { key: "messageExpirySeconds", fact: "it is not a number of whole seconds" })
    }
    if (core.draining) return yield* refuse("draining")
    const properties: Properties = {}
    if (expiry !== undefined) properties.messageExpiryInterval = expiry
    if (request.contentType !== undefined) properties.contentType = request.contentType
    if (request.responseTopic !== undefined) properties.responseTopic = request.responseTopic
    if (correlation !== undefined) properties.correlationData = correlation
    if (request.userProperties !== undefined) {
      properties.userProperties = request.userProperties.map(({ name, value }) => [name, value] as const)
    }
    const told: OwnPublished | string = publishOwn(core, { topic, payload: bytes, qos, retain, properties })
    if (typeof told === "string") return yield* refuse("badPublish", { fact: told })
    const { isKept, reasonCode, sequence } = told
    if (reasonCode >= 0x80) {
      return yield* refuse("draining", { fact: `refused: ${reasonCodeName(reasonCode, publishPacket)}` })
    }
    // As with a client: the answer stands for the promise.
    if (!isKept()) yield* Effect.sleep(KEPT_LOOK_MS).pipe(Effect.repeat({ until: isKept }))
    return { reasonCode, reason: reasonCodeName(reasonCode, publishPacket), sequence: sequence ?? null }
  }).pipe(
    Effect.timeoutOrElse({
      duration: KEPT_WAIT_MS,
      orElse: () => refuse("draining", { fact: "the message is taken, and the log does not keep it yet" })
    })
  )

const bytesOf = (text: string, encoding: "utf8" | "base64"): Buffer | undefined => {
  if (encoding === "utf8") return Buffer.from(text, "utf8")
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0 ? Buffer.from(text, "base64") : undefined
}

const loaded = ({ log }: HandlerSources["core"], sequence: number): Promise<void> =>
  new Promise((resolve) => log.load(sequence, resolve))
