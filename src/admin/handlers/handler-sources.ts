/**
 * What the handlers work with: what is shown and acted on (sources.ts), and what the listener itself keeps.
 *
 * One of each per listener; handlers hold no state of their own.
 */
import type { Log } from "../../telemetry/logging.ts"
import type { Attempts } from "../attempts.ts"
import type { Audit } from "../audit.ts"
import type { Callers } from "../callers.ts"
import type { AdminSources } from "../sources.ts"
import type { Watch } from "../watch.ts"

export interface HandlerSources extends AdminSources {
  readonly watch: Watch
  readonly callers: Callers
  readonly attempts: Attempts
  readonly audit: Audit
  readonly log: Log
}
