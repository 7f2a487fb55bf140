/** Effective settings with their origin; what a reload would change, before it does. */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import type { ConfigDiff, Reloaded, SettingsList, SettingView } from "../../api/settings.ts"
import { get, send } from "../api.ts"
import { count, counted } from "../format.ts"
import { tell, tellFailure } from "../notices.tsx"
import { Confirm, Heading } from "../parts.tsx"
import { mayAdminister } from "../session.ts"

export const ConfigPage = () => {
  const list = useSignal<SettingsList | undefined>(undefined)
  const filter = useSignal("")
  const isChangedOnly = useSignal(false)
  const diff = useSignal<ConfigDiff | undefined>(undefined)
  const load = () => get<SettingsList>("/settings").then((found) => (list.value = found), tellFailure)
  useEffect(() => void load(), [])
  const ask = () => get<ConfigDiff>("/config/diff").then((found) => (diff.value = found), tellFailure)
  const reload = async (confirmed: boolean) => {
    diff.value = undefined
    if (!confirmed) return
    try {
      const { applied, waiting } = await send<Reloaded>("POST", "/config/reload")
      tell(`${count(applied.length)} applied, ${count(waiting.length)} wait for a restart`)
    } catch (cause) {
      tellFailure(cause)
    }
    await load()
  }
  const wanted = filter.value.toLowerCase()
  const shown = (list.value?.settings ?? []).filter(
    ({ key, origin, summary }) =>
      (!isChangedOnly.value || origin !== "default") &&
      (key.includes(wanted) || summary.toLowerCase().includes(wanted) || origin.toLowerCase().includes(wanted))
  )
  return (
    <section>
      <Heading title="Configuration" command="promptmq config show --origin">
        <button type="button" onClick={ask}>
          What would a reload change?
        </button>
      </Heading>
      <div class="row">
        <label>
          Filter
          <input type="search" value={filter.value} onInput={(event) => (filter.value = event.currentTarget.value)} />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={isChangedOnly.value}
            onChange={(event) => (isChangedOnly.value = event.currentTarget.checked)}
          />
          Only what is not a default
        </label>
        <span class="soft">{counted(shown.length, "setting")}</span>
      </div>
      <Settings settings={shown} />
      {diff.value === undefined ? null : <Impact diff={diff.value} onClose={reload} />}
    </section>
  )
}

const Settings = ({ settings }: { readonly settings: ReadonlyArray<SettingView> }) => (
  <div class="scroll-x">
    <table>
      <thead>
        <tr>
          <th scope="col">Key</th>
          <th scope="col">Value</th>
          <th scope="col">From</th>
          <th scope="col">Changes</th>
        </tr>
      </thead>
      <tbody>
        {settings.map(({ key, live, origin, summary, value }) => (
          <tr key={key}>
            <td title={summary}>
              <code>{key}</code>
            </td>
            <td class="wrap">
              {value === null || value === "" ? "–" : typeof value === "object" ? JSON.stringify(value) : String(value)}
            </td>
            <td class={origin === "default" ? "soft" : "wrap"}>{origin}</td>
            <td class="soft nowrap">{live ? "live" : "at a restart"}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)

const Impact = ({ diff, onClose }: { readonly diff: ConfigDiff; readonly onClose: (confirmed: boolean) => void }) => {
  const isBad = diff.problems.some(({ severity }) => severity === "error")
  const isNothing = diff.changes.length === 0 && diff.impacts.length === 0
  const title = isBad ? "The file cannot be used" : isNothing ? "Nothing would change" : "A reload would change"
  const mayReload = !isBad && mayAdminister.value
  return (
    <Confirm
      title={title}
      action={mayReload ? "Reload" : "Close"}
      onClose={(confirmed) => onClose(confirmed && mayReload)}
    >
      {diff.problems.map(({ code, fact, fix, key, place }) => (
        <p key={`${place} ${key} ${code}`} class="verdict bad">
          {place} <code>{key}</code>: {fact}. {fix}
        </p>
      ))}
      {diff.clientsAffected === 0 ? null : (
        <p class="verdict warn">
          {counted(diff.clientsAffected, "client")} would lose something:
          {diff.impacts.slice(0, 20).map(({ clientIdentifier, decidedBy, what }) => (
            <span key={`${clientIdentifier} ${what}`} class="block">
              <code>{clientIdentifier}</code> {what} ({decidedBy})
            </span>
          ))}
        </p>
      )}
      <ul class="rows">
        {diff.changes.map(({ after, before, effect, key }) => (
          <li key={key}>
            <code>{key}</code>
            <span>
              {JSON.stringify(before)} → {JSON.stringify(after)}
            </span>
            <span class="soft">{effect === "live" ? "at once" : "at a restart"}</span>
          </li>
        ))}
      </ul>
    </Confirm>
  )
}
