/**
 * The log's tail: delivery and acknowledgement hang on what the log says, not on the publish path.
 *
 * Embedded, the log answers within append(): then the publish path has the bytes in hand and delivers them
 * itself (`core.appending`). A replicated log answers later: then the record is read here and delivered.
 *
 * Invariant: D moves over every record exactly once, in sequence order, after it was handed to the live
 * sessions. A record appended only because a session fell back was handed to them before: D steps over it.
 */

import { assert } from "../base/assert.ts"
import { PublishView } from "../codec/publish-view.ts"
import { viewTrusted } from "../codec/read-publish.ts"
import { releaseKept } from "./acknowledge.ts"
import { clientOf } from "./client.ts"
import type { Core } from "./core.ts"
import { deliverLate } from "./deliver.ts"
import { queuePump } from "./pump-queue.ts"
import { wakeReplays } from "./replay.ts"
import { lookAtSlowed } from "./slow-down.ts"

const view = new PublishView()

export const followLog = (core: Core): void => {
  core.log.onTail((firstSequence, count) => {
    core.tailSeen = firstSequence + count
    if (core.appending) return
    for (let sequence = firstSequence; sequence < firstSequence + count; sequence++) handRecord(core, sequence)
    // D has moved: sessions that waited at it go on.
    for (const session of core.sessions.values()) {
      const client = clientOf(session)
      if (client?.mustPump === true) queuePump(core, client)
    }
  })
  core.log.onKept(() => {
    releaseKept(core)
    if (core.watch !== undefined) core.watch.kept()
    lookAtSlowed(core)
    if (core.replayWaiters.size > 0) wakeReplays(core)
  })
}

const handRecord = (core: Core, sequence: number): void => {
  assert(sequence === core.delivered, "the tail comes in order and D follows it")
  if (!core.handedBeforeTail.delete(sequence)) {
    const { record } = core
    assert(core.log.read(sequence, record), "what the log shows can be read")
    viewTrusted(view, record.buffer, record.start, record.end, record.isVersion5)
    deliverLate(core, view, core.router.intern(view.buffer, view.topicStart, view.topicEnd))
  }
  core.delivered = sequence + 1
}
