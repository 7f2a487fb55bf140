/** Short answers to what somebody did: at the lower edge, read aloud, gone by themselves. Failures stay until closed. */
import { signal } from "@preact/signals"

interface Notice {
  readonly id: number
  readonly text: string
  readonly isFailure: boolean
}

const SHOWN_MS = 5000
const noticesMax = 4
const notices = signal<ReadonlyArray<Notice>>([])
let nextId = 1

export const tell = (text: string): void => add(text, false)

export const tellFailure = (cause: unknown): void => add(cause instanceof Error ? cause.message : String(cause), true)

/** Runs it, and tells how it ended; true when it went well. */
export const doing = async (work: () => Promise<unknown>, done: string): Promise<boolean> => {
  try {
    await work()
    tell(done)
    return true
  } catch (cause) {
    tellFailure(cause)
    return false
  }
}

const add = (text: string, isFailure: boolean): void => {
  const id = nextId++
  notices.value = [...notices.value, { id, text, isFailure }].slice(-noticesMax)
  if (!isFailure) setTimeout(() => close(id), SHOWN_MS)
}

const close = (id: number): void => {
  notices.value = notices.value.filter((each) => each.id !== id)
}

export const Notices = () => (
  <div class="notices" aria-live="polite">
    {notices.value.map(({ id, isFailure, text }) => (
      <div key={id} class={isFailure ? "notice failure" : "notice"} role={isFailure ? "alert" : "status"}>
        <span>{text}</span>
        <button type="button" class="quiet" aria-label="Close" onClick={() => close(id)}>
          ×
        </button>
      </div>
    ))}
  </div>
)
