/**
 * When V8 compiles what is hot, and what that may take from the messages: for the broker's process only. An embedded broker
 * leaves its host's V8 alone.
 *
 * The broker lives on one thread. V8 compiles beside it, but where the process has one core, as in many a container, the
 * compiler takes that core's time from the messages; and a broker meets its loads one after the other (publishers, then
 * sessions that come back), so what it compiled early it often compiles again. Code of the middle tier (Maglev) is there
 * after 400 calls in any case, and what is really hot gets to the top a second later.
 *
 * Measured in the first two seconds after the start, pinned to one core, medians of pairs: compiling takes 90 ms of CPU instead
 * of 190 while 100,000 messages wait and are drained, which drains 19 to 35 % more of them per second; QoS 0, 1 and 2 between
 * connected clients stay within the noise of this machine (-8 to +4 % per second of CPU).
 */
import { readdirSync, readFileSync } from "node:fs"
import { availableParallelism, constants, getPriority, setPriority } from "node:os"
import { setFlagsFromString } from "node:v8"

/** V8's own is 3,000. */
const invocationsBeforeTopTier = 100_000

/** A tenth of the core beside a busy main thread, and a tenth of a time slice until that may have it back. */
const workersNice = 10

export const delayTopTier = (): void => {
  setFlagsFromString(`--invocation-count-for-turbofan=${invocationsBeforeTopTier}`)
}

/**
 * On Linux, where the process has one core: V8's threads, which compile and help to collect garbage, give way to the messages.
 * The system lets a thread of equal rank finish its slice of some milliseconds, each of them, before whoever wakes up.
 *
 * Measured at 10,000 messages/s on one core, 2 s after the first, medians: p99 QoS 0 900 to 365 µs, p99.9 5.6 to 2.1 ms; QoS 1
 * 2.6 to 1.1 ms, 8.6 to 5.8 ms. Of 5, 10 and 19 the last made the drain above a third slower, the others neither way.
 */
export const yieldToMessages = (): void => {
  if (process.platform !== "linux" || availableParallelism() > 1) return
  const nice = Math.min(getPriority() + workersNice, constants.priority.PRIORITY_LOW)
  for (const thread of readdirSync("/proc/self/task")) {
    try {
      const name = readFileSync(`/proc/self/task/${thread}/comm`, "utf8")
      if (name.includes("V8Worker")) setPriority(Number(thread), nice)
    } catch {
      // It has ended, or may not be changed: as fast as before.
    }
  }
}
