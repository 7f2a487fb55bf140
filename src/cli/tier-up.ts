/**
 * When V8 compiles what is hot with its most thorough compiler: later than it would by itself, for the broker's process
 * only. An embedded broker leaves its host's V8 alone.
 *
 * The broker lives on one thread. V8 compiles beside it, but where the process has one core, as in many a container, the
 * compiler takes that core's time from the messages; and a broker meets its loads one after the other (publishers, then
 * sessions that come back), so what it compiled early it often compiles again. Code of the middle tier (Maglev) is there
 * after 400 calls in any case, and what is really hot gets to the top a second later.
 *
 * Measured in the first second after the start, pinned to one core, QoS 1 10:10: compiling 200 → 90 ms of CPU while 100,000
 * messages are stored and 190 → 85 ms while they are drained, 30 % more messages drained per second; with a million, and
 * after that, no difference.
 */
import { setFlagsFromString } from "node:v8"

/** V8's own is 3,000. */
const invocationsBeforeTopTier = 100_000

export const delayTopTier = (): void => {
  setFlagsFromString(`--invocation-count-for-turbofan=${invocationsBeforeTopTier}`)
}
