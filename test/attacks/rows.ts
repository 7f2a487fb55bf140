/**
 * The list of attacks (docs: security, 4A: forty advisories against other brokers) and the tests that show each of them to
 * fail here: row by row the files, and words of the tests' names. rows.test.ts finds every one of them.
 */
export interface AttackRow {
  readonly row: number
  readonly attack: string
  readonly tests: ReadonlyArray<readonly [file: string, name: string]>
  /** Of what is not there to be attacked. */
  readonly apart?: string
}

const row = (
  number: number,
  attack: string,
  tests: Readonly<Record<string, string | ReadonlyArray<string>>>,
  apart?: string
): AttackRow => ({
  row: number,
  attack,
  tests: Object.entries(tests).flatMap(([file, names]) => [names].flat().map((name) => [file, name] as const)),
  ...(apart === undefined ? {} : { apart })
})

const own = "test/attacks"
const behaviour = "test/behaviour"

export const attackRows: ReadonlyArray<AttackRow> = [
  row(1, "a length that is not kept, or no CONNECT first", {
    [`${own}/before-connect.test.ts`]: ["row 1:", "[attack: half of a packet that is no CONNECT]"],
    [`${behaviour}/limits-hostile.test.ts`]: "row 1:"
  }),
  row(2, "CONNECTs that never end", {
    [`${own}/before-connect.test.ts`]: ["row 2: 10,000 half CONNECTs", "row 2: whoever says nothing"],
    [`${behaviour}/limits-hostile.test.ts`]: "row 2:"
  }),
  row(3, "a WebSocket deflate bomb", { [`${own}/websocket.test.ts`]: "row 3:" }),
  row(4, "a WebSocket message without end", {
    [`${own}/websocket.test.ts`]: "row 4:",
    "test/listener/websocket.test.ts": "above the limit is cut off, though it never ends"
  }),
  row(5, "a page of another origin", {
    [`${own}/websocket.test.ts`]: ["row 5:", "[attack: a page of the web and an open broker on loopback]"],
    "test/listener/websocket.test.ts": "refuses browsers of other sites"
  }),
  row(6, "over-long Variable Byte Integers", { [`${own}/before-connect.test.ts`]: "row 6:" }),
  row(7, "a WebSocket frame shorter than it says", { [`${own}/websocket.test.ts`]: "row 7:" }),
  row(8, "no user name where HTTP authentication wants one", {
    [`${behaviour}/authentication-http.test.ts`]: "[row 8]",
    "test/access/http-provider.test.ts": "[row 8]"
  }),
  row(9, "races of take-over and subscribe", { [`${own}/sessions.test.ts`]: "row 9:" }),
  row(10, "recursion on deep topics", {
    [`${own}/packets.test.ts`]: ["row 10: 65,000 slashes", "row 10: where 65,535 levels"],
    [`${own}/cost.test.ts`]: "overlapping wildcards"
  }),
  row(11, "bad UTF-8, empty and $ topics", { [`${own}/packets.test.ts`]: "row 11:" }),
  row(12, "packets of servers from a client", { [`${own}/before-connect.test.ts`]: "row 12:" }),
  row(13, "malformed packets of every type", {
    "test/fuzz/grammar.test.ts": "row 13:",
    "test/fuzz/hostile-input.test.ts": "stop nothing, harm nobody",
    "test/fuzz/hostile-sockets.test.ts": "leave the server alive"
  }),
  row(14, "bad $share filters", { [`${own}/packets.test.ts`]: "row 14:" }),
  row(15, "QoS 2 state and queues without bound", {
    [`${own}/sessions.test.ts`]: "row 15:",
    [`${behaviour}/limits-hostile.test.ts`]: "row 15:"
  }),
  row(16, "leaks of refused CONNECTs", {
    [`${own}/before-connect.test.ts`]: "row 16:",
    "test/torture/fuzz.test.ts": "invalid CONNECTs"
  }),
  row(17, "very many, or truncated, user properties", {
    [`${own}/packets.test.ts`]: ["row 17: too many", "row 17: properties that are cut"],
    [`${behaviour}/limits-hostile.test.ts`]: "row 17:"
  }),
  row(18, "SlowITe: a keep-alive that holds the slot", {
    [`${own}/before-connect.test.ts`]: "row 18:",
    [`${behaviour}/limits-hostile.test.ts`]: "row 18:"
  }),
  row(19, "packets that grow when they are decoded", { [`${own}/packets.test.ts`]: "row 19:" }),
  row(20, "numbers of the configuration at 0, 1 and the most", {
    "test/config/bounds.test.ts": "covers every kind of number"
  }),
  row(21, "wildcards in names that widen a pattern", {
    "test/access/rules-authorizer.test.ts": "row 21:",
    "test/access/ldap-provider.test.ts": "[row 21]"
  }),
  row(22, "wills past the rules", {
    [`${behaviour}/authorisation-writing.test.ts`]: "row 22:",
    [`${behaviour}/authorisation-orphans.test.ts`]: "[attack: a will that outlives its right]"
  }),
  row(23, "retained, queued and replayed past deny rules", {
    [`${behaviour}/authorisation-reading.test.ts`]: "row 23:",
    [`${behaviour}/authorisation-replay.test.ts`]: "deny what a wide replay would bring"
  }),
  row(24, "the server's own topics", {
    [`${behaviour}/dollar-topics.test.ts`]: "are refused to clients",
    [`${behaviour}/limits-hostile.test.ts`]: "$ topics are the server's"
  }),
  row(25, "$share past deny rules", { [`${behaviour}/authorisation-reading.test.ts`]: "row 25:" }),
  row(26, "subscriptions that outlive their right", { [`${behaviour}/authorisation-reading.test.ts`]: "row 26:" }),
  row(27, "unfinished QoS 2 past the rules", {
    [`${behaviour}/authorisation-reading.test.ts`]: "row 27:",
    [`${behaviour}/authorisation-writing.test.ts`]: "row 27:"
  }),
  row(28, "broken authentication or rules that open", {
    "test/access/rules-file.test.ts": "row 28:",
    [`${behaviour}/authentication-passwords.test.ts`]: "an empty file opens nothing"
  }),
  row(29, "a failed reload that opens", { "test/access/rules-file.test.ts": "row 29:" }),
  row(30, "a user name without a password", { [`${own}/sessions.test.ts`]: "row 30:" }),
  row(31, "certificates that are not checked, or say two things", {
    [`${behaviour}/authentication-x509.test.ts`]: [
      "[row 31]",
      "[attack: staying in with a certificate that was revoked]"
    ],
    "test/access/x509-identity.test.ts": "[row 31]"
  }),
  row(32, "PROXY headers of strangers", {
    "test/listener/door.test.ts": "row 32:",
    "test/listener/proxy-header.test.ts": "row 32:",
    "test/access/x509-identity.test.ts": "[row 32]"
  }),
  row(33, "control characters passed on", {
    [`${behaviour}/limits-hostile.test.ts`]: "row 33:",
    "test/access/http-provider.test.ts": "[row 33]"
  }),
  row(34, "properties where they do not belong", { [`${own}/packets.test.ts`]: "row 34:" }),
  row(35, "client identifiers as paths and keys", {
    [`${own}/sessions.test.ts`]: "row 35:",
    [`${behaviour}/authorisation-writing.test.ts`]: "row 35:",
    "test/access/user-database.test.ts": "names that mean something to file systems"
  }),
  row(36, "secrets in monitoring, files open to others", {
    "test/listener/tls-psk.test.ts": "[row 36]",
    "test/admin/token-file.test.ts": "owner only",
    "test/behaviour/durable-restart.test.ts": "is the owner's alone",
    [`${behaviour}/authentication-http.test.ts`]: "are in the log"
  }),
  row(37, "QoS 2 identifiers saved too late; another user's session", {
    "test/broker/promises.test.ts": "PUBREC; the message's record carries the packet identifier",
    [`${behaviour}/durable-restart.test.ts`]: "QoS 2 of a publisher goes on where it was",
    [`${behaviour}/authorisation-writing.test.ts`]: "row 37:"
  }),
  row(
    38,
    "a client that trusts its broker",
    { [`${own}/hostile-broker.test.ts`]: "row 38:" },
    "There is no bridge and no client library here yet; attacked are the commands pub, sub and ping."
  ),
  row(39, "acknowledgements of nothing that raise a quota", {
    [`${own}/packets.test.ts`]: "row 39:",
    [`${behaviour}/exactly-once.test.ts`]: "acknowledgements of nothing"
  }),
  row(
    40,
    "the admin surface: paths, requests into the network, keys",
    {
      "test/access/egress.test.ts": "link-local, multicast and nowhere",
      [`${own}/admin.test.ts`]: "[attack: taking every place of the admin listener]",
      "test/admin/server.test.ts": ["backup wants an absolute folder", "401 without the right token"]
    },
    "No archive is unpacked anywhere: plugins are modules that the operator names by path."
  )
]
