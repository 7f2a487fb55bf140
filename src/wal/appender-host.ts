/**
 * The appender's owner, as the appender (commit.ts) knows it: a clock, a turn of the event loop, segments, and somebody
 * to tell. Everything with a life of its own is behind this, so that the appender itself stays plain; log.ts is the owner
 * in production.
 */
import type { ActiveSegment } from "./commit.ts"
import type { StoreFault } from "./store-fs.ts"

/** What the appender asks of and tells its owner. Each is called per batch, never per record. */
export interface AppenderHost {
  /** Runs `task` when this turn of the event loop is over. */
  defer(task: () => void): void
  /** Wall ms, for frames' time stamps. */
  nowMs(): number
  /**
   * Opens the segment whose first record is `baseLsn` with room for `frameBytes`, then calls rotated(). When there are no
   * messages in the frame it may take the last reserve of space: what acknowledges and deletes is what makes room.
   */
  rotate(sealed: ActiveSegment, baseLsn: number, frameBytes: number, hasMessages: boolean): void
  /** The records [firstLsn, firstLsn + count) are going to `offset` of the segment. */
  onPlaced(firstLsn: number, count: number, segmentId: number, offset: number): void
  onWritten(lsn: number): void
  onDurable(lsn: number): void
  /** Everything up to `lsn` is kept as the acknowledgement policy promises. */
  onKept(lsn: number): void
  /** One of the three has risen; all three say so already. */
  onMoved(): void
  /** There are written records that no sync was asked for yet: a batch waits for its end, an interval for its tick. */
  onUnsynced(): void
  /** The device is full; retry() is to be called from time to time. */
  onStalled(fault: StoreFault): void
  /** Final. */
  onFailed(fault: StoreFault): void
}
