/** Keeps somebody away: a client, a user or an address, until some time, with a reason for the log. */
import { useSignal } from "@preact/signals"
import { send } from "./api.ts"
import { banCommand } from "./commands.ts"
import { Confirm } from "./dialog.tsx"
import { doing } from "./notices.tsx"

const ends = [
  ["10 minutes", 600],
  ["an hour", 3600],
  ["a day", 86_400],
  ["a week", 604_800],
  ["for good", undefined]
] as const

type Kind = "client" | "user" | "address"

export interface Whom {
  readonly clientIdentifier: string
  readonly username: string | null
  readonly address: string | null
}

export const Ban = ({
  onClose,
  onDone,
  whom
}: {
  readonly whom: Whom
  readonly onClose: () => void
  readonly onDone: () => unknown
}) => {
  const kind = useSignal<Kind>("client")
  const end = useSignal(1)
  const reason = useSignal("")
  const choices = [
    ["client", whom.clientIdentifier],
    ["user", whom.username],
    ["address", whom.address === null ? null : hostOf(whom.address)]
  ] as const
  const value = choices.find(([name]) => name === kind.value)?.[1] ?? ""
  const seconds = ends[end.value]?.[1]
  const words = banCommand({ kind: kind.value, value, seconds, reason: reason.value })
  const close = async (confirmed: boolean) => {
    onClose()
    if (!confirmed) return
    const body = {
      [kind.value]: value,
      ...(seconds === undefined ? {} : { seconds }),
      reason: reason.value || "from the dashboard"
    }
    if (await doing(() => send("POST", "/bans", body), "Ban: done", words)) await onDone()
  }
  return (
    <Confirm title={`Ban ${whom.clientIdentifier}?`} action="Ban" isDanger command={words} onClose={close}>
      <p>It is kicked, and refused with 0x8A until the ban is over or lifted.</p>
      <div class="fields">
        <label>
          Whom
          <select value={kind.value} onChange={(event) => (kind.value = event.currentTarget.value as Kind)}>
            {choices.map(([name, is]) =>
              is === null ? null : (
                <option key={name} value={name}>
                  the {name} {is}
                </option>
              )
            )}
          </select>
        </label>
        <label>
          For how long
          <select value={String(end.value)} onChange={(event) => (end.value = Number(event.currentTarget.value))}>
            {ends.map(([name], i) => (
              <option key={name} value={String(i)}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      <label>
        Why
        <input
          value={reason.value}
          placeholder="for the log, and for those who look"
          onInput={(event) => (reason.value = event.currentTarget.value)}
        />
      </label>
    </Confirm>
  )
}

/** "127.0.0.1:5" and "[::1]:5" without their ports. */
const hostOf = (address: string): string => address.replace(/:\d+$/, "").replace(/^\[|\]$/g, "")
