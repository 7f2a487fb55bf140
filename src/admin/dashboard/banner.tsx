/**
 * What concerns every page: the broker is away, or a check of it fails. Red, at the top, on all pages, until it is over.
 *
 * A check can be silenced for an hour, in this browser: it is then told quietly, and nothing turns red for it.
 */
import { computed } from "@preact/signals"
import { isReachable } from "./api.ts"
import { clock } from "./format.ts"
import { awaySinceMs, isConnected, latest } from "./live.ts"
import { stored } from "./stored.ts"

interface Silence {
  readonly name: string
  readonly untilMs: number
}

export const SILENT_MS = 3_600_000
const silences = stored<Silence>("silenced-checks")

export const silence = (name: string): void => silences.keep({ name, untilMs: Date.now() + SILENT_MS })
export const speakAgain = (name: string): void => silences.forget(name)
export const isSilenced = (name: string): boolean =>
  silences.all.value.some((each) => each.name === name && each.untilMs > Date.now())
export const silencedUntil = (name: string): number =>
  silences.all.value.find((each) => each.name === name)?.untilMs ?? 0

/** Failing checks that nobody has silenced. */
export const alarms = computed(() =>
  (latest.value?.checks ?? []).filter(({ name, status }) => status === "failing" && !isSilenced(name))
)

export const isAway = computed(() => awaySinceMs.value !== undefined || (!isReachable.value && !isConnected.value))

export const Banner = () => {
  if (isAway.value) {
    return (
      <div class="banner bad" role="alert">
        <span class="pulse" aria-hidden="true" />
        <p>
          <b>The broker does not answer.</b>{" "}
          {latest.value === undefined ? "" : `What you see is from ${clock(latest.value.at)}. `}
          This page connects again by itself.
        </p>
      </div>
    )
  }
  if (alarms.value.length === 0) return null
  return (
    <div class="banner bad" role="alert">
      <ul>
        {alarms.value.map(({ fact, name }) => (
          <li key={name}>
            <b>{name}</b>: {fact}
            <button type="button" class="plain" onClick={() => silence(name)}>
              Silence for an hour
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}
