/**
 * What the same would be in a terminal: the page teaches the commands. Plain; each one is read by the grammar of the command
 * itself in test/dashboard/commands.test.ts, so none can grow old.
 *
 * Invariants
 * - [DASH-7] Whatever a name holds, it is one word of the shell, and never an option.
 * - Where no command does it, it is a request: curl with the token's file, never the token.
 */

/** One word of a shell command. */
export const quoted = (text: string): string =>
  // [DASH-7]
  /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`

/** [DASH-7] Operands: behind "--" when one of them could be taken for an option. */
const operands = (...words: ReadonlyArray<string>): string =>
  `${words.some((word) => word.startsWith("-")) ? "-- " : ""}${words.map(quoted).join(" ")}`

/** The value stands in the same word, so that it may begin with a dash. */
const option = (name: string, value: string | undefined): string =>
  value === undefined || value === "" ? "" : ` --${name}=${quoted(value)}`

export interface ListWords {
  readonly filter?: string | undefined
  readonly sort?: string | undefined
}

export const statusCommand = "promptmq status --watch"
export const supportCommand = "promptmq support-bundle"
export const queuesCommand = "promptmq queues"
export const storageCommand = "promptmq store stats"
export const compactCommand = "promptmq store compact"
export const securityCommand = "promptmq bans"
export const settingsCommand = "promptmq config show --origin"
export const diffCommand = "promptmq config diff"
export const reloadCommand = "promptmq reload"
export const checkCommand = "promptmq config check"
export const logsCommand = "promptmq log-level"

export const clientsCommand = ({ filter, sort }: ListWords): string =>
  `promptmq clients${option("filter", filter)}${option("sort", sort)}`
export const clientCommand = (id: string): string => `promptmq client ${operands(id)}`
export const kickCommand = (id: string): string => `promptmq kick ${operands(id)}`
export const endCommand = (id: string): string => `promptmq kick --end-session ${operands(id)}`
export const dropQueueCommand = (id: string): string => `promptmq drop-queue --force ${operands(id)}`
export const unsubscribeCommand = (id: string, filter: string): string => `promptmq unsubscribe ${operands(id, filter)}`

export interface BanWords {
  readonly kind: "client" | "user" | "address"
  readonly value: string
  readonly seconds: number | undefined
  readonly reason: string
}
export const banCommand = ({ kind, reason, seconds, value }: BanWords): string =>
  `promptmq ban${option(kind, value)}${seconds === undefined ? "" : ` --for=${seconds}s`}${option("reason", reason)}`
export const unbanCommand = (id: string): string => `promptmq unban ${operands(id)}`

export const topicsCommand = (topic: string | undefined): string =>
  topic === undefined ? "promptmq topics" : `promptmq topic ${operands(topic)}`
export const watchCommand = (filter: string): string => `promptmq sub -v${option("topic", filter)}`

export interface PublishWords {
  readonly topic: string
  readonly payload: string
  readonly qos: number
  readonly retain: boolean
  readonly times: number
  /** As the command writes them: "content-type text/plain". */
  readonly properties: ReadonlyArray<readonly [name: string, ...values: ReadonlyArray<string>]>
}
export const publishCommand = ({ payload, properties, qos, retain, times, topic }: PublishWords): string =>
  [
    `promptmq pub${option("topic", topic || "demo/hi")}`,
    payload === "" ? " -n" : option("message", payload),
    qos === 0 ? "" : ` -q ${qos}`,
    retain ? " -r" : "",
    times > 1 ? ` --repeat ${times}` : "",
    ...properties.map((words) => ` -D publish ${words.map(quoted).join(" ")}`)
  ].join("")

export const retainedCommand = ({ filter, sort }: ListWords): string =>
  `promptmq retained ls${option("sort", sort)}${filter === undefined || filter === "" ? "" : ` ${operands(filter)}`}`
export const valueCommand = (topic: string): string => `promptmq retained get ${operands(topic)}`
export const editCommand = (topic: string, payload: string, qos: number): string =>
  `promptmq retained set${option("message", payload)} -q ${qos} ${operands(topic)}`
export const clearCommand = (filter: string): string => `promptmq retained rm --force ${operands(filter)}`

export interface DropsWords {
  readonly client: string
  readonly topic: string
  readonly reason: string
}
export const dropsCommand = ({ client, reason, topic }: DropsWords): string =>
  `promptmq drops${option("client", client)}${option("topic", topic)}${option("reason", reason)}`

export interface TraceWords {
  readonly kind: "message" | "client" | "topic" | "address"
  readonly value: string
  readonly seconds?: number
  readonly stepsMax?: number
  readonly withPayload?: boolean
}
export const traceCommand = ({ kind, seconds, stepsMax, value, withPayload }: TraceWords): string =>
  `promptmq trace${seconds === undefined ? "" : ` --seconds=${seconds}`}${stepsMax === undefined ? "" : ` --steps=${stepsMax}`}${withPayload === true ? " --payload" : ""} ${operands(kind, value)}`

export const backupCommand = (folder: string): string => `promptmq store backup ${operands(folder)}`

export interface ExplainWords {
  readonly client: string
  readonly username: string
  readonly action: "publish" | "subscribe" | "read" | "retained" | "will"
  readonly topic: string
}
export const explainCommand = ({ action, client, topic, username }: ExplainWords): string => {
  const verb = action === "retained" ? "read" : action
  const retain = action === "retained" ? " --retain" : ""
  return `promptmq explain${option("client", client)}${option("username", username)} --${verb}=${quoted(topic)}${retain}`
}

export const levelCommand = (level: string, minutes: number, client: string): string =>
  `promptmq log-level ${level} --for=${minutes}m${option("client", client)}`

/** For what no command does. The token stands in a file that its owner alone can read. */
export const requestCommand = (origin: string, method: string, path: string, body?: unknown): string =>
  `curl -X ${method} -H "Authorization: Bearer $(cat admin-token)"${body === undefined ? "" : ` -H 'Content-Type: application/json' -d ${quoted(JSON.stringify(body))}`} ${quoted(`${origin}/api/v1${path}`)}`
