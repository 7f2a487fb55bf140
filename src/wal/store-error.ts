/**
 * What opening or keeping a store can end with, in words for the person who started the broker.
 *
 * StoreRefused   before anything was served: who holds the store, what is wrong with the place, which version it needs
 * StoreFailed    while serving: a write or sync failed for good. Nothing was acknowledged after it, nothing will be;
 *                the process ends and recovers from what is on the platter. It is never retried. [WAL-10]
 */
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import { StoreFault } from "./store-fs.ts"

export const RefusalReason = Schema.Literals([
  "locked",
  "network-file-system",
  "foreign-store",
  "newer-version",
  "unknown-record-type",
  "corrupt",
  "unreadable"
])
export type RefusalReason = typeof RefusalReason.Type

/** Documented: 8 "already running or port in use", 7 "data damaged", 3 "configuration". */
const EXIT_CODES: Readonly<Record<RefusalReason, number>> = {
  locked: 8,
  "network-file-system": 3,
  "foreign-store": 3,
  "newer-version": 3,
  "unknown-record-type": 3,
  corrupt: 7,
  unreadable: 7
}

export class StoreRefused extends Schema.TaggedError<StoreRefused>()("StoreRefused", {
  reason: RefusalReason,
  path: Schema.String,
  fact: Schema.String,
  fix: Schema.String
}) {
  override get message(): string {
    return `the store ${this.path} was not opened: ${this.fact} (${this.fix})`
  }
  override readonly [Runtime.errorExitCode] = EXIT_CODES[this.reason]
}

export class StoreFailed extends Schema.TaggedError<StoreFailed>()("StoreFailed", {
  fault: StoreFault,
  /** Everything up to here is on the platter. */
  durableLsn: Schema.Number
}) {
  override get message(): string {
    return `the log failed: ${this.fault.message}; durable up to ${this.durableLsn}, nothing was acknowledged since`
  }
  override readonly [Runtime.errorExitCode] = 1
}

export function refuse(reason: RefusalReason, path: string, fact: string, fix: string): StoreRefused {
  return new StoreRefused({ reason, path, fact, fix })
}
