/**
 * Settings of `limits`: how much one stranger, one address, one client, one user and everybody together may cost.
 *
 * 0 means "no limit" wherever the summary says so; what is on by default is what nobody who means well meets.
 * Who enforces them: sockets before anybody has said who it is, listener/accept-limits.ts; the rest, broker/.
 */
import { choice, duration, integer, size, text } from "./kinds.ts"
import { networks } from "./networks.ts"
import { section } from "./section.ts"

const perSecondMax = 10_000_000

export const limitsSection = section({
  connectPacketSizeBytes: size({
    key: "max-connect-packet-size",
    fallback: "64KiB",
    minimum: "64B",
    maximum: "256MiB",
    live: true,
    summary: "Largest CONNECT: the most a stranger can make the broker hold."
  }),
  unauthenticatedBytesMax: size({
    key: "max-unauthenticated-bytes",
    fallback: "64MiB",
    minimum: "64KiB",
    maximum: "64GiB",
    live: true,
    summary: "Most bytes of unfinished CONNECTs that all strangers together can make the broker hold."
  }),
  exemptAddresses: networks({
    fallback: ["127.0.0.0/8", "::1/128"],
    live: true,
    summary: "Addresses and networks that no limit per address and no flapping ban applies to."
  }),
  maxConnectionsPerAddress: integer({
    fallback: 1000,
    minimum: 0,
    maximum: 1_000_000,
    live: true,
    summary: "Most sockets open at once from one address (IPv6: one /64); 0 = no limit."
  }),
  connectRatePerAddress: integer({
    fallback: 100,
    minimum: 0,
    maximum: perSecondMax,
    live: true,
    summary: "Connections per second from one address, judged before TLS; 0 = no limit."
  }),
  connectBurstPerAddress: integer({
    fallback: 500,
    minimum: 1,
    maximum: perSecondMax,
    live: true,
    summary: "Connections from one address that may come at once before connect-rate-per-address holds."
  }),
  maxFiltersPerPacket: integer({
    fallback: 8192,
    minimum: 1,
    maximum: 1_000_000,
    live: true,
    summary: "Most topic filters in one SUBSCRIBE or UNSUBSCRIBE."
  }),
  maxUserProperties: integer({
    fallback: 128,
    minimum: 0,
    maximum: 1_000_000,
    live: true,
    summary: "Most user properties in one packet from a client; a packet with more ends its connection."
  }),
  maxSessions: integer({
    fallback: 1_000_000,
    minimum: 1,
    maximum: 100_000_000,
    live: true,
    summary: "Most sessions, connected or not; a new one above that is refused with 0x97."
  }),
  publishRate: integer({
    fallback: 0,
    minimum: 0,
    maximum: perSecondMax,
    live: true,
    summary: "Messages per second taken from one client; above it the client is not read from; 0 = no limit."
  }),
  publishRateBytes: size({
    key: "publish-rate-bytes",
    fallback: "0B",
    minimum: "0B",
    maximum: "1TiB",
    live: true,
    summary: "Bytes of PUBLISH packets per second taken from one client; 0 = no limit."
  }),
  publishBurstMs: duration({
    fallback: "1s",
    minimum: "10ms",
    maximum: "1h",
    live: true,
    summary: "How long a client may save up publish-rate and publish-rate-bytes while it is quiet."
  }),
  onPublishRate: choice({
    choices: ["slow", "disconnect"],
    fallback: "slow",
    live: true,
    summary: "What happens above the publish rate: read no further until it holds, or disconnect with 0x96."
  }),
  deliveryRate: integer({
    fallback: 0,
    minimum: 0,
    maximum: perSecondMax,
    live: true,
    summary:
      "Messages per second sent to one client; above it QoS 0 is dropped with a ledger row, QoS 1 and 2 wait; 0 = no limit."
  }),
  maxQueuedMessages: integer({
    fallback: 1_000_000,
    minimum: 0,
    maximum: 1_000_000_000,
    live: true,
    summary: "Most messages that wait in the log for one session; the oldest above that are dropped; 0 = no limit."
  }),
  queuedBytesMax: size({
    key: "max-queued-bytes",
    fallback: "1GiB",
    minimum: "0B",
    maximum: "1024TiB",
    live: true,
    summary: "Most bytes that wait in the log for one session; the oldest above that are dropped; 0 = no limit."
  }),
  waitingBytesMax: size({
    key: "max-waiting-bytes",
    fallback: "1MiB",
    minimum: "0B",
    maximum: "1GiB",
    live: true,
    summary:
      "Bytes of QoS 1 and 2 messages that wait in memory for one client whose session ends with its connection; more wait in the log, 0 = all."
  }),
  waitingMemoryBytes: size({
    key: "waiting-memory",
    fallback: "64MiB",
    minimum: "0B",
    maximum: "1TiB",
    live: true,
    summary: "The same for all such clients together."
  }),
  holdBackWindows: integer({
    fallback: 8,
    minimum: 0,
    maximum: 1000,
    live: true,
    summary:
      "Windows of messages (mqtt.max-inflight each) that wait in memory for a receiver when publishers begin to wait for it; 0 = never."
  }),
  holdBackMsMax: duration({
    key: "max-hold-back",
    fallback: "300ms",
    minimum: "100ms",
    maximum: "10s",
    live: true,
    summary: "Longest time that publishers wait for a slow receiver; it holds nobody back then until it has taken all."
  }),
  maxConnectionsPerUser: integer({
    fallback: 0,
    minimum: 0,
    maximum: 1_000_000,
    live: true,
    summary: "Most clients connected at once with one user name; one more is refused with 0x97; 0 = no limit."
  }),
  maxSubscriptionsPerUser: integer({
    fallback: 0,
    minimum: 0,
    maximum: 100_000_000,
    live: true,
    summary: "Most filters that connected clients of one user name hold; one more is answered 0x97; 0 = no limit."
  }),
  quotaWarningPercent: integer({
    fallback: 80,
    minimum: 1,
    maximum: 100,
    live: true,
    summary: "Share of a user's quota from which on the log of events, the client's history and the metrics warn."
  }),
  maxUserMessagesPerDay: integer({
    fallback: 0,
    minimum: 0,
    maximum: 1_000_000_000_000,
    live: true,
    summary:
      "Messages that clients of one user name may publish from 00:00 to 24:00 UTC; more are refused with 0x97; 0 = no limit."
  }),
  userBytesPerDayMax: size({
    key: "max-user-bytes-per-day",
    fallback: "0B",
    minimum: "0B",
    maximum: "1024TiB",
    live: true,
    summary: "The same in bytes of PUBLISH packets; 0 = no limit."
  }),
  maxQuotaUsers: integer({
    fallback: 10_000,
    minimum: 1,
    maximum: 1_000_000,
    live: true,
    summary:
      "User names whose day is counted; one more takes the place of one that is away. Kept in <data-dir>/user-quotas.json."
  }),
  flappingConnects: integer({
    fallback: 60,
    minimum: 0,
    maximum: 1_000_000,
    live: true,
    summary: "Accepted connects of one client id within flapping-window that get it banned; 0 = never."
  }),
  flappingWindowMs: duration({
    fallback: "1m",
    minimum: "1s",
    maximum: "24h",
    live: true,
    summary: "Time in which the connects of a client id are counted."
  }),
  flappingBanMs: duration({
    fallback: "5m",
    minimum: "1s",
    maximum: "30d",
    live: true,
    summary: "How long a client id that flaps is banned (reason code 0x8A)."
  }),
  maxBans: integer({
    fallback: 10_000,
    minimum: 1,
    maximum: 1_000_000,
    live: true,
    summary: "Most bans kept at once; one more is refused, a flapping one replaces the one that ends first."
  }),
  bansFile: text({
    fallback: "",
    fallbackWords: "<data-dir>/bans.json; none with the memory engine",
    summary: "File that keeps bans over a restart, made with mode 0600."
  }),
  maxDropRows: integer({
    fallback: 10_000,
    minimum: 100,
    maximum: 1_000_000,
    summary: "Rows of the drop ledger (reason, client, topic); what is beyond counts in one row per reason."
  }),
  memoryBytesMax: size({
    key: "max-memory",
    fallback: "0B",
    fallbackWords: "80 % of what the machine or its control group has",
    minimum: "0B",
    maximum: "1024TiB",
    live: true,
    summary:
      "Memory of the process at which the greediest clients are disconnected; publishers are slowed, connections refused and QoS 0 dropped before."
  }),
  loopLagMsMax: duration({
    key: "max-loop-lag",
    fallback: "1s",
    minimum: "0s",
    maximum: "1h",
    live: true,
    summary: "Delay of the event loop above which new connections are refused with 0x89; 0s = never."
  })
})
