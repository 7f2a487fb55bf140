/** A payload: JSON set out, text, or bytes; and what has changed since the one before. */
import { useSignal } from "@preact/signals"
import { changedLines, hexOf, pretty } from "./payload-text.ts"

export interface PayloadShape {
  readonly encoding: "utf8" | "base64"
  readonly value: string
  readonly isCut: boolean
}

type View = "text" | "diff" | "hex"

export const PayloadView = ({
  before,
  payload
}: {
  readonly payload: PayloadShape
  /** The value that was seen before this one. */
  readonly before?: PayloadShape | undefined
}) => {
  const wanted = useSignal<View>("text")
  const isBytes = payload.encoding === "base64"
  const view: View = isBytes ? "hex" : wanted.value === "diff" && before === undefined ? "text" : wanted.value
  const views: ReadonlyArray<readonly [View, string]> = [
    ["text", "Text"],
    ...(before === undefined || before.encoding === "base64" ? [] : ([["diff", "Changes"]] as const)),
    ["hex", "Hex"]
  ]
  return (
    <div class="payload-box">
      {isBytes ? null : (
        <fieldset class="tabs" aria-label="Shown as">
          {views.map(([name, label]) => (
            <button key={name} type="button" aria-pressed={view === name} onClick={() => (wanted.value = name)}>
              {label}
            </button>
          ))}
        </fieldset>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <pre class="payload" tabIndex={0}>
        {view === "hex" ? (
          hexOf(bytesOf(payload))
        ) : view === "diff" && before !== undefined ? (
          <Diff before={pretty(before.value)} after={pretty(payload.value)} />
        ) : payload.value === "" ? (
          <span class="soft">(empty)</span>
        ) : (
          pretty(payload.value)
        )}
        {payload.isCut ? "\n… cut" : ""}
      </pre>
    </div>
  )
}

const Diff = ({ after, before }: { readonly before: string; readonly after: string }) => (
  <>
    {changedLines(before, after).map(({ kind, text }, i) => (
      <span key={`${i} ${text}`} class={`line ${kind}`}>
        {kind === "more" ? "+ " : kind === "less" ? "− " : "  "}
        {text}
        {"\n"}
      </span>
    ))}
  </>
)

const bytesOf = ({ encoding, value }: PayloadShape): Uint8Array =>
  encoding === "base64"
    ? Uint8Array.from(atob(value), (character) => character.charCodeAt(0))
    : new TextEncoder().encode(value)
