/**
 * Settings of `admin`: the HTTP listener for people and programs that run the broker.
 *
 * On loopback until configured. Who may do what there is decided by tokens: one that may do everything is in `token-file`,
 * others, each with a role, in `tokens-file` (admin/tokens-file.ts). Limits of what askers may make the broker hold or do
 * have their keys here, too.
 */
import { address, boolean, duration, integer, text } from "./kinds.ts"
import { section } from "./section.ts"

export const adminSection = section({
  enabled: boolean({ flag: "admin", fallback: true, summary: "Serve /health, the admin API and the dashboard." }),
  bind: address({ fallback: "127.0.0.1:9090", summary: "Address of the admin listener." }),
  tokenFile: text({
    fallback: "",
    fallbackWords: "<data-dir>/admin-token",
    summary: "File with the admin token; made at the first start with mode 0600."
  }),
  tokensFile: text({
    fallback: "",
    fallbackWords: "<data-dir>/tokens",
    summary: "File with further tokens and their roles, written by promptmq token add; read again when it changes."
  }),
  auditFile: text({
    fallback: "",
    fallbackWords: "none",
    summary: "File that gets a line of JSON for every change made through the admin API, besides the log."
  }),
  maxAuditEntries: integer({
    minimum: 10,
    maximum: 100_000,
    fallback: 1000,
    summary: "Changes that GET /api/v1/audit remembers."
  }),
  maxWrongTokens: integer({
    minimum: 1,
    maximum: 1_000_000,
    fallback: 30,
    summary: "Wrong tokens and login codes that an address may show in a minute; then it waits for the rest of it."
  }),
  maxConnections: integer({
    minimum: 4,
    maximum: 10_000,
    fallback: 128,
    summary: "Connections to the admin listener, and to each address of metrics.bind, at the same time."
  }),
  loginLinkTimeMs: duration({
    fallback: "10m",
    minimum: "10s",
    maximum: "24h",
    summary: "How long the login link that is printed at the start is good, for one use."
  }),
  sessionTimeMs: duration({
    fallback: "12h",
    minimum: "1m",
    maximum: "30d",
    live: true,
    summary: "How long who came by the login link stays logged in."
  }),
  maxEventStreams: integer({
    minimum: 0,
    maximum: 100,
    fallback: 32,
    summary: "Open streams of GET /api/v1/events, such as dashboards; 0 = none."
  })
})
