/** What a reload would do, before it does: problems, changes, and who would lose what. */
import type { ConfigDiff } from "../api/settings.ts"
import { Confirm } from "./dialog.tsx"
import { counted } from "./format.ts"
import { mayAdminister } from "./session.ts"

const SHOWN_MAX = 20

interface ImpactProps {
  readonly diff: ConfigDiff
  readonly action: string
  readonly command: string
  readonly onClose: (confirmed: boolean) => void
}

export const Impact = ({ action, command, diff, onClose }: ImpactProps) => {
  const isBad = diff.problems.some(({ severity }) => severity === "error")
  const isNothing = diff.changes.length === 0 && diff.impacts.length === 0
  const title = isBad ? "The file cannot be used" : isNothing ? "Nothing would change" : "A reload would change"
  const mayReload = !isBad && mayAdminister.value
  return (
    <Confirm
      title={title}
      action={mayReload ? action : "Close"}
      isAnswer={!mayReload}
      isDanger={diff.clientsAffected > 0}
      isWide
      command={mayReload ? command : undefined}
      onClose={(confirmed) => onClose(confirmed && mayReload)}
    >
      {diff.file === null ? null : (
        <p class="soft">
          <code>{diff.file}</code>
        </p>
      )}
      {diff.problems.map(({ code, fact, fix, key, place, severity }) => (
        <p key={`${place} ${key} ${code}`} class={severity === "error" ? "verdict bad" : "verdict warn"}>
          {place} <code>{key}</code>: {fact}. {fix}
        </p>
      ))}
      {diff.clientsAffected === 0 ? null : (
        <div class="verdict warn">
          {counted(diff.clientsAffected, "client")} would lose access to {counted(diff.topicsAffected, "topic")}:
          {diff.impacts.slice(0, SHOWN_MAX).map(({ clientIdentifier, decidedBy, what }) => (
            <span key={`${clientIdentifier} ${what}`} class="block">
              <code>{clientIdentifier}</code> {what} <span class="soft">({decidedBy})</span>
            </span>
          ))}
        </div>
      )}
      {isNothing && !isBad ? (
        <p>The broker runs with what the files say. Nobody would lose anything.</p>
      ) : (
        <ul class="rows">
          {diff.changes.map(({ after, before, effect, key, origin }) => (
            <li key={key}>
              <code>{key}</code>
              <span class="change">
                <del>{JSON.stringify(before)}</del> → <ins>{JSON.stringify(after)}</ins>
              </span>
              <span class="soft">
                {effect === "live" ? "at once" : "at a restart"}
                {origin === "admin API" ? ", undoes what was changed here" : ""}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Confirm>
  )
}
