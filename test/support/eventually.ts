/**
 * Waits for something outside of this process that tells nobody when it is ready: a server that starts, a file that
 * appears. Asks again and again until there is an answer; the test's own time limit is the end. Whatever has an event of
 * its own is awaited by that instead, and what happens in this process by `until` (test/contract/transport.ts).
 */
import { timePasses } from "./time.ts"

const BETWEEN_MS = 10

/** The first answer that is not undefined. What `ask` throws or rejects with ends the wait. */
export const eventually = async <A>(
  ask: () => A | undefined | Promise<A | undefined>,
  betweenMs = BETWEEN_MS
): Promise<A> => {
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    await timePasses(betweenMs)
  }
}
