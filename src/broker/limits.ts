/**
 * The settings the verbs look at, as plain numbers. src/app.ts fills them from the settings; run-time
 * changes replace the whole record (Core.limits), so no verb ever sees half a change.
 */

import type { ShareStrategy } from "../session/share-strategy.ts"
import { NetworkSet } from "../settings/network-set.ts"
import type { Settings } from "../settings/settings.ts"

/** A connection that is being closed gets this long to take what it was sent. */
const CLOSE_GRACE_MS = 2000

export interface Limits {
  /** What strangers may make the broker hold, all together. */
  readonly unauthenticatedBytesMax: number
  /** No limit per address and no flapping ban for these. */
  readonly exempt: NetworkSet
  readonly userPropertiesMax: number
  /** Per client and second; 0 = no limit, here and below. */
  readonly publishRate: number
  readonly publishRateBytes: number
  readonly publishBurstMs: number
  readonly onPublishRate: "slow" | "disconnect"
  readonly deliveryRate: number
  /** Waiting in the log for one session. */
  readonly queuedMessagesMax: number
  readonly queuedBytesMax: number
  /** Waiting in memory for one session that ends with its connection, and for all of them. */
  readonly waitingBytesMax: number
  readonly waitingMemoryBytes: number
  readonly connectionsPerUserMax: number
  readonly subscriptionsPerUserMax: number
  readonly quotaWarningPercent: number
  /** What one user name may publish in a day; 0 = no limit. */
  readonly userMessagesPerDayMax: number
  readonly userBytesPerDayMax: number
  readonly quotaUsersMax: number
  readonly flappingConnects: number
  readonly flappingWindowMs: number
  readonly flappingBanMs: number
  readonly bansMax: number
  /** 0 = a share of what the machine has. */
  readonly memoryBytesMax: number
  readonly loopLagMsMax: number
  readonly packetSizeBytesMax: number
  /** Before authentication: the most a stranger can make the broker hold. */
  readonly connectPacketSizeBytesMax: number
  readonly clientIdentifierLengthMax: number
  readonly topicLengthBytesMax: number
  readonly topicLevelsMax: number
  readonly qosMax: 0 | 1 | 2
  /** Announced as Server Keep Alive to clients that ask for none or for more than keepAliveSecondsMax; 0 = their wish stands. */
  readonly keepAliveSeconds: number
  readonly keepAliveSecondsMax: number
  /** Window towards one client. */
  readonly inFlightMax: number
  /** Announced Receive Maximum. */
  readonly receiveMaximum: number
  readonly topicAliasMaximum: number
  readonly connectionsMax: number
  readonly sessionsMax: number
  readonly sessionExpirySecondsMax: number
  readonly subscriptionsPerClientMax: number
  readonly filtersPerPacketMax: number
  readonly retainAvailable: boolean
  readonly wildcardAvailable: boolean
  readonly sharedAvailable: boolean
  readonly sharedStrategy: ShareStrategy
  /** User property that key-ordered groups keep in order; "" = the topic. */
  readonly sharedKeyProperty: string
  /** Sent with 0x9C to 5.0 clients when the broker stops; "" = no other server. */
  readonly serverReference: string
  /** Given to clients that ask for it; "" = none. */
  readonly responseInformation: string
  readonly connectTimeoutMs: number
  /** Longest time an unfinished packet may take; 0 = no limit. */
  readonly readTimeoutMs: number
  /** Longest time a client may take nothing of what waits for it; 0 = no limit. */
  readonly writeTimeoutMs: number
  /** How often cursors are saved: what a crash may hand over again at QoS 1. */
  readonly cursorSaveIntervalMs: number
  /** When publishers wait for a slow receiver, in windows of it, and how long at most; see hold-back.ts. */
  readonly holdBackWindows: number
  readonly holdBackMsMax: number
  /** Time of one sync from which on it is slow, and stalled; see watch-disk.ts. */
  readonly slowSyncMs: number
  readonly stalledSyncMs: number
  /** How long a connection that is being closed may take to flush. */
  readonly closeGraceMs: number
  /** Topics whose verdicts are kept per connection, and the memory for all of them; see permissions.ts. */
  readonly verdictTopicsMax: number
  readonly verdictBytesMax: number
  /** A retained message is sent while its publisher may still publish it. */
  readonly checkRetainedSource: boolean
  /** A session that belongs to a user name is nobody else's. */
  readonly ownSessionsOnly: boolean
  /** Names kept of those who published what is retained; see retained-publishers.ts. */
  readonly retainedPublishersMax: number
  /** Events remembered of all clients; see client-events.ts. */
  readonly clientEventsMax: number
}

export const limitsOf = ({ acl, limits, mqtt, server, storage, tracing }: Settings): Limits => ({
  clientEventsMax: tracing.maxClientEvents,
  retainedPublishersMax: mqtt.maxRetainedPublishers,
  unauthenticatedBytesMax: limits.unauthenticatedBytesMax,
  exempt: new NetworkSet(limits.exemptAddresses),
  userPropertiesMax: limits.maxUserProperties,
  publishRate: limits.publishRate,
  publishRateBytes: limits.publishRateBytes,
  publishBurstMs: limits.publishBurstMs,
  onPublishRate: limits.onPublishRate,
  deliveryRate: limits.deliveryRate,
  queuedMessagesMax: limits.maxQueuedMessages,
  queuedBytesMax: limits.queuedBytesMax,
  waitingBytesMax: limits.waitingBytesMax,
  waitingMemoryBytes: limits.waitingMemoryBytes,
  connectionsPerUserMax: limits.maxConnectionsPerUser,
  subscriptionsPerUserMax: limits.maxSubscriptionsPerUser,
  quotaWarningPercent: limits.quotaWarningPercent,
  userMessagesPerDayMax: limits.maxUserMessagesPerDay,
  userBytesPerDayMax: limits.userBytesPerDayMax,
  quotaUsersMax: limits.maxQuotaUsers,
  flappingConnects: limits.flappingConnects,
  flappingWindowMs: limits.flappingWindowMs,
  flappingBanMs: limits.flappingBanMs,
  bansMax: limits.maxBans,
  memoryBytesMax: limits.memoryBytesMax,
  loopLagMsMax: limits.loopLagMsMax,
  packetSizeBytesMax: mqtt.maxPacketSizeBytes,
  connectPacketSizeBytesMax: Math.min(limits.connectPacketSizeBytes, mqtt.maxPacketSizeBytes),
  clientIdentifierLengthMax: mqtt.maxClientIdLength,
  topicLengthBytesMax: mqtt.maxTopicLength,
  topicLevelsMax: mqtt.maxTopicLevels,
  qosMax: mqtt.maxQos as 0 | 1 | 2,
  keepAliveSeconds: mqtt.keepAliveSeconds,
  keepAliveSecondsMax: mqtt.maxKeepAliveSeconds,
  inFlightMax: mqtt.maxInflight,
  receiveMaximum: mqtt.receiveMaximum,
  topicAliasMaximum: mqtt.topicAliasMaximum,
  connectionsMax: mqtt.maxConnections,
  sessionsMax: limits.maxSessions,
  sessionExpirySecondsMax: mqtt.sessionExpirySecondsMax,
  subscriptionsPerClientMax: mqtt.maxSubscriptionsPerClient,
  filtersPerPacketMax: limits.maxFiltersPerPacket,
  retainAvailable: mqtt.retainAvailable,
  wildcardAvailable: mqtt.wildcardAvailable,
  sharedAvailable: mqtt.sharedSubAvailable,
  sharedStrategy: mqtt.sharedStrategy,
  sharedKeyProperty: mqtt.sharedKeyProperty,
  serverReference: mqtt.serverReference,
  responseInformation: mqtt.responseInformation,
  connectTimeoutMs: server.connectTimeoutMs,
  readTimeoutMs: server.readTimeoutMs,
  writeTimeoutMs: server.writeTimeoutMs,
  cursorSaveIntervalMs: storage.cursorSaveIntervalMs,
  holdBackWindows: limits.holdBackWindows,
  holdBackMsMax: limits.holdBackMsMax,
  slowSyncMs: storage.wal.slowSyncMs,
  stalledSyncMs: storage.wal.stalledSyncMs,
  closeGraceMs: Math.min(CLOSE_GRACE_MS, server.shutdownTimeoutMs),
  verdictTopicsMax: acl.maxCachedTopics,
  verdictBytesMax: acl.maxCacheBytes,
  checkRetainedSource: acl.checkRetainedSource,
  ownSessionsOnly: acl.sessionTakeover === "same-user"
})
