/** Small things that several pages have. */
import type { ComponentChildren } from "preact"
import { Command } from "./command.tsx"
import { Spark } from "./spark.tsx"

export const Heading = ({
  children,
  command,
  soft,
  title
}: {
  readonly title: string
  readonly soft?: ComponentChildren
  readonly command?: string | undefined
  readonly children?: ComponentChildren
}) => (
  <div class="heading">
    <div>
      <h1>{title}</h1>
      {soft === undefined ? null : <p class="soft">{soft}</p>}
    </div>
    {children === undefined || children === null ? null : <div class="actions">{children}</div>}
    {command === undefined ? null : <Command words={command} />}
  </div>
)

/** A part of a page, with what belongs to it on its right. */
export const Part = ({
  children,
  id,
  title
}: {
  readonly title: string
  readonly id?: string
  readonly children?: ComponentChildren
}) => (
  <div class="heading part">
    <h2 id={id}>{title}</h2>
    {children === undefined || children === null ? null : <div class="actions">{children}</div>}
  </div>
)

export type Mood = "good" | "warn" | "bad" | undefined

export const Figure = ({
  detail,
  href,
  label,
  spark,
  state,
  value
}: {
  readonly label: string
  readonly value: string
  readonly detail?: ComponentChildren
  readonly state?: Mood
  readonly href?: string | undefined
  readonly spark?: { readonly values: ReadonlyArray<number | null>; readonly colour: string }
}) => (
  <div class={`figure${state === undefined ? "" : ` ${state}`}${spark === undefined ? "" : " sparked"}`}>
    <dt>{href === undefined ? label : <a href={href}>{label}</a>}</dt>
    <dd>
      {value}
      {detail === undefined ? null : <small>{detail}</small>}
    </dd>
    {spark === undefined ? null : <Spark {...spark} />}
  </div>
)

export const Facts = ({ rows }: { readonly rows: ReadonlyArray<readonly [string, ComponentChildren]> }) => (
  <dl class="facts">
    {rows.map(([name, value]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
)

/** Nothing is here: what that means, and what to do about it. */
export const Nothing = ({ children, title }: { readonly title: string; readonly children?: ComponentChildren }) => (
  <div class="nothing">
    <b>{title}</b>
    {children === undefined ? null : <p>{children}</p>}
  </div>
)

/** Only what matches it is shown, or all where it is empty: asked when the text is finished. */
export const Search = ({
  label,
  onChange,
  value
}: {
  readonly label: string
  readonly value: string
  readonly onChange: (text: string) => void
}) => (
  <label>
    {label}
    <input type="search" value={value} placeholder="any" onChange={(event) => onChange(event.currentTarget.value)} />
  </label>
)

/** What is being read for the first time, or why it cannot be. */
export const Waiting = ({ failure }: { readonly failure: Error | undefined }) =>
  failure === undefined ? (
    <p class="soft waiting">loading …</p>
  ) : (
    <p class="verdict bad" role="alert">
      {failure.message}
    </p>
  )

export const ClientLink = ({ id }: { readonly id: string }) =>
  id === "" || id.startsWith("(") ? <span>{id}</span> : <a href={`/clients/${encodeURIComponent(id)}`}>{id}</a>

export const TopicLink = ({ topic }: { readonly topic: string }) => (
  <a href={`/topics?topic=${encodeURIComponent(topic)}`}>
    <code>{topic}</code>
  </a>
)

/** Names with commas between them. */
export const Names = ({ names }: { readonly names: ReadonlyArray<string> }) => (
  <span>
    {names.length === 0 ? "–" : null}
    {names.map((name, i) => (
      <span key={name}>
        {i > 0 ? ", " : ""}
        <ClientLink id={name} />
      </span>
    ))}
  </span>
)
