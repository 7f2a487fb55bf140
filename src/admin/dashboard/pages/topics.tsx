/** The topics as a tree, one level at a time, and what is known of one: its last value above all. */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { useLocation } from "preact-iso"
import type { TopicDetail, TopicNode } from "../../api/topics.ts"
import { get, send } from "../api.ts"
import { count, moment, quoted } from "../format.ts"
import { doing, tellFailure } from "../notices.tsx"
import { Confirm, Facts, Heading, PayloadView } from "../parts.tsx"
import { mayOperate } from "../session.ts"

const EVERY_MS = 2000
const LEVEL_MAX = 500

export const TopicsPage = () => {
  const { query, route } = useLocation()
  const chosen = query["topic"]
  return (
    <section>
      <Heading title="Topics" command={`promptmq sub -v -t ${quoted(chosen ?? "#")}`} />
      <div class="split">
        <section class="tree" aria-label="Topics">
          <Level prefix="" chosen={chosen} onChoose={(topic) => route(`/topics?topic=${encodeURIComponent(topic)}`)} />
        </section>
        <div>{chosen === undefined ? <p class="soft">Choose a topic.</p> : <Topic key={chosen} topic={chosen} />}</div>
      </div>
    </section>
  )
}

interface LevelProps {
  readonly prefix: string
  readonly chosen: string | undefined
  readonly onChoose: (topic: string) => void
}

const Level = ({ chosen, onChoose, prefix }: LevelProps) => {
  const nodes = useSignal<ReadonlyArray<TopicNode> | undefined>(undefined)
  const left = useSignal(0)
  useEffect(() => {
    const load = () =>
      get<{ readonly items: ReadonlyArray<TopicNode>; readonly total: number }>("/topics", {
        prefix,
        limit: LEVEL_MAX
      }).then(({ items, total }) => {
        nodes.value = items
        left.value = total - items.length
      }, tellFailure)
    void load()
    const timer = setInterval(() => (document.hidden ? undefined : void load()), EVERY_MS)
    return () => clearInterval(timer)
  }, [prefix])
  if (nodes.value === undefined) return <p class="soft">loading …</p>
  if (nodes.value.length === 0) {
    return prefix === "" ? (
      <p class="soft">
        No topics yet. Try <code>promptmq pub -t demo/hi -m hello</code>.
      </p>
    ) : null
  }
  return (
    <ul>
      {nodes.value.map((node) => (
        <Branch key={node.topic} node={node} chosen={chosen} onChoose={onChoose} />
      ))}
      {left.value > 0 ? <li class="soft">… and {count(left.value)} more</li> : null}
    </ul>
  )
}

const Branch = ({
  chosen,
  node,
  onChoose
}: {
  readonly node: TopicNode
  readonly chosen: string | undefined
  readonly onChoose: (topic: string) => void
}) => {
  const isOpen = useSignal(chosen?.startsWith(`${node.topic}/`) === true)
  return (
    <li>
      <div class={chosen === node.topic ? "node chosen" : "node"}>
        {node.hasChildren ? (
          <button
            type="button"
            class="quiet twist"
            aria-expanded={isOpen.value}
            aria-label={`${isOpen.value ? "Close" : "Open"} ${node.topic}`}
            onClick={() => (isOpen.value = !isOpen.value)}
          >
            {isOpen.value ? "▾" : "▸"}
          </button>
        ) : (
          <span class="twist" />
        )}
        {node.isTopic ? (
          <button type="button" class="link" onClick={() => onChoose(node.topic)}>
            {node.level === "" ? "(empty level)" : node.level}
          </button>
        ) : (
          <span>{node.level === "" ? "(empty level)" : node.level}</span>
        )}
        <span class="soft" title="Messages since the start">
          {node.isRetained ? "retained · " : ""}
          {count(node.messages)}
        </span>
      </div>
      {isOpen.value ? <Level prefix={node.topic} chosen={chosen} onChoose={onChoose} /> : null}
    </li>
  )
}

const Topic = ({ topic }: { readonly topic: string }) => {
  const detail = useSignal<TopicDetail | undefined>(undefined)
  const isClearing = useSignal(false)
  const load = () => get<TopicDetail>("/topics/value", { topic }).then((found) => (detail.value = found), tellFailure)
  useEffect(() => {
    void load()
    const timer = setInterval(() => (document.hidden ? undefined : void load()), EVERY_MS)
    return () => clearInterval(timer)
  }, [topic])
  const now = detail.value
  const clear = async (confirmed: boolean) => {
    isClearing.value = false
    if (confirmed) await doing(() => send("DELETE", "/retained", undefined, { filter: topic }), "Cleared")
    await load()
  }
  return (
    <>
      <h2>
        <code>{topic}</code>
      </h2>
      <div class="actions">
        <a class="button" href={`/publish?topic=${encodeURIComponent(topic)}`}>
          Publish here
        </a>
        <a class="button" href={`/trace?topic=${encodeURIComponent(topic)}`}>
          Trace
        </a>
        {mayOperate.value && now?.retained != null ? (
          <button type="button" onClick={() => (isClearing.value = true)}>
            Clear retained
          </button>
        ) : null}
      </div>
      {now === undefined ? (
        <p class="soft">loading …</p>
      ) : (
        <>
          {now.last === null ? (
            <p class="soft">No message of it is kept.</p>
          ) : (
            <PayloadView payload={now.last.payload} />
          )}
          <Facts
            rows={[
              ["Last", now.last === null ? "–" : `${moment(now.last.publishedAt)}, QoS ${now.last.qos}`],
              [
                "Retained",
                now.retained === null
                  ? "no"
                  : `since ${moment(now.retained.storedAt)}, by ${now.retained.publisher ?? "?"}`
              ],
              ["Subscribers", count(now.subscribers)],
              ["Of them", now.subscriberNames.length === 0 ? "–" : <Names names={now.subscriberNames} />],
              ["Records in the log", count(now.records)]
            ]}
          />
        </>
      )}
      {isClearing.value ? (
        <Confirm title="Clear the retained message?" action="Clear" onClose={clear}>
          <p>
            New subscribers of <code>{topic}</code> will get nothing until something is retained again.
          </p>
        </Confirm>
      ) : null}
    </>
  )
}

const Names = ({ names }: { readonly names: ReadonlyArray<string> }) => (
  <>
    {names.map((name, i) => (
      <span key={name}>
        {i > 0 ? ", " : ""}
        <a href={`/clients/${encodeURIComponent(name)}`}>{name}</a>
      </span>
    ))}
  </>
)
