/**
 * The settings the verbs look at, as plain numbers. src/app.ts fills them from the settings; run-time
 * changes replace the whole record (Core.limits), so no verb ever sees half a change.
 */
import type { ShareStrategy } from "../session/share-strategy.ts"
import type { Settings } from "../settings/settings.ts"

/** A connection that is being closed gets this long to take what it was sent. */
const CLOSE_GRACE_MS = 2000

export interface Limits {
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
  /** How long a connection that is being closed may take to flush. */
  readonly closeGraceMs: number
}

export const limitsOf = ({ limits, mqtt, server, storage }: Settings): Limits => ({
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
  closeGraceMs: Math.min(CLOSE_GRACE_MS, server.shutdownTimeoutMs)
})
