/**
 * Mutants of history: each breaks the seam between it and what is live, or what a crash must not change.
 */
import type { Mutant } from "./mutant.ts"

const tests = ["test/broker/replay.test.ts"]

export const replayMutants: ReadonlyArray<Mutant> = [
  // The session's reader hands over what the replay does.
  {
    file: "src/session/subscription.ts",
    find: "if (sequence < this.seam) return undefined",
    replace: "if (sequence < 0) return undefined",
    statement: "RPL-1",
    tests
  },
  // What comes while it goes on is handed over at once.
  {
    file: "src/broker/deliver.ts",
    find: "if (!subscription.isReplaying || delivery.sequence < 0) return false",
    replace: "if (delivery.sequence < 0 || subscription.isReplaying) return false",
    statement: "RPL-1",
    tests
  },
  // It ends at the head that it began with.
  {
    file: "src/broker/replay.ts",
    find: "const until = handedBelow(core)",
    replace: "const until = cursor.head",
    statement: "RPL-1",
    tests
  },
  // History that a power cut may take is read.
  {
    file: "src/broker/replay.ts",
    find: "if (cursor.ticket > history.settled) {",
    replace: "if (cursor.ticket < 0) {",
    statement: "RPL-2",
    tests
  },
  // Handed over at QoS 2 before a crash, as history and as what came behind it.
  {
    file: "src/broker/replay.ts",
    find: "if (handed?.delete(sequence) === true || core.isAged(sequence)) return false",
    replace: "if (core.isAged(sequence)) return false",
    statement: "RPL-3",
    tests
  },
  {
    file: "src/broker/replay.ts",
    find: "[...handed, ...handedOtherwise]",
    replace: "[...handed]",
    statement: "RPL-3",
    tests
  },
  // QoS 0 is no history, and neither is what nobody subscribes to.
  {
    file: "src/broker/publish.ts",
    find: "if (view.retain || mayBeRead || isHistory) {",
    replace: "if (view.retain || mayBeRead) {",
    statement: "RPL-4",
    tests
  },
  // Compaction takes what is not read yet.
  {
    file: "src/broker/liveness.ts",
    find: "this.#lower(subscription, persistent ? Math.min(next, savedNext) : next, next)",
    replace: "this.#lower(subscription, Number.POSITIVE_INFINITY, next)",
    statement: "RPL-5",
    tests
  }
]
