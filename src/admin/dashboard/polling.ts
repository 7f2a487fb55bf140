/**
 * Asking again and again. Plain: clock and page come in as PollWorld, so that it runs in tests without a browser.
 *
 * Invariants
 * - [DASH-1] One request at a time: the next begins `everyMs` after the answer of the one before, however slow that was. What is
 *   read from a position on ("what is behind the Nth") would otherwise come twice.
 * - [DASH-2] Nothing is asked while nobody can see it; the moment somebody can, it is.
 * - [DASH-3] What again() promises began after it was called: who has just changed something sees the change.
 * - After stop() nothing is asked, and the request under way is given up.
 */
export interface PollWorld {
  readonly after: (ms: number, run: () => void) => () => void
  readonly isHidden: () => boolean
  /** Calls when it becomes visible; answers how to end that. */
  readonly onVisible: (run: () => void) => () => void
}

export interface Polling {
  readonly again: () => Promise<void>
  readonly stop: () => void
}

/** `work` never rejects. With `everyMs` 0 it runs once, and whenever again() is called. */
export const startPolling = (
  work: (signal: AbortSignal) => Promise<void>,
  everyMs: number,
  world: PollWorld
): Polling => {
  const controller = new AbortController()
  const { signal } = controller
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined
  let cancel = (): void => {}
  const run = (): Promise<void> => {
    cancel()
    running = work(signal).then(() => {
      running = undefined
      // [DASH-1]
      if (!signal.aborted && everyMs > 0) cancel = world.after(everyMs, tick)
    })
    return running
  }
  const tick = (): void => {
    // [DASH-2]
    if (signal.aborted || running !== undefined || world.isHidden()) return
    void run()
  }
  const again = (): Promise<void> => {
    if (signal.aborted) return Promise.resolve()
    if (running === undefined) return run()
    // [DASH-3]
    next ??= running.then(() => {
      next = undefined
      return signal.aborted ? undefined : run()
    })
    return next
  }
  // [DASH-2]
  const deaf = world.onVisible(tick)
  tick()
  return {
    again,
    stop: () => {
      controller.abort()
      cancel()
      deaf()
    }
  }
}
