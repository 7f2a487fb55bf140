/**
 * Why the embedded broker did not do what its host asked: a reason to branch on, and code, fact and fix to show.
 *
 * Problems of the settings are ConfigInvalid, a port that is taken is ListenError: both come from `start` only.
 * The codes are those of the command line (config/error-codes.ts); `promptmq explain-error` tells more.
 */
import * as Data from "effect/Data"
import { reasonCodeName } from "../codec/reason-codes.ts"

/** What each reason is, once: its code and what to do. */
const table = {
  stopped: { code: "E4002", fix: "start a broker; one that was stopped does not start again" },
  "invalid-topic": { code: "E2002", fix: "correct the topic" },
  "invalid-filter": { code: "E2002", fix: "correct the filter" },
  /** By a limit of the settings, or by the broker's answer (then `reasonCode` holds it). */
  refused: { code: "E5001", fix: "see the limit or reason code that is named" },
  /** The log failed for good: the broker ended by itself, nothing was acknowledged after it. */
  "store-failed": { code: "E1302", fix: "look at the disk, then start another broker: what is safe is recovered" },
  /** The broker ended the session inside the process, and not because it was stopped. */
  "connection-lost": { code: "E4003", fix: "ask again: the next call connects anew; the broker's log says why" }
} as const

export type BrokerErrorReason = keyof typeof table

export class BrokerError extends Data.TaggedError("BrokerError")<{
  readonly reason: BrokerErrorReason
  /** "E2002": `promptmq explain-error E2002`. */
  readonly code: string
  readonly fact: string
  readonly fix: string
  /** The MQTT 5.0 reason code the broker answered, where it was the broker that refused. */
  readonly reasonCode: number | undefined
}> {
  override get message(): string {
    return `${this.code}  ${this.fact} (${this.fix})`
  }
}

export const brokerError = (reason: BrokerErrorReason, fact: string, fix: string = table[reason].fix): BrokerError =>
  new BrokerError({ reason, code: table[reason].code, fact, fix, reasonCode: undefined })

/** The broker's own answer: `what` was refused with this reason code. */
export const refusedWith = (what: string, reasonCode: number): BrokerError => {
  const name = `${reasonCodeName(reasonCode)} (0x${reasonCode.toString(16).padStart(2, "0")})`
  const { code, fix } = table.refused
  return new BrokerError({ reason: "refused", code, fact: `${what}: ${name}`, fix, reasonCode })
}
