/**
 * How far a recovery is, for those who wait for it: told after each segment of the log, in bytes of all of them. Whoever
 * opens a store provides a listener; by default nobody listens.
 */
import * as Context from "effect/Context"

export type TellRecovered = (doneBytes: number, totalBytes: number) => void

export const RecoveryProgress = Context.Reference<TellRecovered>("promptmq/wal/RecoveryProgress", {
  defaultValue: () => () => {}
})
