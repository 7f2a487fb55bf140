/** Who gets in, who may do what, who was turned away, and who changed what. */
import { useSignal } from "@preact/signals"
import type { BanRow, RuleRow, SecurityView } from "../../api/security.ts"
import type { ConfigDiff } from "../../api/settings.ts"
import type { AuditEntry } from "../../api/system.ts"
import { get, send } from "../api.ts"
import { WARN_DAYS } from "../certificates.ts"
import { requestCommand, securityCommand, unbanCommand } from "../commands.ts"
import { Explain } from "../explain.tsx"
import { ago, count, daysUntil, moment } from "../format.ts"
import { Impact } from "../impact.tsx"
import { doing, tellFailure } from "../notices.tsx"
import { ClientLink, Facts, Heading, Nothing, Part, Waiting } from "../parts.tsx"
import { usePolled } from "../polled.ts"
import { Quotas } from "../quotas.tsx"
import { mayAdminister, mayOperate } from "../session.ts"
import { type Column, List } from "../table.tsx"
import { Users } from "../users.tsx"

const EVERY_MS = 5000
const CHANGES_MAX = 50

export const SecurityPage = () => {
  const { failure, value: view } = usePolled((signal) => get<SecurityView>("/security", {}, signal), {
    key: "security",
    everyMs: EVERY_MS
  })
  return (
    <section>
      <Heading title="Security" command={securityCommand} />
      {view === undefined ? (
        <Waiting failure={failure} />
      ) : (
        <>
          <Standing view={view} />
          <Doors view={view} />
          <Chain view={view} />
        </>
      )}
      <Explain />
      <Rules />
      {mayAdminister.value && view !== undefined ? <Users chain={view.chain} /> : null}
      <Quotas />
      <Bans />
      {view === undefined ? null : <Refusals view={view} />}
      {mayAdminister.value ? <Changes /> : null}
    </section>
  )
}

const Standing = ({ view }: { readonly view: SecurityView }) => (
  <div class="panel">
    <Facts
      rows={[
        [
          "Without a name",
          view.isAnonymousAllowed ? (
            <span key="open" class="tag warn">
              anybody gets in
            </span>
          ) : (
            "nobody gets in"
          )
        ],
        ["Rules", view.rules === 0 ? "none" : count(view.rules)],
        ["When no rule holds", view.noMatch],
        ["Bans", view.bans === 0 ? "none" : count(view.bans)]
      ]}
    />
  </div>
)

const Doors = ({ view }: { readonly view: SecurityView }) => (
  <>
    <Part title="Listeners" id="listeners" />
    <div class="scroll-x">
      <table aria-labelledby="listeners">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Address</th>
            <th scope="col">TLS</th>
            <th scope="col">Client certificates</th>
            <th scope="col">Certificate</th>
            <th scope="col" class="number">
              Days left
            </th>
          </tr>
        </thead>
        <tbody>
          {view.listeners.map((each) => (
            <tr key={each.address}>
              <td>{each.name}</td>
              <td>
                <code>{each.address}</code>
              </td>
              <td>{each.isTls ? <span class="tag good">yes</span> : <span class="tag">no</span>}</td>
              <td>{each.clientCertificates}</td>
              <td>{each.certificateSubject ?? "–"}</td>
              <td class="number" title={moment(each.certificateExpiresAt)}>
                <DaysLeft at={each.certificateExpiresAt} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  </>
)

const DaysLeft = ({ at }: { readonly at: string | null }) => {
  if (at === null) return <>–</>
  const days = daysUntil(at)
  return (
    <span class={days < 0 ? "tag bad" : days < WARN_DAYS ? "tag warn" : undefined}>
      {days < 0 ? "over" : count(days)}
    </span>
  )
}

const answers = [
  ["allowed", "good"],
  ["denied", "warn"],
  ["failed", "bad"]
] as const

/** How the providers answered, side by side. */
const Chain = ({ view: { chain } }: { readonly view: SecurityView }) => {
  const most = Math.max(1, ...chain.map((each) => each.allowed + each.denied + each.failed))
  return (
    <>
      <Part title="Who is asked, in this order" />
      {chain.length === 0 ? (
        <div class="panel">
          <Nothing title="Nobody is asked">
            Name who vouches for clients in <a href="/config?key=auth.chain">auth.chain</a>: a password file,
            certificates, tokens, LDAP.
          </Nothing>
        </div>
      ) : (
        <div class="scroll-x">
          <table>
            <thead>
              <tr>
                <th scope="col">Provider</th>
                {answers.map(([name]) => (
                  <th key={name} scope="col" class="number">
                    {name}
                  </th>
                ))}
                <th scope="col">Since the start</th>
              </tr>
            </thead>
            <tbody>
              {chain.map((each) => (
                <tr key={each.name}>
                  <td>{each.name}</td>
                  {answers.map(([name]) => (
                    <td key={name} class="number">
                      {count(each[name])}
                    </td>
                  ))}
                  <td class="meter">
                    <div aria-hidden="true">
                      {answers.map(([name, mood]) => (
                        <span key={name} class={mood} style={{ width: `${(100 * each[name]) / most}%` }} />
                      ))}
                    </div>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  )
}

const ruleColumns: ReadonlyArray<Column<RuleRow>> = [
  { name: "#", isNumber: true, class: "narrow", show: ({ number }) => number },
  {
    name: "Effect",
    class: "narrow",
    show: ({ effect }) => <span class={effect === "allow" ? "tag good" : "tag bad"}>{effect}</span>
  },
  { name: "Rule", show: ({ text }) => text, title: ({ text }) => text },
  { name: "From", show: ({ source }) => <code>{source}</code> }
]

const Rules = () => {
  const version = useSignal(0)
  const diff = useSignal<ConfigDiff | undefined>(undefined)
  const command = requestCommand(location.origin, "POST", "/acl/reload")
  const ask = () => get<ConfigDiff>("/config/diff").then((found) => (diff.value = found), tellFailure)
  const close = async (confirmed: boolean) => {
    diff.value = undefined
    if (!confirmed) return
    await doing(() => send("POST", "/acl/reload"), "The rules were read again", command)
    version.value += 1
  }
  return (
    <>
      <Part title="Rules">
        {mayAdminister.value ? (
          <button type="button" onClick={ask}>
            Reload …
          </button>
        ) : null}
      </Part>
      <List
        path="/acl"
        filterKey="rules"
        caption="Rules"
        columns={ruleColumns}
        version={version.value}
        keyOf={({ number }) => String(number)}
        everyMs={0}
        nothing={
          <>
            <b>No rules: whoever gets in may do everything</b>
            <p>
              Rules come from the file in <a href="/config?key=acl.rules-file">acl.rules-file</a>.
            </p>
          </>
        }
      />
      {diff.value === undefined ? null : (
        <Impact diff={diff.value} action="Reload the rules" command={command} onClose={close} />
      )}
    </>
  )
}

const Bans = () => {
  const version = useSignal(0)
  const lift = async (id: string) => {
    const work = () => send("DELETE", `/bans/${encodeURIComponent(id)}`)
    if (await doing(work, "Lifted", unbanCommand(id))) version.value += 1
  }
  const columns: ReadonlyArray<Column<BanRow>> = [
    { name: "Whom", sort: "value", class: "main", show: ({ kind, value }) => `${kind} ${value}` },
    { name: "Why", show: ({ reason }) => reason, title: ({ reason }) => reason },
    { name: "By", show: ({ by }) => by },
    { name: "Since", show: ({ since }) => ago(since), title: ({ since }) => moment(since) },
    { name: "Until", sort: "until", show: ({ until }) => (until === null ? "for good" : moment(until)) },
    {
      name: "",
      class: "acts",
      show: ({ id }) =>
        mayOperate.value ? (
          <button type="button" class="plain" onClick={() => lift(id)}>
            Lift
          </button>
        ) : null
    }
  ]
  return (
    <>
      <Part title="Bans" />
      <List
        path="/bans"
        filterKey="bans"
        caption="Bans"
        columns={columns}
        version={version.value}
        keyOf={({ id }) => id}
        nothing={
          <>
            <b>Nobody is banned</b>
            <p>
              Clients, users and addresses are kept away from the page of a <a href="/clients">client</a>, or by{" "}
              <code>promptmq ban</code>.
            </p>
          </>
        }
      />
    </>
  )
}

const Refusals = ({ view }: { readonly view: SecurityView }) => (
  <>
    <Part title="Turned away" />
    {view.refusals.length === 0 ? (
      <div class="panel">
        <Nothing title="Nobody since the start" />
      </div>
    ) : (
      <ul class="events panel">
        {view.refusals.map((each, i) => (
          <li key={`${each.at} ${view.refusals.length - i}`} class="bad">
            <time dateTime={each.at} title={moment(each.at)}>
              {ago(each.at)}
            </time>
            <b>
              <ClientLink id={each.clientIdentifier} />
            </b>
            <span>
              {each.why}{" "}
              <span class="soft">
                {each.address} ({each.listener})
              </span>
            </span>
          </li>
        ))}
      </ul>
    )}
  </>
)

const Changes = () => {
  const { failure, value } = usePolled(
    (signal) => get<ReadonlyArray<AuditEntry>>("/audit", { limit: CHANGES_MAX }, signal),
    { key: "audit", everyMs: EVERY_MS }
  )
  return (
    <>
      <Part title="Changes through the admin API" />
      {value === undefined ? (
        <Waiting failure={failure} />
      ) : value.length === 0 ? (
        <div class="panel">
          <Nothing title="Nobody has changed anything through the admin API" />
        </div>
      ) : (
        <ul class="events panel few">
          {value.map((each, i) => (
            <li key={`${each.at} ${i}`} class={each.outcome >= 400 ? "bad" : undefined}>
              <time dateTime={each.at} title={moment(each.at)}>
                {ago(each.at)}
              </time>
              <b>{each.who}</b>
              <span>
                <code>{each.what}</code>{" "}
                <span class="soft">
                  {each.outcome}, {each.address}
                </span>
              </span>
            </li>
          ))}
        </ul>
      )}
    </>
  )
}
