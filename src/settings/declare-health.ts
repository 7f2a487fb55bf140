/**
 * Settings of `health`: from when on the probes (/livez, /readyz, /health) say that something is wrong. What is done about
 * it has settings of its own: limits.max-loop-lag refuses connections, storage.wal.stalled-sync lets publishers wait.
 */
import { duration } from "./kinds.ts"
import { section } from "./section.ts"

export const healthSection = section({
  loopLagMsMax: duration({
    key: "max-loop-lag",
    fallback: "1s",
    minimum: "10ms",
    maximum: "1h",
    live: true,
    summary: "Delay of the event loop in the last seconds above which the check event-loop fails."
  }),
  syncDelayMsMax: duration({
    key: "max-sync-delay",
    fallback: "10s",
    minimum: "100ms",
    maximum: "1h",
    live: true,
    summary:
      "Time that written records may wait for their sync, beside sync-interval, before the check log-synced fails."
  })
})
