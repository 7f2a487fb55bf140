/**
 * An admin API for the operating commands under test: answers that the declaration's schemas have accepted (src/admin/api),
 * and a record of what was asked. What the real one answers is in operate-live.test.ts.
 */
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import * as Schema from "effect/Schema"
import { ClientDetail, ClientRow, SharedGroup, SubscriptionRow } from "../../src/admin/api/clients.ts"
import { BanRow } from "../../src/admin/api/security.ts"
import { pageOf } from "../../src/admin/api/shared.ts"
import { LogLevelView, Overview, SystemInfo } from "../../src/admin/api/system.ts"
import { MessageView, RetainedRow, TopicDetail, TopicNode } from "../../src/admin/api/topics.ts"

export interface Asked {
  readonly method: string
  /** With its query. */
  readonly url: string
  readonly body: unknown
}

export interface StubAnswer {
  readonly status?: number
  readonly body: unknown
}

export interface AdminStub {
  readonly port: number
  readonly token: string
  readonly asked: Array<Asked>
  /** Requests that came with a token, whichever. */
  readonly tokensShown: () => number
  /** By "METHOD /path"; changed by tests. */
  readonly answers: Map<string, StubAnswer>
  readonly stop: () => Promise<void>
}

export async function startAdminStub(): Promise<AdminStub> {
  const token = "t".repeat(43)
  const asked: Array<Asked> = []
  const answers = new Map<string, StubAnswer>(Object.entries(usualAnswers()))
  let tokensShown = 0
  const server = http.createServer((request, response) => {
    if (request.headers.authorization !== undefined) tokensShown++
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const { method = "", url = "" } = request
      const path = url.replace(/\?.*$/, "")
      const body = Buffer.concat(chunks).toString("utf8")
      if (path !== "/health") asked.push({ method, url, body: body === "" ? undefined : JSON.parse(body) })
      const isKnown = path === "/health" || request.headers.authorization === `Bearer ${token}`
      const answer = isKnown ? (answers.get(`${method} ${path}`) ?? noSuch) : wrongToken
      response.writeHead(answer.status ?? 200, { "content-type": "application/json" })
      response.end(JSON.stringify(answer.body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    port: (server.address() as AddressInfo).port,
    token,
    asked,
    tokensShown: () => tokensShown,
    answers,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}

export const overview: typeof Overview.Type = {
  at: "2026-11-21T20:45:33.000Z",
  status: "ok",
  checks: [{ name: "disk", status: "ok" }],
  clientsConnected: 1,
  sessions: 2,
  subscriptions: 3,
  topics: 4,
  retainedMessages: 5,
  retainedBytes: 6144,
  messagesInPerSecond: 1234.6,
  messagesOutPerSecond: 7.25,
  bytesInPerSecond: 2048,
  bytesOutPerSecond: 100,
  connectsPerSecond: 0,
  dropsPerSecond: 2,
  dropsByReason: { "queue-full": 12, expired: 0 },
  inFlight: 9,
  waitingMessages: 4,
  unsentBytes: 10_240,
  publishAckP50Ms: 1.234,
  publishAckP99Ms: 45.6,
  syncP50Ms: null,
  syncP99Ms: null,
  loopLagP99Ms: 0.5,
  logRecords: 100,
  logBytes: 1_048_576,
  diskBytes: 0,
  diskSpace: "ok",
  pressure: 0.02,
  notDurable: 1,
  rssBytes: 104_857_600,
  heapUsedBytes: 1,
  cpuRatio: 0.5
}

export const clientRow: ClientRow = {
  clientIdentifier: "c1",
  state: "connected",
  username: "alice",
  address: "127.0.0.1:50000",
  listener: "mqtt",
  protocol: "5.0",
  connectedAt: "2026-11-21T20:00:00.000Z",
  disconnectedAt: null,
  keepAliveSeconds: 60,
  sessionExpirySeconds: 3661,
  subscriptions: 2,
  inFlight: 3,
  inFlightMax: 65_535,
  behindRecords: 12_345,
  unsentBytes: 2048,
  receivedBytes: 4096,
  sentBytes: 8192,
  drops: 7
}

/** A stranger's name that would clear the screen. */
export const evilIdentifier = "evil\u001b[2J\u009b"

const subscription: SubscriptionRow = {
  clientIdentifier: "c1",
  filter: "plant/#",
  share: "pool",
  qos: 1,
  noLocal: true,
  retainAsPublished: false,
  retainHandling: 2,
  subscriptionIdentifier: 42
}

const payload = { encoding: "utf8", value: '{"t":21}', sizeBytes: 8, isCut: false } as const
const message: typeof MessageView.Type = {
  topic: "plant/1",
  qos: 1,
  retain: true,
  payload,
  publishedAt: "2026-11-21T20:00:00.000Z",
  expiresAt: null,
  contentType: "application/json",
  responseTopic: null,
  correlationData: null,
  userProperties: [{ name: "a", value: "b" }],
  sequence: 17
}
const retained: RetainedRow = {
  topic: "plant/1",
  qos: 1,
  sizeBytes: 8,
  storedAt: "2026-11-21T20:00:00.000Z",
  expiresAt: null,
  publisher: "c1",
  publisherUsername: "alice"
}

const absent: ClientRow = {
  ...clientRow,
  clientIdentifier: evilIdentifier,
  state: "absent",
  username: null,
  behindRecords: 0,
  inFlight: 0,
  unsentBytes: 0,
  drops: 0,
  disconnectedAt: "2026-11-21T20:30:00.000Z"
}

const page = <S extends Schema.ConstraintDecoder<unknown>>(schema: S, items: ReadonlyArray<S["Type"]>) => {
  const body = { items, total: items.length, isTotalExact: true }
  Schema.decodeUnknownSync(pageOf(schema as never) as never)(body)
  return { body }
}
const one = <S extends Schema.ConstraintDecoder<unknown>>(schema: S, body: S["Type"]) => {
  Schema.decodeUnknownSync(schema)(body)
  return { body }
}

const usualAnswers = (): Record<string, StubAnswer> => ({
  "GET /health": { body: { status: "ok", checks: [{ name: "disk", status: "ok" }] } },
  "GET /api/v1/overview": one(Overview, overview),
  "GET /api/v1/system": one(SystemInfo, {
    version: "0.1.0",
    node: "26.1.0",
    pid: 4711,
    startedAt: "2026-11-21T17:00:00.000Z",
    uptimeSeconds: 11_523,
    addresses: ["mqtt mqtt://127.0.0.1:1883", "ws ws://127.0.0.1:8080"],
    counters: [],
    memory: { rssBytes: 1, heapUsedBytes: 1, externalBytes: 1, arrayBuffersBytes: 1 },
    log: { records: 100, bytes: 1, limitBytes: 1, segments: 1, topics: 4 },
    storage: {
      engine: "memory",
      promise: "in memory: nothing survives the process",
      losesInCrash: "everything",
      losesInPowerCut: "everything",
      appended: 1,
      written: 1,
      durable: 1,
      kept: 1,
      pressure: 0
    },
    drops: []
  }),
  "GET /api/v1/clients": page(ClientRow, [clientRow, absent]),
  "GET /api/v1/clients/c1": one(ClientDetail, {
    ...clientRow,
    cleanStart: true,
    provider: "password-file",
    groups: ["staff"],
    credentialsExpireAt: null,
    certificate: null,
    maximumPacketSizeBytes: null,
    topicAliasMaximum: 0,
    will: { topic: "gone", qos: 1, retain: true, delaySeconds: 5, sizeBytes: 3 },
    subscriptionList: [subscription],
    inFlightList: [{ packetIdentifier: 5, qos: 1, topic: "plant/1", sequence: 17, state: "sent" }],
    events: [
      { at: "2026-11-21T20:00:00.000Z", what: "connected", address: "127.0.0.1:50000", reasonCode: 0, detail: "5.0" }
    ]
  }),
  "POST /api/v1/clients/c1/kick": { body: { done: true } },
  "POST /api/v1/clients/c1/drop-queue": { body: { dropped: 12 } },
  "POST /api/v1/clients/c1/unsubscribe": { body: { done: true } },
  "DELETE /api/v1/clients/c1": { body: { done: true } },
  "GET /api/v1/subscriptions": page(SubscriptionRow, [subscription]),
  "GET /api/v1/shared": page(SharedGroup, [
    { share: "pool", filter: "plant/#", strategy: "round-robin", members: ["c1"], behindRecords: 4, inFlight: 1 }
  ]),
  "GET /api/v1/topics": page(TopicNode, [
    {
      level: "plant",
      topic: "plant",
      isTopic: false,
      hasChildren: true,
      topics: 3,
      messages: 1234,
      isRetained: false,
      last: null
    }
  ]),
  "GET /api/v1/topics/value": one(TopicDetail, {
    topic: "plant/1",
    subscribers: 3,
    subscriberNames: ["c1"],
    messages: 20,
    records: 20,
    retained,
    last: message
  }),
  "POST /api/v1/publish": { body: { reasonCode: 0, reason: "success", sequence: 18 } },
  "GET /api/v1/retained": page(RetainedRow, [retained]),
  "GET /api/v1/retained/value": one(MessageView, message),
  "DELETE /api/v1/retained": { body: { matched: 3, cleared: 3 } },
  "GET /api/v1/bans": page(BanRow, [ban("client", "c1"), ban("user", "c1"), ban("address", "192.0.2.0/24")]),
  "POST /api/v1/bans": one(BanRow, ban("client", "c1")),
  "DELETE /api/v1/bans/address%3A192.0.2.0%2F24": { body: { done: true } },
  "DELETE /api/v1/bans/user%3Ac1": { body: { done: true } },
  "GET /api/v1/settings": {
    body: { settings: [{ key: "log.level", value: "info", origin: "default", live: true, summary: "" }] }
  },
  "GET /api/v1/logs/level": one(LogLevelView, { level: "info", raises: [] }),
  "PATCH /api/v1/settings": { body: { changed: [{ key: "log.level", value: "debug" }] } }
})

function ban(kind: "client" | "user" | "address", value: string): typeof BanRow.Type {
  const [since, until] = ["2026-11-21T20:00:00.000Z", "2026-11-21T21:00:00.000Z"]
  return { id: `${kind}:${value}`, kind, value, reason: "floods", by: "admin", since, until }
}

export const refused = (status: number, code: string, fact: string): StubAnswer => ({
  status,
  body: { _tag: "Refused", errors: [{ code, fact, fix: "mend it" }] }
})
const noSuch = refused(404, "E6101", "there is no such thing")
const wrongToken = refused(401, "E5101", "the token is missing or wrong")
