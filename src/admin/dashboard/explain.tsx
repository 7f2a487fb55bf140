/** May they? And which rule decides. */
import { useSignal } from "@preact/signals"
import type { Explanation } from "../api/security.ts"
import { send } from "./api.ts"
import { Command } from "./command.tsx"
import { explainCommand } from "./commands.ts"
import { tellFailure } from "./notices.tsx"
import { Part } from "./parts.tsx"

const actions = ["publish", "subscribe", "read", "retained", "will"] as const

interface Question {
  readonly client: string
  readonly username: string
  readonly action: (typeof actions)[number]
  readonly topic: string
}

export const Explain = () => {
  const question = useSignal<Question>({ client: "", username: "", action: "publish", topic: "" })
  const answer = useSignal<Explanation | undefined>(undefined)
  const now = question.value
  const set = (change: Partial<Question>) => {
    question.value = { ...question.peek(), ...change }
    answer.value = undefined
  }
  const submit = async (event: Event) => {
    event.preventDefault()
    const { username, ...rest } = now
    try {
      answer.value = await send<Explanation>("POST", "/acl/explain", {
        ...rest,
        ...(username === "" ? {} : { username })
      })
    } catch (cause) {
      tellFailure(cause)
    }
  }
  return (
    <>
      <Part title="May they?" />
      <div class="panel">
        <form class="row" onSubmit={submit}>
          <label>
            Client
            <input required value={now.client} onInput={(event) => set({ client: event.currentTarget.value })} />
          </label>
          <label>
            User
            <input
              value={now.username}
              placeholder="as connected"
              onInput={(event) => set({ username: event.currentTarget.value })}
            />
          </label>
          <label>
            Action
            <select
              value={now.action}
              onChange={(event) => set({ action: event.currentTarget.value as Question["action"] })}
            >
              {actions.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          </label>
          <label class="grow">
            Topic or filter
            <input
              required
              spellcheck={false}
              value={now.topic}
              onInput={(event) => set({ topic: event.currentTarget.value })}
            />
          </label>
          <button type="submit">Explain</button>
        </form>
        <div role="status">{answer.value === undefined ? null : <Answer answer={answer.value} />}</div>
        {now.client === "" || now.topic === "" ? null : <Command words={explainCommand(now)} />}
      </div>
    </>
  )
}

const Answer = ({ answer: { decidedBy, identity, rule, verdict } }: { readonly answer: Explanation }) => (
  <p class={`verdict ${verdict === "allow" ? "good" : "bad"}`}>
    <b>{verdict}</b>, decided by {decidedBy}
    {rule === null ? "" : `: ${rule.text}`}.{" "}
    <span class="soft">
      {identity.isConnected ? "The client is connected" : "The client is not connected"}
      {identity.username === null ? "" : `, user ${identity.username}`}
      {identity.groups.length === 0 ? "" : `, groups ${identity.groups.join(", ")}`}.
    </span>
  </p>
)
