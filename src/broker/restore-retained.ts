/**
 * Retained messages that were sent at SUBSCRIBE and not acknowledged when the process died: each must be the same packet
 * again, so its message is read back from the log, which keeps it as long as it is open.
 *
 * Until then session.retainedInFlight holds the filter alone.
 */
import * as Effect from "effect/Effect"
import { PublishView } from "../codec/publish-view.ts"
import { viewTrusted } from "../codec/read-publish.ts"
import type { Session } from "../session/session.ts"
import type { RetainedMessage } from "../store/ports.ts"
import type { Core } from "./core.ts"
import type { RetainedInFlight } from "./retained.ts"

const view = new PublishView()

export const restoreRetained = (core: Core, sessions: ReadonlyArray<Session>) =>
  Effect.gen(function* () {
    for (const session of sessions) {
      for (const [id, filter] of session.retainedInFlight ?? []) {
        const sequence = session.window.sequence(id)
        yield* loaded(core, sequence)
        const message = messageAt(core, sequence)
        const { identifiers } = session.subscriptions.get(filter as string) ?? {}
        // One that is lost is told when it is to be repeated (resend.ts).
        if (message === undefined) session.retainedInFlight?.delete(id)
        else
          session.retainedInFlight?.set(id, {
            message,
            identifiers,
            filter: filter as string
          } satisfies RetainedInFlight)
      }
    }
  })

/** The record can be read without the disk, or not at all. */
export const loaded = (core: Core, sequence: number): Effect.Effect<void> =>
  sequence < 0 || core.log.isReady(sequence)
    ? Effect.void
    : Effect.callback<void>((resume) => core.log.load(sequence, () => resume(Effect.void)))

const messageAt = (core: Core, sequence: number): RetainedMessage | undefined => {
  const { log, nowMs, record } = core
  if (sequence < 0 || !log.read(sequence, record)) return undefined
  const { buffer, end, expiresAtMs, isVersion5, publisher, start } = record
  viewTrusted(view, buffer, start, end, isVersion5)
  const topic = buffer.toString("utf8", view.topicStart, view.topicEnd)
  const current = core.retained.get(topic)
  if (current?.sequence === sequence) return current
  const frame = Buffer.from(buffer.subarray(start, end))
  return { topic, frame, isVersion5, publisher, sequence, storedAtMs: nowMs, expiresAtMs }
}
