/** Small things that several pages have. */
import { useSignal } from "@preact/signals"
import type { ComponentChildren } from "preact"
import { useEffect, useRef } from "preact/hooks"
import { tell } from "./notices.tsx"

/** The command that shows or does the same: the page teaches the terminal. */
export const Command = ({ words }: { readonly words: string }) => (
  <button
    type="button"
    class="command"
    title="Copy this command"
    onClick={() =>
      navigator.clipboard.writeText(words).then(
        () => tell("Copied"),
        () => tell("This browser does not let the page copy")
      )
    }
  >
    <span aria-hidden="true">$ </span>
    {words}
  </button>
)

export const Heading = ({
  children,
  command,
  title
}: {
  readonly title: string
  readonly command?: string
  readonly children?: ComponentChildren
}) => (
  <div class="heading">
    <h1>{title}</h1>
    <div class="actions">{children}</div>
    {command === undefined ? null : <Command words={command} />}
  </div>
)

export const Figure = ({
  detail,
  label,
  state,
  value
}: {
  readonly label: string
  readonly value: string
  readonly detail?: string | undefined
  readonly state?: "good" | "warn" | "bad" | undefined
}) => (
  <div class={state === undefined ? "figure" : `figure ${state}`}>
    <dt>{label}</dt>
    <dd>
      {value}
      {detail === undefined ? null : <small>{detail}</small>}
    </dd>
  </div>
)

export const Facts = ({ rows }: { readonly rows: ReadonlyArray<readonly [string, ComponentChildren]> }) => (
  <dl class="facts">
    {rows.map(([name, value]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
)

/** Asks before something is done. With `mustType` the name has to be typed: what cannot be taken back. */
export const Confirm = ({
  action,
  children,
  mustType,
  onClose,
  title
}: {
  readonly title: string
  readonly action: string
  readonly mustType?: string
  readonly children?: ComponentChildren
  readonly onClose: (confirmed: boolean) => void
}) => {
  const dialog = useRef<HTMLDialogElement>(null)
  const typed = useSignal("")
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog ref={dialog} aria-labelledby="confirm-title" onClose={() => onClose(dialog.current?.returnValue === "yes")}>
      <form method="dialog">
        <h2 id="confirm-title">{title}</h2>
        {children}
        {mustType === undefined ? null : (
          <label>
            <span>
              Type <code>{mustType}</code> to confirm
            </span>
            <input
              value={typed.value}
              onInput={(event) => (typed.value = event.currentTarget.value)}
              autocomplete="off"
            />
          </label>
        )}
        <div class="actions">
          <button type="submit" value="no" class="quiet" formNoValidate>
            Cancel
          </button>
          <button type="submit" value="yes" disabled={mustType !== undefined && typed.value !== mustType}>
            {action}
          </button>
        </div>
      </form>
    </dialog>
  )
}

/** A payload as text; JSON is set out. */
export const PayloadView = ({
  payload
}: {
  readonly payload: { readonly encoding: "utf8" | "base64"; readonly value: string; readonly isCut: boolean }
}) => <pre class="payload">{pretty(payload.encoding, payload.value) + (payload.isCut ? "\n… cut" : "")}</pre>

const pretty = (encoding: "utf8" | "base64", value: string): string => {
  if (encoding === "base64") return hexOf(value)
  try {
    const parsed: unknown = JSON.parse(value)
    return typeof parsed === "object" ? JSON.stringify(parsed, null, 2) : value
  } catch {
    return value
  }
}

const hexOf = (base64: string): string => {
  const raw = atob(base64)
  const lines: Array<string> = []
  for (let at = 0; at < Math.min(raw.length, 4096); at += 16) {
    const row = [...raw.slice(at, at + 16)]
    const hex = row.map((each) => each.charCodeAt(0).toString(16).padStart(2, "0")).join(" ")
    const text = row.map((each) => (each >= " " && each <= "~" ? each : ".")).join("")
    lines.push(`${at.toString(16).padStart(6, "0")}  ${hex.padEnd(47)}  ${text}`)
  }
  return lines.join("\n")
}
