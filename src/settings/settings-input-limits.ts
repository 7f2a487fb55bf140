/**
 * The section limits of the settings as an object (settings-input.ts).
 *
 * Generated from the settings' declaration: change that (declare-*.ts), then run node test/config/regenerate.ts.
 * Older spellings of keys are understood as well but have no type here. Bounds are judged when it is read.
 */
import type { DurationText, SizeText } from "./settings-input.ts"

export interface LimitsInput {
  /** Largest CONNECT: the most a stranger can make the broker hold. 64B to 256MiB. Default: "64KiB". */
  readonly "max-connect-packet-size"?: SizeText
  /** Most bytes of unfinished CONNECTs that all strangers together can make the broker hold. 64KiB to 64GiB. Default: "64MiB". */
  readonly "max-unauthenticated-bytes"?: SizeText
  /** Addresses and networks that no limit per address and no flapping ban applies to. Default: ["127.0.0.0/8","::1/128"]. */
  readonly "exempt-addresses"?: string | ReadonlyArray<string>
  /** Most sockets open at once from one address (IPv6: one /64); 0 = no limit. 0 to 1000000. Default: 1000. */
  readonly "max-connections-per-address"?: number
  /** Connections per second from one address, judged before TLS; 0 = no limit. 0 to 10000000. Default: 100. */
  readonly "connect-rate-per-address"?: number
  /** Connections from one address that may come at once before connect-rate-per-address holds. 1 to 10000000. Default: 500. */
  readonly "connect-burst-per-address"?: number
  /** Most topic filters in one SUBSCRIBE or UNSUBSCRIBE. 1 to 1000000. Default: 8192. */
  readonly "max-filters-per-packet"?: number
  /** Most user properties in one packet from a client; a packet with more ends its connection. 0 to 1000000. Default: 128. */
  readonly "max-user-properties"?: number
  /** Most sessions, connected or not; a new one above that is refused with 0x97. 1 to 100000000. Default: 1000000. */
  readonly "max-sessions"?: number
  /** Messages per second taken from one client; above it the client is not read from; 0 = no limit. 0 to 10000000. Default: 0. */
  readonly "publish-rate"?: number
  /** Bytes of PUBLISH packets per second taken from one client; 0 = no limit. 0B to 1TiB. Default: "0B". */
  readonly "publish-rate-bytes"?: SizeText
  /** How long a client may save up publish-rate and publish-rate-bytes while it is quiet. 10ms to 1h. Default: "1s". */
  readonly "publish-burst"?: DurationText | 0
  /** What happens above the publish rate: read no further until it holds, or disconnect with 0x96. Default: "slow". */
  readonly "on-publish-rate"?: "slow" | "disconnect"
  /** Messages per second sent to one client; above it QoS 0 is dropped with a ledger row, QoS 1 and 2 wait; 0 = no limit. 0 to 10000000. Default: 0. */
  readonly "delivery-rate"?: number
  /** Most messages that wait in the log for one session; the oldest above that are dropped; 0 = no limit. 0 to 1000000000. Default: 1000000. */
  readonly "max-queued-messages"?: number
  /** Most bytes that wait in the log for one session; the oldest above that are dropped; 0 = no limit. 0B to 1024TiB. Default: "1GiB". */
  readonly "max-queued-bytes"?: SizeText
  /** Bytes of QoS 1 and 2 messages that wait in memory for one client whose session ends with its connection; more wait in the log, 0 = all. 0B to 1GiB. Default: "1MiB". */
  readonly "max-waiting-bytes"?: SizeText
  /** The same for all such clients together. 0B to 1TiB. Default: "64MiB". */
  readonly "waiting-memory"?: SizeText
  /** Windows of messages (mqtt.max-inflight each) that wait in memory for a receiver when publishers begin to wait for it; 0 = never. 0 to 1000. Default: 8. */
  readonly "hold-back-windows"?: number
  /** Longest time that publishers wait for a slow receiver; it holds nobody back then until it has taken all. 100ms to 10s. Default: "300ms". */
  readonly "max-hold-back"?: DurationText | 0
  /** Most clients connected at once with one user name; one more is refused with 0x97; 0 = no limit. 0 to 1000000. Default: 0. */
  readonly "max-connections-per-user"?: number
  /** Most filters that connected clients of one user name hold; one more is answered 0x97; 0 = no limit. 0 to 100000000. Default: 0. */
  readonly "max-subscriptions-per-user"?: number
  /** Share of a user's quota from which on the log of events, the client's history and the metrics warn. 1 to 100. Default: 80. */
  readonly "quota-warning-percent"?: number
  /** Messages that clients of one user name may publish from 00:00 to 24:00 UTC; more are refused with 0x97; 0 = no limit. 0 to 1000000000000. Default: 0. */
  readonly "max-user-messages-per-day"?: number
  /** The same in bytes of PUBLISH packets; 0 = no limit. 0B to 1024TiB. Default: "0B". */
  readonly "max-user-bytes-per-day"?: SizeText
  /** User names whose day is counted; one more takes the place of one that is away. Kept in <data-dir>/user-quotas.json. 1 to 1000000. Default: 10000. */
  readonly "max-quota-users"?: number
  /** Accepted connects of one client id within flapping-window that get it banned; 0 = never. 0 to 1000000. Default: 60. */
  readonly "flapping-connects"?: number
  /** Time in which the connects of a client id are counted. 1s to 1d. Default: "1m". */
  readonly "flapping-window"?: DurationText | 0
  /** How long a client id that flaps is banned (reason code 0x8A). 1s to 30d. Default: "5m". */
  readonly "flapping-ban"?: DurationText | 0
  /** Most bans kept at once; one more is refused, a flapping one replaces the one that ends first. 1 to 1000000. Default: 10000. */
  readonly "max-bans"?: number
  /** File that keeps bans over a restart, made with mode 0600. Default: <data-dir>/bans.json; none with the memory engine. */
  readonly "bans-file"?: string
  /** Rows of the drop ledger (reason, client, topic); what is beyond counts in one row per reason. 100 to 1000000. Default: 10000. */
  readonly "max-drop-rows"?: number
  /** Memory of the process at which the greediest clients are disconnected; publishers are slowed, connections refused and QoS 0 dropped before. 0B to 1024TiB. Default: 80 % of what the machine or its control group has. */
  readonly "max-memory"?: SizeText
  /** Delay of the event loop above which new connections are refused with 0x89; 0s = never. 0s to 1h. Default: "1s". */
  readonly "max-loop-lag"?: DurationText | 0
}
