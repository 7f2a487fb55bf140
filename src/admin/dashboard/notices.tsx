/** Short answers to what somebody did: at the lower edge, read aloud, gone by themselves. Failures stay until closed. */
import { signal } from "@preact/signals"
import { Command } from "./command.tsx"

interface Notice {
  readonly id: number
  readonly text: string
  readonly isFailure: boolean
  /** What would have done the same in a terminal. */
  readonly command: string | undefined
}

const SHOWN_MS = 6000
const noticesMax = 4
const notices = signal<ReadonlyArray<Notice>>([])
let nextId = 1

export const tell = (text: string, command?: string): void => add(text, false, command)

export const tellFailure = (cause: unknown): void =>
  add(cause instanceof Error ? cause.message : String(cause), true, undefined)

/** Runs it, and tells how it ended; true when it went well. */
export const doing = async (work: () => Promise<unknown>, done: string, command?: string): Promise<boolean> => {
  try {
    await work()
    tell(done, command)
    return true
  } catch (cause) {
    tellFailure(cause)
    return false
  }
}

const add = (text: string, isFailure: boolean, command: string | undefined): void => {
  const id = nextId++
  // The same said twice is said once.
  const others = notices.value.filter((each) => each.text !== text)
  notices.value = [...others, { id, text, isFailure, command }].slice(-noticesMax)
  if (!isFailure) setTimeout(() => close(id), SHOWN_MS)
}

const close = (id: number): void => {
  notices.value = notices.value.filter((each) => each.id !== id)
}

export const Notices = () => (
  <div class="notices" aria-live="polite">
    {notices.value.map(({ command, id, isFailure, text }) => (
      <div key={id} class={isFailure ? "notice failure" : "notice"} role={isFailure ? "alert" : "status"}>
        <span>{text}</span>
        <button type="button" class="quiet icon" aria-label="Close" onClick={() => close(id)}>
          ×
        </button>
        {command === undefined ? null : <Command words={command} />}
      </div>
    ))}
  </div>
)
