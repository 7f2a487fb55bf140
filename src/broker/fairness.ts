/**
 * What the broker knows about who takes more than its share: bans, flapping, users, and how it is itself (memory, event
 * loop). State only; the verbs that act on it: admission.ts, throttle.ts, queue-caps.ts, memory-ceiling.ts.
 */
import { Bans } from "../access/bans.ts"
import { Flapping } from "../access/flapping.ts"
import { HeldBytes } from "../listener/held-bytes.ts"
import { Counter } from "../metrics/counters.ts"
import type { Core } from "./core.ts"
import { UserQuotas } from "./user-quotas.ts"
import { Users } from "./users.ts"

export class Fairness {
  readonly bans: Bans
  readonly flapping = new Flapping()
  readonly users = new Users()
  /** What users published today. */
  readonly quotas = new UserQuotas()
  /** What strangers make the broker hold. */
  readonly held: HeldBytes
  /** Index in memoryLevels: 0 = enough; see memory-ceiling.ts. */
  memoryLevel = 0
  memoryUsedBytes = 0
  memoryCeilingBytes = Number.POSITIVE_INFINITY
  /** Mean delay of the event loop over the last second or so; 0 while nobody measures. */
  loopLagMs = 0

  constructor(core: Core) {
    this.bans = new Bans(() => core.limits.bansMax)
    this.held = new HeldBytes(
      () => core.limits.unauthenticatedBytesMax,
      () => {
        core.count[Counter.turnedAwayHeld] = (core.count[Counter.turnedAwayHeld] as number) + 1
      }
    )
  }
}
