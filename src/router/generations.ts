/**
 * When is a cached match stale? Filters with wildcards come and go; instead of visiting the entries that
 * they match, a counter is raised that an entry compares when it is next asked for.
 *
 *   "+/x", "#"     raise the counter of all topics
 *   "a/+", "a/#"   raise the counter of topics whose first level is "a" (of its bucket: first levels
 *                  share BUCKETS counters by hash, so nothing is kept per level; a collision only
 *                  re-matches more than was needed)
 *
 * Invariants
 * - Counters only rise. So the sum of the two that concern an entry is unchanged exactly when both are,
 *   and one comparison of numbers tells; a sum stays exact up to 2^53.
 * - "$" topics are under the first counter too: they are re-matched in vain after "#" changed, never stale.
 */
import { hashBytes } from "../base/bytes.ts"
import { beginsWithWildcard, endOfLevel } from "./filter-bytes.ts"

export class Generations {
  private everywhere = 0
  /** Plain numbers: small integers come out of it unboxed. */
  private readonly byBucket: Array<number> = new Array(BUCKETS).fill(0)

  of(bucket: number): number {
    return this.everywhere + (this.byBucket[bucket] as number)
  }

  isCurrent(bucket: number, generation: number): boolean {
    return this.everywhere + (this.byBucket[bucket] as number) === generation
  }

  /** The bucket of a topic (or filter), by its first level. */
  bucketOf(bytes: Buffer, start: number, end: number): number {
    return hashBytes(bytes, start, endOfLevel(bytes, start, end)) & (BUCKETS - 1)
  }

  /** A filter with wildcards was added or removed. */
  raise(filter: Buffer, end: number): void {
    if (beginsWithWildcard(filter)) {
      this.everywhere++
      return
    }
    const bucket = this.bucketOf(filter, 0, end)
    this.byBucket[bucket] = (this.byBucket[bucket] as number) + 1
  }
}

const BUCKETS = 4096
