/**
 * Questions: the browser's own dialog, so that the keyboard stays inside and Escape is a no. The focus returns to where it was.
 */
import { useSignal } from "@preact/signals"
import type { ComponentChildren } from "preact"
import { useEffect, useRef } from "preact/hooks"
import { Command } from "./command.tsx"

export interface ConfirmProps {
  readonly title: string
  readonly action: string
  /** What would do the same in a terminal. */
  readonly command?: string | undefined
  /** The name has to be typed: what cannot be taken back. */
  readonly mustType?: string
  readonly isDanger?: boolean
  /** Something is to be read only. */
  readonly isAnswer?: boolean
  readonly isWide?: boolean
  readonly isReady?: boolean
  readonly children?: ComponentChildren
  readonly onClose: (confirmed: boolean) => void
}

export const Confirm = (props: ConfirmProps) => {
  const { action, children, command, isAnswer, isDanger, isReady = true, isWide, mustType, onClose, title } = props
  const dialog = useRef<HTMLDialogElement>(null)
  const typed = useSignal("")
  useEffect(() => {
    const before = document.activeElement
    dialog.current?.showModal()
    return () => (before instanceof HTMLElement ? before.focus() : undefined)
  }, [])
  const isHeld = !isReady || (mustType !== undefined && typed.value !== mustType)
  return (
    <dialog
      ref={dialog}
      class={isWide === true ? "broad" : undefined}
      aria-labelledby="confirm-title"
      onClose={() => onClose(dialog.current?.returnValue === "yes")}
    >
      <form method="dialog">
        <h2 id="confirm-title">{title}</h2>
        <div class="said">{children}</div>
        {mustType === undefined ? null : (
          <label>
            <span>
              Type <code>{mustType}</code> to confirm
            </span>
            <input
              value={typed.value}
              onInput={(event) => (typed.value = event.currentTarget.value)}
              autocomplete="off"
              spellcheck={false}
            />
          </label>
        )}
        <div class="actions">
          {command === undefined ? null : <Command words={command} />}
          {isAnswer === true ? null : (
            <button type="submit" value="no" class="plain" formNoValidate>
              Cancel
            </button>
          )}
          <button type="submit" value="yes" class={isDanger === true ? "danger" : undefined} disabled={isHeld}>
            {action}
          </button>
        </div>
      </form>
    </dialog>
  )
}
