/** Effective settings with their origin; what a reload would change, before it does; and what holds at once. */
import { useSignal } from "@preact/signals"
import { useLocation } from "preact-iso"
import type { ConfigDiff, ConfigProblem, Reloaded, SettingsList, SettingView } from "../../api/settings.ts"
import { get, send } from "../api.ts"
import { checkCommand, reloadCommand, requestCommand, settingsCommand } from "../commands.ts"
import { Confirm } from "../dialog.tsx"
import { count, counted } from "../format.ts"
import { Impact } from "../impact.tsx"
import { doing, tell, tellFailure } from "../notices.tsx"
import { Heading, Nothing, Waiting } from "../parts.tsx"
import { rewriteQuery } from "../place.ts"
import { usePolled } from "../polled.ts"
import { mayAdminister } from "../session.ts"

const EVERY_MS = 10_000

export const ConfigPage = () => {
  const { query } = useLocation()
  const { again, failure, value } = usePolled((signal) => get<SettingsList>("/settings", {}, signal), {
    key: "settings",
    everyMs: EVERY_MS
  })
  const filter = useSignal(query["key"] ?? "")
  const isChangedOnly = useSignal(false)
  const diff = useSignal<ConfigDiff | undefined>(undefined)
  const isChecking = useSignal(false)
  const changing = useSignal<SettingView | undefined>(undefined)
  const ask = () => get<ConfigDiff>("/config/diff").then((found) => (diff.value = found), tellFailure)
  const reload = async (confirmed: boolean) => {
    diff.value = undefined
    if (!confirmed) return
    try {
      const { applied, waiting } = await send<Reloaded>("POST", "/config/reload")
      tell(`${count(applied.length)} applied, ${count(waiting.length)} wait for a restart`, reloadCommand)
    } catch (cause) {
      tellFailure(cause)
    }
    await again()
  }
  const wanted = filter.value.toLowerCase()
  const shown = (value?.settings ?? []).filter(
    ({ key, origin, summary }) =>
      (!isChangedOnly.value || origin !== "default") &&
      (key.includes(wanted) || summary.toLowerCase().includes(wanted) || origin.toLowerCase().includes(wanted))
  )
  return (
    <section>
      <Heading title="Configuration" command={settingsCommand}>
        <button type="button" onClick={() => (isChecking.value = true)}>
          Check a file …
        </button>
        <button type="button" onClick={ask}>
          What would a reload change?
        </button>
      </Heading>
      <div class="list-head">
        <input
          type="search"
          class="filter"
          aria-label="Filter"
          placeholder="Key, meaning or origin"
          value={filter.value}
          onInput={(event) => {
            filter.value = event.currentTarget.value
            rewriteQuery({ key: filter.value })
          }}
        />
        <label class="check">
          <input
            type="checkbox"
            checked={isChangedOnly.value}
            onChange={(event) => (isChangedOnly.value = event.currentTarget.checked)}
          />
          Only what is not a default
        </label>
        <span class="soft total" role="status">
          {counted(shown.length, "setting")}
        </span>
      </div>
      {value === undefined ? (
        <Waiting failure={failure} />
      ) : shown.length === 0 ? (
        <div class="panel">
          <Nothing title={filter.value === "" ? "Everything is as it comes" : `Nothing matches “${filter.value}”`} />
        </div>
      ) : (
        <Settings settings={shown} onChange={(setting) => (changing.value = setting)} />
      )}
      {diff.value === undefined ? null : (
        <Impact diff={diff.value} action="Reload" command={reloadCommand} onClose={reload} />
      )}
      {isChecking.value ? <Check onClose={() => (isChecking.value = false)} /> : null}
      {changing.value === undefined ? null : (
        <Change setting={changing.value} onClose={() => (changing.value = undefined)} onDone={again} />
      )}
    </section>
  )
}

const textOf = (value: SettingView["value"]): string =>
  value === null || value === "" ? "" : typeof value === "object" ? JSON.stringify(value) : String(value)

interface SettingsProps {
  readonly settings: ReadonlyArray<SettingView>
  readonly onChange: (setting: SettingView) => void
}

const Settings = ({ onChange, settings }: SettingsProps) => (
  <div class="scroll-x">
    <table class="settings">
      <thead>
        <tr>
          <th scope="col">Key</th>
          <th scope="col">Value</th>
          <th scope="col">From</th>
          <th scope="col">Changes</th>
          <th scope="col">
            <span class="hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {settings.map((setting) => {
          const { key, live, origin, summary, value } = setting
          return (
            <tr key={key}>
              <td>
                <code>{key}</code>
                <small class="soft block">{summary}</small>
              </td>
              <td class={origin === "default" ? "wrap" : "wrap set"}>{textOf(value) || "–"}</td>
              <td class={origin === "default" ? "soft" : "wrap"}>{origin}</td>
              <td class="soft nowrap">{live ? "live" : "at a restart"}</td>
              <td class="acts">
                {live && mayAdminister.value ? (
                  <button type="button" class="plain" aria-label={`Change ${key}`} onClick={() => onChange(setting)}>
                    Change …
                  </button>
                ) : null}
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  </div>
)

interface ChangeProps {
  readonly setting: SettingView
  readonly onClose: () => void
  readonly onDone: () => Promise<void>
}

/** For the time being: the file stays as it is. */
const Change = ({ onClose, onDone, setting: { key, origin, summary, value } }: ChangeProps) => {
  const before = textOf(value)
  const text = useSignal(before)
  const body = { [key]: scalarOf(text.value) }
  const command = requestCommand(location.origin, "PATCH", "/settings", body)
  const close = async (confirmed: boolean) => {
    onClose()
    if (confirmed && (await doing(() => send("PATCH", "/settings", body), `${key} is ${text.value} now`, command)))
      await onDone()
  }
  return (
    <Confirm
      title={`Change ${key}`}
      action="Change"
      isReady={text.value !== before}
      command={text.value === before ? undefined : command}
      onClose={close}
    >
      <p>{summary}</p>
      <label>
        Value
        <input value={text.value} spellcheck={false} onInput={(event) => (text.value = event.currentTarget.value)} />
      </label>
      {text.value === before ? null : (
        <p class="change">
          <del>{before || "–"}</del> → <ins>{text.value || "–"}</ins>
        </p>
      )}
      <p class="soft">
        It holds at once, until the broker stops or reads its file again. Now it comes from {origin}; to keep it, write
        it there.
      </p>
    </Confirm>
  )
}

/** As YAML would read a scalar: numbers, true, lists; everything else is text. */
const scalarOf = (text: string): unknown => {
  if (text === "") return null
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const Check = ({ onClose }: { readonly onClose: () => void }) => {
  const yaml = useSignal("")
  const problems = useSignal<ReadonlyArray<ConfigProblem> | undefined>(undefined)
  const ask = () =>
    send<{ readonly problems: ReadonlyArray<ConfigProblem> }>("POST", "/config/check", { yaml: yaml.value }).then(
      (found) => (problems.value = found.problems),
      tellFailure
    )
  return (
    <Confirm title="Check a file" action="Close" isAnswer isWide command={checkCommand} onClose={onClose}>
      <label>
        What is in it
        <textarea
          rows={10}
          value={yaml.value}
          spellcheck={false}
          placeholder={'server:\n  bind: ["127.0.0.1:1883"]'}
          onInput={(event) => {
            yaml.value = event.currentTarget.value
            problems.value = undefined
          }}
        />
      </label>
      <button type="button" disabled={yaml.value === ""} onClick={ask}>
        Check
      </button>
      <div role="status">
        {problems.value === undefined ? null : problems.value.length === 0 ? (
          <p class="verdict good">The broker would start with it.</p>
        ) : (
          <Problems problems={problems.value} />
        )}
      </div>
    </Confirm>
  )
}

const Problems = ({ problems }: { readonly problems: ReadonlyArray<ConfigProblem> }) => (
  <>
    {problems.map(({ code, fact, fix, key, place, severity }) => (
      <p key={`${place} ${key} ${code}`} class={severity === "error" ? "verdict bad" : "verdict warn"}>
        {place} <code>{key}</code>: {fact}. {fix}
      </p>
    ))}
  </>
)
