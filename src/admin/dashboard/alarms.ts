/**
 * Which failing checks turn the page red: those that nobody has silenced. Plain: the clock comes in.
 *
 * A silence is of one browser and ends by itself; the broker's own health does not know of it.
 */
import type { HealthCheck } from "../api/system.ts"

type Check = typeof HealthCheck.Type

export interface Silence {
  readonly name: string
  readonly untilMs: number
}

export const alarmsOf = (
  checks: ReadonlyArray<Check>,
  silences: ReadonlyArray<Silence>,
  nowMs: number
): ReadonlyArray<Check> => checks.filter(({ name, status }) => status === "failing" && !isSilent(name, silences, nowMs))

// [DASH-8] An hour's silence ends by itself.
export const isSilent = (name: string, silences: ReadonlyArray<Silence>, nowMs: number): boolean =>
  silences.some((each) => each.name === name && each.untilMs > nowMs)
