/**
 * What concerns every page: the broker is away, or a check of it fails. Red, at the top, on all pages, until it is over.
 *
 * A check can be silenced for an hour, in this browser: it is then told quietly, and nothing turns red for it.
 */
import { computed } from "@preact/signals"
import { alarmsOf, isSilent, type Silence } from "./alarms.ts"
import { isReachable } from "./api.ts"
import { clock } from "./format.ts"
import { awaySinceMs, isConnected, latest } from "./live.ts"
import { stored } from "./stored.ts"

export const SILENT_MS = 3_600_000
const silences = stored<Silence>("silenced-checks")

export const silence = (name: string): void => silences.keep({ name, untilMs: Date.now() + SILENT_MS })
export const speakAgain = (name: string): void => silences.forget(name)
export const isSilenced = (name: string): boolean => isSilent(name, silences.all.value, nowMs())
export const silencedUntil = (name: string): number =>
  silences.all.value.find((each) => each.name === name)?.untilMs ?? 0

/** Failing checks that nobody has silenced. */
export const alarms = computed(() => alarmsOf(latest.value?.checks ?? [], silences.all.value, nowMs()))

/** As the last snapshot tells it, so that a silence ends without anybody doing anything. */
const nowMs = (): number => (latest.value === undefined ? Date.now() : Date.parse(latest.value.at))

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
            <span>
              <span>
                <b>{name}</b>: {fact}
              </span>
            </span>
            <button type="button" class="plain" onClick={() => silence(name)}>
              Silence for an hour
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}
