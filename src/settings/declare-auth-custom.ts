/**
 * Settings of `auth.custom`: a module of the operator's own. It runs inside the broker, with all its rights.
 *
 * Elsewhere: what it exports (access/custom-types.ts), how it is called (access/custom-provider.ts).
 */
import { duration, integer, text } from "./kinds.ts"
import { section } from "./section.ts"

export const customSection = section({
  module: text({
    fallback: "",
    summary: "ECMAScript module that exports createProvider; loaded once, at the start."
  }),
  timeoutMs: duration({
    fallback: "5s",
    minimum: "10ms",
    maximum: "1m",
    summary: "Longest time for one answer; then CONNACK 0x88."
  }),
  maxInFlight: integer({ fallback: 64, minimum: 1, maximum: 10_000, summary: "Most questions under way at once." }),
  maxWaiting: integer({
    fallback: 1_000,
    minimum: 0,
    maximum: 100_000,
    summary: "Most clients that wait for a place; one more is answered 0x89."
  })
})
