/** The command that shows or does the same, to be copied: the page teaches the terminal. */
import { useSignal } from "@preact/signals"
import { CopyIcon, TickIcon } from "./icons.tsx"

const SAID_MS = 1500

export const Command = ({ words }: { readonly words: string }) => {
  const said = useSignal("")
  const copy = async () => {
    said.value = await navigator.clipboard.writeText(words).then(
      () => "Copied",
      () => "This browser does not let the page copy"
    )
    setTimeout(() => (said.value = ""), SAID_MS)
  }
  return (
    <button type="button" class="command" title={`Copy as a command: ${words}`} onClick={copy}>
      <span class="words">
        <span aria-hidden="true">$ </span>
        {words}
      </span>
      {said.value === "Copied" ? <TickIcon /> : <CopyIcon />}
      <span class="hidden" role="status">
        {said.value}
      </span>
    </button>
  )
}
