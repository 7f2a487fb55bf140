/**
 * When V8 compiles, for the broker's process only; an embedded broker leaves its host's V8 alone.
 *
 * The broker lives on one thread, and a load comes at once: the first second of a herd runs code that is not compiled yet.
 *
 * - Soon: V8 collects what it needs to know of a function from its first call on and not from the eighth, and the middle tier
 *   (Maglev) comes after 100 calls instead of 400. That tier's compiler is quick.
 * - Late: the most thorough compiler. V8 compiles beside the broker, but where the process has one core, as in many a container,
 *   the compiler takes that core's time from the messages; and a broker meets its loads one after the other (publishers, then
 *   sessions that come back), so what it compiled early it often compiles again. What is really hot gets there a second later.
 *
 * Both from when the broker listens: a start with them takes 25 to 50 ms longer.
 *
 * Measured on one core in a fresh process, in turns. Soon, medians of 12 to 24, before and after: a connect takes 11 % less
 * processor time of the main thread (5.0: 620 to 554 ms for 10,000), connects a second 11.0 to 11.5 thousand (5.0), 12.7 to 13.7
 * (3.1.1); memory, and what is stored and delivered are the same. Late, medians of 5 to 12, thousands a second:
 *
 *   calls                                     3,000 (V8's own)   20,000   100,000   300,000
 *   persistent and synced, QoS 1                           328      389       344       255
 *   stored for absent sessions, 5.0                        200      196       236       233
 *   drained by them                                        459      505       761       776
 *   connects, 5.0                                         11.3     14.3      13.4      13.7
 *   p50 at 10,000 messages/s, in us                         58        –        61        60
 *
 * Did not help: a lower rank for V8's threads (nice 5, 10, 19 on one core). At 10,000 messages/s p99 at QoS 1 falls from 6.8 to
 * 2 ms in the first seconds, but 100,000 messages are drained a fifth slower, since the compiler is done later. Nor, for 10,000
 * connects: a larger young generation, a collector on one thread, the middle tier after 50 calls or after 1,000.
 */
import { setFlagsFromString } from "node:v8"

/** V8's own is 400. */
const invocationsBeforeMiddleTier = 100
/** V8's own is 3,000. */
const invocationsBeforeTopTier = 100_000

/** Once the broker listens. */
export const tuneCompilers = (): void => {
  setFlagsFromString("--no-lazy-feedback-allocation")
  setFlagsFromString(`--invocation-count-for-maglev=${invocationsBeforeMiddleTier}`)
  setFlagsFromString(`--invocation-count-for-turbofan=${invocationsBeforeTopTier}`)
}
