/**
 * Topics, retained messages, and publishing from outside.
 *
 *   GET    /topics                  viewer     one level of the tree below ?prefix= (""  = the top)
 *   GET    /topics/value            viewer     ?topic=: what is known of one topic, with its last value
 *   GET    /topics/messages         viewer     ?topic=: what the log holds of it, oldest first; ?after= a sequence, ?limit=
 *   POST   /publish                 operator   one message, as a client would
 *   GET    /retained                viewer     a page; ?filter= is a topic filter here
 *   GET    /retained/value          viewer     ?topic=
 *   DELETE /retained                operator   ?filter=; ?dry-run=true only counts
 *
 * A topic comes as a query, not in the path: it may hold slashes, and "." or ".." as levels. To change a retained message
 * publish with retain; to clear it publish an empty payload with retain, or DELETE.
 */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Schema from "effect/Schema"
import {
  Authorization,
  BadRequest,
  Busy,
  NotFound,
  Payload,
  pageOf,
  pageQuery,
  QoS,
  RoleNeeded,
  Unprocessable,
  WholeNumber
} from "./shared.ts"

export const TopicNode = Schema.Struct({
  /** The level's own text, and the topic or prefix up to it. */
  level: Schema.String,
  topic: Schema.String,
  /** Something was published to exactly this topic. */
  isTopic: Schema.Boolean,
  hasChildren: Schema.Boolean,
  topics: Schema.Number,
  /**
   * Of the topics at and below it: since the start where metrics.topics counts them; else what the log holds, or what came
   * since somebody asks for topics, whichever is more.
   */
  messages: Schema.Number,
  isRetained: Schema.Boolean,
  /** The beginning of the latest value that is at hand; null = none, or no topic itself. */
  last: Schema.NullOr(Payload)
})
export type TopicNode = typeof TopicNode.Type

export const TopicDetail = Schema.Struct({
  topic: Schema.String,
  /** Sessions whose subscriptions match, at most 100 named. */
  subscribers: Schema.Number,
  subscriberNames: Schema.Array(Schema.String),
  /** As in the tree. */
  messages: Schema.Number,
  /** Records of it in the log. */
  records: Schema.Number,
  retained: Schema.NullOr(Schema.suspend(() => RetainedRow)),
  /** The last message the broker still has: retained, or in the log, or seen since somebody asks for topics. */
  last: Schema.NullOr(Schema.suspend(() => MessageView))
})
export type TopicDetail = typeof TopicDetail.Type

export const UserProperty = Schema.Struct({ name: Schema.String, value: Schema.String })

export const MessageView = Schema.Struct({
  topic: Schema.String,
  qos: QoS,
  retain: Schema.Boolean,
  payload: Payload,
  publishedAt: Schema.NullOr(Schema.String),
  expiresAt: Schema.NullOr(Schema.String),
  contentType: Schema.NullOr(Schema.String),
  responseTopic: Schema.NullOr(Schema.String),
  correlationData: Schema.NullOr(Schema.String),
  userProperties: Schema.Array(UserProperty),
  sequence: Schema.NullOr(Schema.Number)
})
export type MessageView = typeof MessageView.Type

export const RetainedRow = Schema.Struct({
  topic: Schema.String,
  qos: QoS,
  sizeBytes: Schema.Number,
  storedAt: Schema.String,
  expiresAt: Schema.NullOr(Schema.String),
  /**
   * Client identifier; "(admin API)" when it came that way. Over a restart names are kept beside the store, the newest
   * mqtt.max-retained-publishers of them; null = no longer known.
   */
  publisher: Schema.NullOr(Schema.String),
  publisherUsername: Schema.NullOr(Schema.String)
})
export type RetainedRow = typeof RetainedRow.Type

export const PublishRequest = Schema.Struct({
  topic: Schema.String,
  payload: Schema.String,
  encoding: Schema.optionalKey(Schema.Literals(["utf8", "base64"])),
  qos: Schema.optionalKey(QoS),
  retain: Schema.optionalKey(Schema.Boolean),
  messageExpirySeconds: Schema.optionalKey(Schema.Number),
  contentType: Schema.optionalKey(Schema.String),
  responseTopic: Schema.optionalKey(Schema.String),
  /** Base64. */
  correlationData: Schema.optionalKey(Schema.String),
  userProperties: Schema.optionalKey(Schema.Array(UserProperty))
})
export type PublishRequest = typeof PublishRequest.Type

/** What a client would have got in PUBACK: 0, or 0x10 when nobody wants it. */
export const Published = Schema.Struct({
  reasonCode: Schema.Number,
  reason: Schema.String,
  /** Sequence in the log, when it was logged. */
  sequence: Schema.NullOr(Schema.Number)
})
export type Published = typeof Published.Type

export const TopicMessages = Schema.Struct({
  messages: Schema.Array(MessageView),
  /** Pass as `after` to go on; null = there are no more. */
  next: Schema.NullOr(Schema.Number)
})

const ofTopic = { query: { topic: Schema.String }, error: [BadRequest, NotFound] }

export class Topics extends HttpApiGroup.make("topics")
  .add(
    HttpApiEndpoint.get("tree", "/topics", {
      query: { prefix: Schema.optionalKey(Schema.String), ...pageQuery },
      success: pageOf(TopicNode),
      error: BadRequest
    }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.get("topic", "/topics/value", { ...ofTopic, success: TopicDetail }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.get("messages", "/topics/messages", {
      query: { topic: Schema.String, after: Schema.optionalKey(WholeNumber), limit: pageQuery.limit },
      success: TopicMessages,
      error: BadRequest
    }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.post("publish", "/publish", {
      payload: PublishRequest,
      success: Published,
      error: [BadRequest, Unprocessable, Busy]
    }).annotate(RoleNeeded, "operator"),
    HttpApiEndpoint.get("retained", "/retained", {
      query: pageQuery,
      success: pageOf(RetainedRow),
      error: BadRequest
    }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.get("retainedValue", "/retained/value", { ...ofTopic, success: MessageView }).annotate(
      RoleNeeded,
      "viewer"
    ),
    HttpApiEndpoint.delete("clearRetained", "/retained", {
      query: { filter: Schema.String, "dry-run": Schema.optionalKey(Schema.Literals(["true", "false"])) },
      success: Schema.Struct({ matched: Schema.Number, cleared: Schema.Number }),
      error: BadRequest
    }).annotate(RoleNeeded, "operator")
  )
  .middleware(Authorization) {}
