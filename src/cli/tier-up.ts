/**
 * When V8 compiles what is hot with its most thorough compiler: later than it would by itself, for the broker's process
 * only. An embedded broker leaves its host's V8 alone.
 *
 * The broker lives on one thread. V8 compiles beside it, but where the process has one core, as in many a container, the
 * compiler takes that core's time from the messages; and a broker meets its loads one after the other (publishers, then
 * sessions that come back), so what it compiled early it often compiles again. Code of the middle tier (Maglev) is there
 * after 400 calls in any case, and what is really hot gets to the top a second later.
 *
 * Measured in the first two seconds after the start, pinned to one core, medians of pairs: compiling takes 90 ms of CPU instead
 * of 190 while 100,000 messages wait and are drained, which drains 19 to 35 % more of them per second; QoS 0, 1 and 2 between
 * connected clients stay within the noise of this machine (-8 to +4 % per second of CPU).
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
