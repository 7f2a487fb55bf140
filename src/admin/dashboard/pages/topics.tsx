/** The topics as a tree, one level at a time, and what is known of one: its last value above all. */
import { useSignal } from "@preact/signals"
import { useLocation } from "preact-iso"
import type { MessageView, TopicDetail, TopicNode } from "../../api/topics.ts"
import { get } from "../api.ts"
import { Chart, palette } from "../chart.tsx"
import { ConfirmClearing, useClearing } from "../clearing.tsx"
import { topicsCommand } from "../commands.ts"
import { ago, bytes, count, moment, rate } from "../format.ts"
import { ClientLink, Facts, Heading, Names, Nothing, Waiting } from "../parts.tsx"
import { PayloadView } from "../payload.tsx"
import { type Field, numbersIn } from "../payload-text.ts"
import { usePolled } from "../polled.ts"
import { mayOperate } from "../session.ts"

/** What arrives is in the tree within a second. */
const EVERY_MS = 700
const VALUE_EVERY_MS = 1000
const LEVEL_MAX = 500
const VALUES_MAX = 300

export const TopicsPage = () => {
  const { query, route } = useLocation()
  const chosen = query["topic"]
  const filter = useSignal("")
  return (
    <section>
      <Heading title="Topics" command={topicsCommand(chosen)} />
      <div class="split tall">
        <section class="tree" aria-label="Topics">
          <input
            type="search"
            aria-label="Levels at the top that contain"
            placeholder="Filter the top level"
            value={filter.value}
            onInput={(event) => (filter.value = event.currentTarget.value)}
          />
          <Level
            prefix=""
            filter={filter.value}
            chosen={chosen}
            onChoose={(topic) => route(`/topics?topic=${encodeURIComponent(topic)}`)}
          />
        </section>
        <div>
          {chosen === undefined ? (
            <div class="panel">
              <Nothing title="No topic is chosen">
                Open the tree on the left: it tells how many messages there were, and how many there are a second.
                Nothing there yet? Try <code>promptmq pub -t demo/hi -m hello</code>.
              </Nothing>
            </div>
          ) : (
            <Topic key={chosen} topic={chosen} />
          )}
        </div>
      </div>
    </section>
  )
}

interface LevelProps {
  readonly prefix: string
  readonly filter?: string
  readonly chosen: string | undefined
  readonly onChoose: (topic: string) => void
}

interface LevelPage {
  readonly items: ReadonlyArray<TopicNode>
  readonly total: number
}

const Level = ({ chosen, filter = "", onChoose, prefix }: LevelProps) => {
  const rates = useSignal<ReadonlyMap<string, number>>(new Map())
  const before = useSignal<{ readonly atMs: number; readonly page: LevelPage } | undefined>(undefined)
  const { failure, value } = usePolled(
    (signal) => get<LevelPage>("/topics", { prefix, filter, limit: LEVEL_MAX }, signal),
    {
      key: prefix,
      version: filter,
      everyMs: EVERY_MS,
      onValue: (page) => {
        const nowMs = performance.now()
        const last = before.peek()
        if (last !== undefined) rates.value = ratesOf(last.page, page, (nowMs - last.atMs) / 1000)
        before.value = { atMs: nowMs, page }
      }
    }
  )
  if (value === undefined) return <Waiting failure={failure} />
  if (value.items.length === 0) {
    if (prefix !== "") return null
    return filter === "" ? (
      <Nothing title="No topics yet">
        Publish something: <code>promptmq pub -t demo/hi -m hello</code>, or on the page <a href="/publish">Publish</a>.
      </Nothing>
    ) : (
      <p class="soft">No level contains “{filter}”.</p>
    )
  }
  const left = value.total - value.items.length
  return (
    <ul>
      {value.items.map((node) => (
        <Branch key={node.topic} node={node} rate={rates.value.get(node.topic)} chosen={chosen} onChoose={onChoose} />
      ))}
      {left > 0 ? <li class="soft">… and {count(left)} more</li> : null}
    </ul>
  )
}

/** Counts that fall are those of another process, or of a log that was cut. */
const ratesOf = (last: LevelPage, now: LevelPage, seconds: number): ReadonlyMap<string, number> => {
  const before = new Map(last.items.map(({ messages, topic }) => [topic, messages]))
  return new Map(
    now.items.map(({ messages, topic }) => [
      topic,
      Math.max(0, messages - (before.get(topic) ?? messages)) / Math.max(0.5, seconds)
    ])
  )
}

interface BranchProps {
  readonly node: TopicNode
  readonly rate: number | undefined
  readonly chosen: string | undefined
  readonly onChoose: (topic: string) => void
}

const Branch = ({ chosen, node, onChoose, rate: perSecond }: BranchProps) => {
  const isOpen = useSignal(chosen?.startsWith(`${node.topic}/`) === true)
  const name = node.level === "" ? "(empty level)" : node.level
  const toggle = () => (isOpen.value = !isOpen.value)
  return (
    <li>
      <div class={chosen === node.topic ? "node chosen" : "node"}>
        {node.hasChildren ? (
          <button
            type="button"
            class="quiet twist"
            aria-expanded={isOpen.value}
            aria-label={`${isOpen.value ? "Close" : "Open"} ${node.topic}`}
            onClick={toggle}
          >
            {isOpen.value ? "▾" : "▸"}
          </button>
        ) : (
          <span class="twist" />
        )}
        {node.isTopic ? (
          <button type="button" class="link" title={node.topic} onClick={() => onChoose(node.topic)}>
            {name}
          </button>
        ) : (
          <button type="button" class="link plainly" tabIndex={-1} onClick={toggle}>
            {name}
          </button>
        )}
        {node.last === null ? null : (
          <span class="value" title={bytes(node.last.sizeBytes)}>
            {node.last.encoding === "utf8" ? node.last.value : `(${bytes(node.last.sizeBytes)})`}
          </span>
        )}
        {node.isRetained ? (
          <span class="tag" title="A message is retained">
            R
          </span>
        ) : null}
        <span class="soft tally" title="Messages, and messages a second">
          {perSecond !== undefined && perSecond > 0 ? <b>{rate(perSecond)}</b> : null} {count(node.messages)}
        </span>
      </div>
      {isOpen.value ? <Level prefix={node.topic} chosen={chosen} onChoose={onChoose} /> : null}
    </li>
  )
}

/** One value as it was seen. */
interface Seen {
  readonly key: string
  readonly atMs: number
  readonly message: MessageView
}

const Topic = ({ topic }: { readonly topic: string }) => {
  const seen = useSignal<ReadonlyArray<Seen>>([])
  const plotted = useSignal<ReadonlyArray<string>>([])
  const {
    again,
    failure,
    value: now
  } = usePolled((signal) => get<TopicDetail>("/topics/value", { topic }, signal), {
    key: topic,
    everyMs: VALUE_EVERY_MS,
    onValue: ({ last }) => {
      if (last !== null) seen.value = withValue(seen.peek(), last)
    }
  })
  const clearing = useClearing(again)
  const last = now?.last ?? undefined
  const fields = last?.payload.encoding === "utf8" ? numbersIn(last.payload.value) : []
  return (
    <div class="panel">
      <div class="heading">
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
          {mayOperate.value ? (
            <>
              <button type="button" disabled={now?.retained == null} onClick={() => clearing.ask(topic)}>
                Clear retained
              </button>
              <button type="button" onClick={() => clearing.ask(`${topic}/#`)}>
                Clear subtree …
              </button>
            </>
          ) : null}
        </div>
      </div>
      {now === undefined ? (
        <Waiting failure={failure} />
      ) : (
        <>
          {last === undefined ? (
            <Nothing title="No message of it is kept">The next one is shown as soon as it comes.</Nothing>
          ) : (
            <PayloadView payload={last.payload} before={seen.value.at(-2)?.message.payload} />
          )}
          <Fields fields={fields} plotted={plotted.value} onPlot={(next) => (plotted.value = next)} />
          {plotted.value.length === 0 ? null : <Plot paths={plotted.value} seen={seen.value} />}
          <Facts rows={factsOf(now)} />
        </>
      )}
      <ConfirmClearing clearing={clearing}>
        {(filter) => (
          <>
            New subscribers of <code>{filter}</code> will get nothing until something is retained again.
          </>
        )}
      </ConfirmClearing>
    </div>
  )
}

const factsOf = ({ last, records, retained, subscriberNames, subscribers }: TopicDetail) =>
  [
    [
      "Last",
      last === null ? (
        "–"
      ) : (
        <span key="last" title={moment(last.publishedAt)}>
          {ago(last.publishedAt)}, QoS {last.qos}
        </span>
      )
    ],
    [
      "Retained",
      retained === null ? (
        "no"
      ) : (
        <span key="retained" title={moment(retained.storedAt)}>
          {ago(retained.storedAt)}, {bytes(retained.sizeBytes)}, by{" "}
          {retained.publisher === null ? "somebody before the restart" : <ClientLink id={retained.publisher} />}
        </span>
      )
    ],
    ["Content type", last?.contentType ?? "–"],
    ["Expires", moment(last?.expiresAt)],
    [
      "User properties",
      last === null || last.userProperties.length === 0
        ? "–"
        : last.userProperties.map(({ name, value }) => `${name}=${value}`).join(", ")
    ],
    ["Records in the log", count(records)],
    ["Subscribers", count(subscribers)],
    ["Of them", <Names key="names" names={subscriberNames} />]
  ] as const

/** Another message is another sequence, another time, or another text. */
const withValue = (before: ReadonlyArray<Seen>, message: MessageView): ReadonlyArray<Seen> => {
  const key = `${message.sequence} ${message.publishedAt} ${message.payload.value}`
  if (before.at(-1)?.key === key) return before
  const atMs = message.publishedAt === null ? Date.now() : Date.parse(message.publishedAt)
  return [...before, { key, atMs, message }].slice(-VALUES_MAX)
}

const Fields = ({
  fields,
  onPlot,
  plotted
}: {
  readonly fields: ReadonlyArray<Field>
  readonly plotted: ReadonlyArray<string>
  readonly onPlot: (paths: ReadonlyArray<string>) => void
}) =>
  fields.length === 0 ? null : (
    <div class="chips">
      <span class="soft">Plot</span>
      {fields.map(({ path, value }) => (
        <button
          key={path}
          type="button"
          class="chip"
          aria-pressed={plotted.includes(path)}
          onClick={() => onPlot(plotted.includes(path) ? plotted.filter((each) => each !== path) : [...plotted, path])}
        >
          {path === "" ? "value" : path} <b>{value}</b>
        </button>
      ))}
    </div>
  )

const Plot = ({ paths, seen }: { readonly paths: ReadonlyArray<string>; readonly seen: ReadonlyArray<Seen> }) => {
  const rows = seen.map(({ atMs, message }) => ({ atMs, fields: numbersIn(message.payload.value) }))
  return (
    <Chart
      title="Values since this page looks"
      atSeconds={rows.map(({ atMs }) => atMs / 1000)}
      format={(value) => (value == null ? "–" : String(Math.round(value * 1000) / 1000))}
      series={paths.map((path, i) => ({
        name: path === "" ? "value" : path,
        colour: palette[i % palette.length] as string,
        values: rows.map(({ fields }) => fields.find((each) => each.path === path)?.value ?? null)
      }))}
    />
  )
}
