/** Who gets in, who may do what, and who was turned away. */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import type { BanRow, Explanation, RuleRow, SecurityView, UserRow } from "../../api/security.ts"
import { get, send } from "../api.ts"
import { ago, count, moment } from "../format.ts"
import { doing, tellFailure } from "../notices.tsx"
import { Facts, Heading } from "../parts.tsx"
import { mayAdminister, mayOperate } from "../session.ts"
import { type Column, List } from "../table.tsx"

const EVERY_MS = 5000
const DAY_MS = 86_400_000
const WARN_DAYS = 30

export const SecurityPage = () => {
  const view = useSignal<SecurityView | undefined>(undefined)
  useEffect(() => {
    const load = () => get<SecurityView>("/security").then((found) => (view.value = found), tellFailure)
    void load()
    const timer = setInterval(() => (document.hidden ? undefined : void load()), EVERY_MS)
    return () => clearInterval(timer)
  }, [])
  return (
    <section>
      <Heading title="Security" command="promptmq doctor" />
      {view.value === undefined ? <p class="soft">loading …</p> : <Doors view={view.value} />}
      <Explain />
      <Rules />
      {mayAdminister.value && view.value !== undefined ? <Users chain={view.value.chain} /> : null}
      <Bans />
      {view.value === undefined ? null : <Refusals view={view.value} />}
    </section>
  )
}

const Doors = ({ view }: { readonly view: SecurityView }) => (
  <>
    <h2 id="listeners">Listeners</h2>
    <div class="scroll-x">
      <table aria-labelledby="listeners">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Address</th>
            <th scope="col">TLS</th>
            <th scope="col">Client certificates</th>
            <th scope="col">Certificate</th>
          </tr>
        </thead>
        <tbody>
          {view.listeners.map((each) => (
            <tr key={each.address}>
              <td>{each.name}</td>
              <td>{each.address}</td>
              <td>{each.isTls ? "yes" : "no"}</td>
              <td>{each.clientCertificates}</td>
              <td class={isSoon(each.certificateExpiresAt) ? "warn" : undefined}>
                {each.certificateSubject === null
                  ? "–"
                  : `${each.certificateSubject}, until ${moment(each.certificateExpiresAt)}`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
    <Facts
      rows={[
        ["Anonymous", view.isAnonymousAllowed ? "allowed" : "refused"],
        [
          "Asked in this order",
          view.chain.length === 0
            ? "nobody"
            : view.chain
                .map(
                  ({ allowed, denied, failed, name }) =>
                    `${name} (${count(allowed)} in, ${count(denied)} refused, ${count(failed)} failed)`
                )
                .join(" → ")
        ],
        ["Rules", `${count(view.rules)}; when none holds: ${view.noMatch}`]
      ]}
    />
  </>
)

const isSoon = (at: string | null): boolean => at !== null && Date.parse(at) - Date.now() < WARN_DAYS * DAY_MS

const actions = ["publish", "subscribe", "read", "retained", "will"] as const

const Explain = () => {
  const client = useSignal("")
  const username = useSignal("")
  const action = useSignal<(typeof actions)[number]>("publish")
  const topic = useSignal("")
  const answer = useSignal<Explanation | undefined>(undefined)
  const submit = async (event: Event) => {
    event.preventDefault()
    const wanted = {
      client: client.value,
      action: action.value,
      topic: topic.value,
      ...(username.value === "" ? {} : { username: username.value })
    }
    try {
      answer.value = await send<Explanation>("POST", "/acl/explain", wanted)
    } catch (cause) {
      answer.value = undefined
      tellFailure(cause)
    }
  }
  const now = answer.value
  return (
    <>
      <h2>May they?</h2>
      <form class="row" onSubmit={submit}>
        <label>
          Client
          <input required value={client.value} onInput={(event) => (client.value = event.currentTarget.value)} />
        </label>
        <label>
          User
          <input value={username.value} onInput={(event) => (username.value = event.currentTarget.value)} />
        </label>
        <label>
          Action
          <select
            value={action.value}
            onChange={(event) => (action.value = event.currentTarget.value as (typeof actions)[number])}
          >
            {actions.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        <label>
          Topic or filter
          <input required value={topic.value} onInput={(event) => (topic.value = event.currentTarget.value)} />
        </label>
        <button type="submit">Explain</button>
      </form>
      {now === undefined ? null : (
        <p class={`verdict ${now.verdict === "allow" ? "good" : "bad"}`} role="status">
          <b>{now.verdict}</b>, decided by {now.decidedBy}
          {now.rule === null ? "" : `: ${now.rule.text}`}.{" "}
          {now.identity.isConnected ? "The client is connected" : "The client is not connected"}
          {now.identity.username === null ? "" : `, user ${now.identity.username}`}
          {now.identity.groups.length === 0 ? "" : `, groups ${now.identity.groups.join(", ")}`}.
        </p>
      )}
    </>
  )
}

const ruleColumns: ReadonlyArray<Column<RuleRow>> = [
  { name: "#", isNumber: true, show: ({ number }) => number },
  { name: "Rule", show: ({ text }) => text, title: ({ text }) => text },
  { name: "From", show: ({ source }) => <code>{source}</code> }
]

const Rules = () => {
  const version = useSignal(0)
  const reload = async () => {
    if (await doing(() => send("POST", "/acl/reload"), "The rules were read again")) version.value += 1
  }
  return (
    <>
      <div class="heading">
        <h2>Rules</h2>
        <div class="actions">
          {mayAdminister.value ? (
            <button type="button" onClick={reload}>
              Reload
            </button>
          ) : null}
        </div>
      </div>
      <List
        path="/acl"
        caption="Rules"
        columns={ruleColumns}
        version={version.value}
        keyOf={({ number }) => String(number)}
        everyMs={0}
        nothing={
          <>
            No rules: whoever gets in may do everything. Rules come from the file in <code>acl.rules-file</code>.
          </>
        }
      />
    </>
  )
}

/** Name of the provider whose users can be changed here. */
const DATABASE = "user-database"

const Users = ({ chain }: Pick<SecurityView, "chain">) => (
  <>
    <h2>Users of the built-in database</h2>
    {chain.some(({ name }) => name === DATABASE) ? (
      <UserList />
    ) : (
      <p class="soft">
        The database is not asked: <code>auth.chain</code> does not name <code>{DATABASE}</code>. Add it and restart,
        and users can be added here.
      </p>
    )}
  </>
)

const UserList = () => {
  const version = useSignal(0)
  const name = useSignal("")
  const password = useSignal("")
  const groups = useSignal("")
  const add = async (event: Event) => {
    event.preventDefault()
    const wanted = {
      password: password.value,
      groups: groups.value
        .split(",")
        .map((each) => each.trim())
        .filter(Boolean)
    }
    if (
      !(await doing(
        () => send("PUT", `/users/${encodeURIComponent(name.value)}`, wanted),
        `${name.value} may come in now`
      ))
    )
      return
    name.value = ""
    password.value = ""
    groups.value = ""
    version.value += 1
  }
  const remove = async (user: string) => {
    if (await doing(() => send("DELETE", `/users/${encodeURIComponent(user)}`), `${user} is gone`)) version.value += 1
  }
  const columns: ReadonlyArray<Column<UserRow>> = [
    { name: "User", sort: "name", show: (row) => row.name },
    { name: "Groups", show: (row) => row.groups.join(", ") || "–" },
    { name: "Superuser", show: ({ isSuperuser }) => (isSuperuser ? "yes" : "no") },
    { name: "Changed", show: ({ changedAt }) => ago(changedAt), title: ({ changedAt }) => moment(changedAt) },
    {
      name: "",
      show: (row) => (
        <button type="button" class="quiet" onClick={() => remove(row.name)}>
          Remove
        </button>
      )
    }
  ]
  return (
    <>
      <form class="row" onSubmit={add}>
        <label>
          Name
          <input
            required
            autocomplete="off"
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
          <input value={groups.value} onInput={(event) => (groups.value = event.currentTarget.value)} />
        </label>
        <button type="submit">Add</button>
      </form>
      <List
        path="/users"
        caption="Users"
        columns={columns}
        version={version.value}
        keyOf={(row) => row.name}
        everyMs={0}
        nothing="No users here. Those of a password file are not shown."
      />
    </>
  )
}

const Bans = () => {
  const version = useSignal(0)
  const lift = async (id: string) => {
    if (await doing(() => send("DELETE", `/bans/${encodeURIComponent(id)}`), "Lifted")) version.value += 1
  }
  const columns: ReadonlyArray<Column<BanRow>> = [
    { name: "Kind", show: ({ kind }) => kind },
    { name: "Who", show: ({ value }) => value },
    { name: "Why", show: ({ reason }) => reason },
    { name: "By", show: ({ by }) => by },
    { name: "Until", show: ({ until }) => (until === null ? "for good" : moment(until)) },
    {
      name: "",
      show: ({ id }) =>
        mayOperate.value ? (
          <button type="button" class="quiet" onClick={() => lift(id)}>
            Lift
          </button>
        ) : null
    }
  ]
  return (
    <>
      <h2>Bans</h2>
      <List
        path="/bans"
        caption="Bans"
        columns={columns}
        version={version.value}
        keyOf={({ id }) => id}
        nothing="Nobody is banned."
      />
    </>
  )
}

const Refusals = ({ view }: { readonly view: SecurityView }) => (
  <>
    <h2>Turned away</h2>
    {view.refusals.length === 0 ? (
      <p class="soft">Nobody since the start.</p>
    ) : (
      <ul class="events">
        {view.refusals.map((each, i) => (
          <li key={`${each.at} ${i}`}>
            <time dateTime={each.at}>{moment(each.at)}</time> <b>{each.clientIdentifier}</b> {each.address} (
            {each.listener}) {each.why}
          </li>
        ))}
      </ul>
    )}
  </>
)
