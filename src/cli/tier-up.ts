/**
 * When V8 compiles what is hot with its most thorough compiler: later than it would by itself, for the broker's process
 * only. An embedded broker leaves its host's V8 alone.
 *
 * The broker lives on one thread. V8 compiles beside it, but where the process has one core, as in many a container, the
 * compiler takes that core's time from the messages; and a broker meets its loads one after the other (publishers, then
 * sessions that come back), so what it compiled early it often compiles again. Code of the middle tier (Maglev) is there
 * after 400 calls in any case, and what is really hot gets to the top a second later.
 *
 * Measured on one core in a fresh process, in turns, medians of 5 to 12, thousands a second:
 *
 *   calls                                     3,000 (V8's own)   20,000   100,000   300,000
 *   persistent and synced, QoS 1                           328      389       344       255
 *   stored for absent sessions, 5.0                        200      196       236       233
 *   drained by them                                        459      505       761       776
 *   connects, 5.0                                         11.3     14.3      13.4      13.7
 *   p50 at 10,000 messages/s, in us                         58        –        61        60
 *
 * Did not help: a lower rank for V8's threads (nice 5, 10, 19 on one core). At 10,000 messages/s p99 at QoS 1 falls from 6.8 to
 * 2 ms in the first seconds, but 100,000 messages are drained a fifth slower, since the compiler is done later.
 */
import { setFlagsFromString } from "node:v8"

/** V8's own is 3,000. */
const invocationsBeforeTopTier = 100_000

export const delayTopTier = (): void => {
  setFlagsFromString(`--invocation-count-for-turbofan=${invocationsBeforeTopTier}`)
}
