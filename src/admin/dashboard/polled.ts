/**
 * What a page reads from the broker while it is open: hooks over polling.ts.
 *
 *   usePolled   a value, read anew
 *   useTail     entries with rising numbers, each once, the newest first
 *
 * A failure stands beside what is shown until an answer comes; that the broker cannot be reached at all is told once for all
 * pages (banner.tsx), not here.
 */
import { type Signal, useSignal } from "@preact/signals"
import { useEffect, useRef } from "preact/hooks"
import { isReachable, Refusal, Unreached } from "./api.ts"
import { type Polling, type PollWorld, startPolling } from "./polling.ts"

export const pageWorld: PollWorld = {
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
  isHidden: () => document.hidden,
  onVisible: (run) => {
    const wake = () => (document.hidden ? undefined : run())
    document.addEventListener("visibilitychange", wake)
    return () => document.removeEventListener("visibilitychange", wake)
  }
}

export interface Polled<A> {
  readonly value: A | undefined
  readonly failure: Error | undefined
  readonly again: () => Promise<void>
}

export interface PolledOptions<A> {
  /** Another key is another question: what was answered before is forgotten. */
  readonly key: string
  /** 0 = once. */
  readonly everyMs: number
  /** Another version is the same question, asked at once. */
  readonly version?: string | number
  readonly onValue?: (value: A) => void
}

const doNothing = async (): Promise<void> => {}

export function usePolled<A>(ask: (signal: AbortSignal) => Promise<A>, options: PolledOptions<A>): Polled<A> {
  const { everyMs, key, version = 0 } = options
  const value = useSignal<A | undefined>(undefined)
  const failure = useSignal<Error | undefined>(undefined)
  const polling = useRef<Polling | undefined>(undefined)
  const asked = useRef(ask)
  const told = useRef(options.onValue)
  asked.current = ask
  told.current = options.onValue
  useEffect(() => {
    value.value = undefined
    failure.value = undefined
  }, [key])
  useEffect(() => {
    const work = async (signal: AbortSignal) => {
      try {
        const found = await asked.current(signal)
        if (signal.aborted) return
        value.value = found
        failure.value = undefined
        told.current?.(found)
      } catch (cause) {
        if (signal.aborted) return
        failure.value = failureOf(cause)
        // What is not there does not come by asking.
        if (cause instanceof Refusal && cause.status === 404) polling.current?.stop()
      }
    }
    const started = startPolling(work, everyMs, pageWorld)
    polling.current = started
    return started.stop
  }, [key, everyMs, version, isReachable.value])
  return { value: value.value, failure: failure.value, again: () => (polling.current?.again ?? doNothing)() }
}

interface Numbered {
  readonly number: number
}

export interface TailOptions {
  /** undefined = nothing is read, and what was read stays. */
  readonly key: string | undefined
  readonly everyMs: number
  readonly max: number
  readonly isPaused?: () => boolean
}

export interface Tail<A> {
  readonly entries: Signal<ReadonlyArray<A>>
  readonly failure: Error | undefined
}

export function useTail<A extends Numbered>(
  ask: (after: number, signal: AbortSignal) => Promise<ReadonlyArray<A>>,
  { everyMs, isPaused, key, max }: TailOptions
): Tail<A> {
  const entries = useSignal<ReadonlyArray<A>>([])
  const failure = useSignal<Error | undefined>(undefined)
  const asked = useRef(ask)
  asked.current = ask
  useEffect(() => {
    if (key === undefined) return
    let after = 0
    entries.value = []
    failure.value = undefined
    const work = async (signal: AbortSignal) => {
      if (isPaused?.() === true) return
      try {
        const found = await asked.current(after, signal)
        if (signal.aborted) return
        after = found.at(-1)?.number ?? after
        if (found.length > 0) entries.value = [...found.toReversed(), ...entries.peek()].slice(0, max)
        failure.value = undefined
      } catch (cause) {
        if (!signal.aborted) failure.value = failureOf(cause)
      }
    }
    return startPolling(work, everyMs, pageWorld).stop
  }, [key, everyMs, max])
  return { entries, failure: failure.value }
}

/** What is told on the page itself. */
const failureOf = (cause: unknown): Error | undefined => {
  if (cause instanceof Unreached) return undefined
  return cause instanceof Error ? cause : new Error(String(cause))
}
