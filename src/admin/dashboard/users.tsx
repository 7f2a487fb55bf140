/** Users of the built-in database: who is in it, who is added, who goes. */
import { useSignal } from "@preact/signals"
import type { SecurityView, UserRow } from "../api/security.ts"
import { send } from "./api.ts"
import { requestCommand } from "./commands.ts"
import { Confirm } from "./dialog.tsx"
import { ago, moment } from "./format.ts"
import { doing } from "./notices.tsx"
import { Nothing, Part } from "./parts.tsx"
import { type Column, List } from "./table.tsx"

/** Name of the provider whose users can be changed here. */
const DATABASE = "user-database"

export const Users = ({ chain }: Pick<SecurityView, "chain">) => (
  <>
    <Part title="Users of the built-in database" />
    {chain.some(({ name }) => name === DATABASE) ? (
      <UserList />
    ) : (
      <div class="panel">
        <Nothing title="The database is not asked">
          <a href="/config?key=auth.chain">auth.chain</a> does not name <code>{DATABASE}</code>. Add it and restart, and
          users can be added here.
        </Nothing>
      </div>
    )}
  </>
)

const UserList = () => {
  const version = useSignal(0)
  const removing = useSignal<string | undefined>(undefined)
  const pathOf = (user: string) => `/users/${encodeURIComponent(user)}`
  const remove = async (confirmed: boolean) => {
    const user = removing.value as string
    removing.value = undefined
    if (!confirmed) return
    const command = requestCommand(location.origin, "DELETE", pathOf(user))
    if (await doing(() => send("DELETE", pathOf(user)), `${user} is gone`, command)) version.value += 1
  }
  const columns: ReadonlyArray<Column<UserRow>> = [
    { name: "User", sort: "name", class: "main", show: (row) => row.name },
    { name: "Groups", show: (row) => row.groups.join(", ") || "–" },
    { name: "Superuser", show: ({ isSuperuser }) => (isSuperuser ? "yes" : "no") },
    { name: "Changed", show: ({ changedAt }) => ago(changedAt), title: ({ changedAt }) => moment(changedAt) },
    {
      name: "",
      class: "acts",
      show: (row) => (
        <button type="button" class="plain" onClick={() => (removing.value = row.name)}>
          Remove
        </button>
      )
    }
  ]
  return (
    <>
      <Add
        onAdded={() => {
          version.value += 1
        }}
      />
      <List
        path="/users"
        filterKey="users"
        caption="Users"
        columns={columns}
        version={version.value}
        keyOf={(row) => row.name}
        everyMs={0}
        nothing={
          <>
            <b>No users here</b>
            <p>Add the first one above. Those of a password file are not shown.</p>
          </>
        }
      />
      {removing.value === undefined ? null : (
        <Confirm
          title={`Remove ${removing.value}?`}
          action="Remove"
          isDanger
          command={requestCommand(location.origin, "DELETE", pathOf(removing.value))}
          onClose={remove}
        >
          <p>The user cannot log in any more.</p>
        </Confirm>
      )}
    </>
  )
}

const Add = ({ onAdded }: { readonly onAdded: () => void }) => {
  const name = useSignal("")
  const password = useSignal("")
  const groups = useSignal("")
  const submit = async (event: Event) => {
    event.preventDefault()
    const wanted = {
      password: password.value,
      groups: groups.value
        .split(",")
        .map((each) => each.trim())
        .filter(Boolean)
    }
    const work = () => send("PUT", `/users/${encodeURIComponent(name.value)}`, wanted)
    if (!(await doing(work, `${name.value} may come in now`))) return
    name.value = ""
    password.value = ""
    groups.value = ""
    onAdded()
  }
  return (
    <form class="row" onSubmit={submit}>
      <label>
        Name
        <input
          required
          autocomplete="off"
          spellcheck={false}
          value={name.value}
          onInput={(event) => (name.value = event.currentTarget.value)}
        />
      </label>
      <label>
        Password
        <input
          required
          type="password"
          autocomplete="new-password"
          value={password.value}
          onInput={(event) => (password.value = event.currentTarget.value)}
        />
      </label>
      <label>
        Groups
        <input
          value={groups.value}
          placeholder="operators, plant"
          onInput={(event) => (groups.value = event.currentTarget.value)}
        />
      </label>
      <button type="submit">Add</button>
    </form>
  )
}
