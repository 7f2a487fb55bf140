/** What this browser keeps under names (stored.ts), to choose from and to forget. */
import type { ComponentChildren } from "preact"
import type { Stored } from "./stored.ts"

interface KeptProps<A> {
  readonly of: Stored<A>
  readonly isChosen: (entry: A) => boolean
  readonly onChoose: (entry: A) => void
  /** Behind the names. */
  readonly children?: ComponentChildren
}

export function Kept<A extends { readonly name: string }>({ children, isChosen, of, onChoose }: KeptProps<A>) {
  if (of.all.value.length === 0 && !children) return null
  return (
    <div class="chips">
      {of.all.value.map((each) => (
        <span key={each.name} class={isChosen(each) ? "chip chosen" : "chip"}>
          <button type="button" class="quiet" onClick={() => onChoose(each)}>
            {each.name}
          </button>
          <button type="button" class="quiet" aria-label={`Forget ${each.name}`} onClick={() => of.forget(each.name)}>
            ×
          </button>
        </span>
      ))}
      {children}
    </div>
  )
}
