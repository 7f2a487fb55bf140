/**
 * Sessions and their subscriptions as rows, and one of them in detail. Read from the broker's own state, for what is shown
 * and no more.
 */
import type { Identity } from "../../access/access.ts"
import { type Client, clientOf } from "../../broker/client.ts"
import type { Core } from "../../broker/core.ts"
import { rightsOf } from "../../broker/permissions.ts"
import { waitingMessages } from "../../broker/session-mode.ts"
import { PublishView } from "../../codec/publish-view.ts"
import { viewTrusted } from "../../codec/read-publish.ts"
import { parseSharedFilter } from "../../router/topic-filter.ts"
import { ExchangeState } from "../../session/outgoing-window.ts"
import { type Session, SessionMode, type SessionWill } from "../../session/session.ts"
import type { Member, ShareGroup } from "../../session/share-group.ts"
import type { Subscription } from "../../session/subscription.ts"
import type { ClientDetail, ClientEvent, ClientRow, SharedGroup, SubscriptionRow } from "../api/clients.ts"
import { type Columns, rowOf, timeText } from "./page.ts"

const inFlightShownMax = 200
const protocols = { 3: "3.1", 4: "3.1.1", 5: "5.0" } as const

export const clientColumns = (core: Core): Columns<Session, ClientRow> => ({
  clientIdentifier: ({ clientIdentifier }) => clientIdentifier,
  state: ({ connection }) => (connection === undefined ? "absent" : "connected"),
  username: ({ username }) => username ?? null,
  address: (session) => clientOf(session)?.connection.transport.peer ?? identityOf(session)?.peer ?? null,
  listener: (session) => clientOf(session)?.connection.transport.listener ?? identityOf(session)?.listener ?? null,
  protocol: (session) => {
    const client = clientOf(session)
    return client === undefined ? null : protocols[client.version]
  },
  connectedAt: (session) => {
    const client = clientOf(session)
    return client === undefined ? null : timeText(client.connectedAtMs)
  },
  disconnectedAt: ({ connection, disconnectedAtMs }) =>
    connection === undefined && disconnectedAtMs > 0 ? timeText(disconnectedAtMs) : null,
  keepAliveSeconds: (session) => {
    const client = clientOf(session)
    return client === undefined ? null : client.keepAliveMs / 1000
  },
  sessionExpirySeconds: ({ expiryIntervalSeconds }) =>
    Number.isFinite(expiryIntervalSeconds) ? expiryIntervalSeconds : null,
  subscriptions: subscriptionsOf,
  inFlight: ({ window }) => window.inFlight,
  inFlightMax: ({ window }) => window.limit,
  behindRecords: (session) => behindRecords(core, session),
  unsentBytes: (session) => clientOf(session)?.connection.outbox.queuedBytes ?? 0,
  receivedBytes: (session) => clientOf(session)?.connection.transport.receivedBytes ?? 0,
  sentBytes: (session) => clientOf(session)?.connection.transport.sentBytes ?? 0,
  drops: ({ clientIdentifier }) => core.ledger.ofClient(clientIdentifier)
})

export const clientSearched = ["clientIdentifier", "username", "address", "listener"] as const

/** Of the last connection; undefined after a restart. */
const identityOf = ({ rights }: Session): Identity | undefined =>
  (rights as { readonly identity: Identity } | undefined)?.identity

/** Ended ones stay in the map until the cursor has passed them. */
function subscriptionsOf({ shared, subscriptions }: Session): number {
  let count = shared?.size ?? 0
  for (const { active } of subscriptions.values()) if (active) count += 1
  return count
}

/** What waits in memory, and what its filters have counted: never more than there are records. */
const behindRecords = (core: Core, session: Session): number => {
  const waiting = session.waiting?.count ?? 0
  if (session.mode === SessionMode.live) return waiting
  return waiting + Math.min(waitingMessages(session), Math.max(0, core.log.next - session.cursor))
}

export interface SubscriptionItem {
  readonly session: Session
  readonly text: string
  /** One or the other. */
  readonly subscription: Subscription | undefined
  readonly member: Member | undefined
}

export const subscriptionColumns: Columns<SubscriptionItem, SubscriptionRow> = {
  clientIdentifier: ({ session }) => session.clientIdentifier,
  filter: ({ text }) => text,
  share: ({ text }) => shareOf(text),
  qos: ({ member, subscription }) => (member ?? subscription)?.qos as 0 | 1 | 2,
  noLocal: ({ subscription }) => subscription?.noLocal === true,
  retainAsPublished: ({ member, subscription }) => (member ?? subscription)?.retainAsPublished === true,
  // It counts at the moment of SUBSCRIBE and is not kept.
  retainHandling: () => 0,
  subscriptionIdentifier: ({ member, subscription }) => (member ?? subscription)?.identifiers?.[0] ?? null
}

export const subscriptionSearched = ["clientIdentifier", "filter"] as const

export function* subscriptionsIn(sessions: Iterable<Session>): Generator<SubscriptionItem> {
  for (const session of sessions) {
    for (const [text, subscription] of session.subscriptions) {
      if (subscription.active) yield { session, text, subscription, member: undefined }
    }
    for (const [text, group] of session.shared ?? []) {
      yield { session, text, subscription: undefined, member: group.memberOf(session) }
    }
  }
}

/** Those that get what is published to the topic. */
export function* subscriptionsTo(core: Core, topic: string): Generator<SubscriptionItem> {
  const matched = new Set(core.router.match(topic))
  for (const item of subscriptionsIn(core.sessions.values())) {
    const filter = item.subscription?.filter ?? item.member?.group.entry.filter
    if (filter !== undefined && matched.has(filter as never)) yield item
  }
}

export const groupColumns = (core: Core): Columns<ShareGroup, SharedGroup> => ({
  share: ({ text }) => shareOf(text) ?? "",
  filter: ({ entry }) => entry.filter.text,
  strategy: () => core.limits.sharedStrategy,
  members: ({ members }) => members.map(({ session }) => session.clientIdentifier),
  behindRecords: ({ isLive, reader, requeued }) =>
    requeued.length + (isLive ? 0 : Math.max(0, core.log.next - reader.cursor)),
  inFlight: (group) => group.openAtQos1().length
})

export const groupSearched = ["share", "filter", "members"] as const

const shareOf = (text: string): string | null => {
  const shared = parseSharedFilter(text)
  return shared !== undefined && "shareName" in shared ? shared.shareName : null
}

export const clientDetail = (core: Core, session: Session, events: ReadonlyArray<ClientEvent>): ClientDetail => {
  const client = clientOf(session)
  const { identity } = rightsOf(core, session)
  const certificate = client?.connection.transport.peerCertificate
  const maximum = client?.maximumPacketSizeBytes ?? Number.POSITIVE_INFINITY
  return {
    ...rowOf(clientColumns(core), session),
    cleanStart: client?.cleanStart ?? null,
    provider: identity.provider ?? null,
    groups: identity.groups ?? [],
    credentialsExpireAt: identity.expiresAtMs === undefined ? null : timeText(identity.expiresAtMs),
    certificate:
      certificate === undefined
        ? null
        : {
            subject: certificate.subject,
            fingerprint: certificate.fingerprint,
            expiresAt: timeText(certificate.expiresAtMs)
          },
    maximumPacketSizeBytes: Number.isFinite(maximum) ? maximum : null,
    topicAliasMaximum: client?.topicAliasMaximum ?? 0,
    will: willView(client?.will ?? session.will),
    subscriptionList: Array.from(subscriptionsIn([session]), (item) => rowOf(subscriptionColumns, item)),
    inFlightList: inFlightOf(core, session, client),
    events
  }
}

const view = new PublishView()

const willView = (will: SessionWill | undefined): ClientDetail["will"] => {
  if (will === undefined) return null
  viewTrusted(view, will.frame, 0, will.frame.length, will.isVersion5)
  return {
    topic: will.topic,
    qos: view.qos as 0 | 1 | 2,
    retain: view.retain,
    delaySeconds: will.delaySeconds,
    sizeBytes: view.frameEnd - view.payloadStart
  }
}

const stateOf = (state: number): ClientDetail["inFlightList"][number]["state"] =>
  state === ExchangeState.awaitPubcomp ? "released" : "sent"

const inFlightOf = (
  { log }: Core,
  { incoming, window }: Session,
  client: Client | undefined
): ClientDetail["inFlightList"] => {
  const sent = window
    .openIdentifiers()
    .slice(0, inFlightShownMax)
    .map((packetIdentifier) => {
      const sequence = window.sequence(packetIdentifier)
      const topicId = sequence < 0 ? -1 : log.topicAt(sequence)
      const state = window.state(packetIdentifier)
      return {
        packetIdentifier,
        qos: (state === ExchangeState.awaitPuback ? 1 : 2) as 1 | 2,
        topic: topicId < 0 ? null : log.topicName(topicId),
        sequence: sequence < 0 ? null : sequence,
        state: stateOf(state)
      }
    })
  const received = [...(incoming ?? [])].slice(0, inFlightShownMax - sent.length).map((packetIdentifier) => ({
    packetIdentifier,
    qos: 2 as const,
    topic: null,
    sequence: null,
    state: "received" as const
  }))
  return client === undefined && sent.length + received.length === 0 ? [] : [...sent, ...received]
}
