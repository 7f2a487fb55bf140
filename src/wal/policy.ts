/**
 * When the log is synced, and what an acknowledgement waits for. Changeable while the log runs.
 *
 *   mode        a sync runs                                            lost in a power cut, when acknowledging `written`
 *   immediate   after every frame                                      at most what one sync takes
 *   batch       after N records or 5 ms, whichever is first            at most N records or 5 ms, and one sync
 *   periodic    every t ms                                             at most t, and one sync
 *   never       at rotation, on demand and at shutdown only            everything since then
 *
 * With `durable` nothing acknowledged is lost in any mode. A mode never changes how bytes are written.
 */
export type SyncPolicy =
  | { readonly mode: "immediate" }
  | { readonly mode: "batch"; readonly records: number; readonly waitMs?: number }
  | { readonly mode: "periodic"; readonly intervalMs: number }
  | { readonly mode: "never" }

export type AcknowledgePolicy = "durable" | "written"

export interface LogPolicy {
  readonly sync: SyncPolicy
  readonly acknowledge: AcknowledgePolicy
}

/** Longest wait of a record in `batch` mode for the records that would fill its batch, where the policy names none. */
export const BATCH_WAIT_MS = 5

/** What `acknowledge: auto` means: waiting for a sync that comes by the clock would cost every client that clock. */
export function acknowledgeByDefault(sync: SyncPolicy): AcknowledgePolicy {
  return sync.mode === "periodic" || sync.mode === "never" ? "written" : "durable"
}
