/** Clearing what is retained: counted without doing it, asked about, and only then done. */
import { useSignal } from "@preact/signals"
import type { ComponentChildren } from "preact"
import { send } from "./api.ts"
import { clearCommand } from "./commands.ts"
import { Confirm } from "./dialog.tsx"
import { counted } from "./format.ts"
import { doing, tellFailure } from "./notices.tsx"

export interface Clearing {
  readonly ask: (filter: string) => Promise<void>
  /** What is being asked about. */
  readonly found: { readonly filter: string; readonly matched: number } | undefined
  readonly close: (confirmed: boolean) => Promise<void>
}

/** True when it went well. */
export const clearRetained = (filter: string): Promise<boolean> =>
  doing(() => send("DELETE", "/retained", undefined, { filter }), "Cleared", clearCommand(filter))

export const useClearing = (onDone: () => unknown): Clearing => {
  const found = useSignal<Clearing["found"]>(undefined)
  const ask = async (filter: string) => {
    try {
      const query = { filter, "dry-run": true }
      const { matched } = await send<{ readonly matched: number }>("DELETE", "/retained", undefined, query)
      found.value = { filter, matched }
    } catch (cause) {
      tellFailure(cause)
    }
  }
  const close = async (confirmed: boolean) => {
    const wanted = found.value
    found.value = undefined
    if (!confirmed || wanted === undefined) return
    await clearRetained(wanted.filter)
    await onDone()
  }
  return { ask, found: found.value, close }
}

/** The question, while there is one; `children` say what follows for those whom the filter concerns. */
export const ConfirmClearing = ({
  children,
  clearing: { close, found }
}: {
  readonly clearing: Clearing
  readonly children: (filter: string) => ComponentChildren
}) =>
  found === undefined ? null : (
    <Confirm
      title={`Clear ${counted(found.matched, "retained message")}?`}
      action="Clear"
      isDanger
      command={clearCommand(found.filter)}
      onClose={close}
    >
      <p>{children(found.filter)}</p>
    </Confirm>
  )
