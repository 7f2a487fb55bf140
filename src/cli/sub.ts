/**
 * `promptmq sub`: prints what arrives on topics, with mosquitto_sub's letters and output: payload and a
 * line end, with -v the topic before it, with -F anything. Messages go to stdout, talk to stderr.
 *
 * Differences to mosquitto_sub: QoS 1 is asked for unless -q says otherwise (nothing is lost on the way to
 * a tool that watches), "subscribed" is said on stderr, wrong filters are found before connecting, and
 * `--latency` does not exist here.
 */
import { filterFault } from "../router/topic-filter.ts"
import { connectionOptions } from "./client/connection-options.ts"
import { connectionSettings, type Qos, topicLevelsMax } from "./client/connection-settings.ts"
import { compileFormat, type Render } from "./client/message-format.ts"
import { type SubscribePlan, subscribe } from "./client/subscribe.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { type Decoded, flag, number, text, texts, UsageFault } from "./grammar/option.ts"

const what = { section: "Topics" }
const output = { section: "Output" }
const until = { section: "Until when" }
const retained = { section: "Retained messages" }

const options = {
  topic: texts("filter to subscribe to; may repeat", { ...what, letter: "t", placeholder: "filter" }),
  qos: number("quality of service asked for: 0, 1 or 2 (1)", {
    ...what,
    letter: "q",
    placeholder: "qos",
    minimum: 0,
    maximum: 2
  }),
  "filter-out": texts("do not print topics that match; may repeat", { ...what, letter: "T", placeholder: "filter" }),
  unsubscribe: texts("unsubscribe from it first; may repeat", { ...what, letter: "U", placeholder: "filter" }),
  verbose: flag("print the topic before the payload", { ...output, letter: "v" }),
  format: text("print in this format, see below", { ...output, letter: "F", placeholder: "format" }),
  "no-newline": flag("no line end after each message", { ...output, letter: "N" }),
  pretty: flag("indent %j and %J", output),
  count: number("leave after this many messages", {
    ...until,
    letter: "C",
    placeholder: "count",
    minimum: 1,
    maximum: 2 ** 31
  }),
  timeout: number(`leave after this many seconds with exit code ${exitCodes.timedOut}`, {
    ...until,
    letter: "W",
    placeholder: "seconds",
    minimum: 1,
    maximum: 2_000_000
  }),
  "exit-subscribed": flag("leave as soon as the subscription is acknowledged", { ...until, letter: "E" }),
  "no-retained": flag("do not print retained messages", { ...retained, letter: "R" }),
  "retained-only": flag("print retained messages only, leave at the first that is not", retained),
  "remove-retained": flag("clear each retained message that arrives (not those of -T)", retained),
  "retain-as-published": flag("let the broker keep the retain flag of live messages (MQTT 5)", retained),
  "retain-handling": text("when the broker sends retained messages (MQTT 5)", {
    ...retained,
    placeholder: "when",
    choices: ["always", "new", "never"]
  }),
  ...connectionOptions(["subscribe", "unsubscribe"])
}

const formatNotes = [
  "Format: %t topic, %p payload, %x %X payload in hex, %l its length, %q QoS, %r retain, %m packet identifier, %I time, %U seconds since 1970, %j JSON, %J JSON with a JSON payload;",
  "MQTT 5: %A topic alias, %C content type, %D correlation data, %E expiry, %F payload format, %P user properties, %R response topic, %S subscription identifier. %-10t and %010l pad, %.5t cuts, @Y @m @d @H @M @S are strftime, \\n \\t \\0 \\e escapes."
]

export const body = commandBody({
  notes: [
    "The letters are those of mosquitto_sub (without --latency); -h is the host, --help is help. A lost connection is made again every second; the first one must succeed.",
    ...formatNotes,
    "Exit codes: 0 done (-C, -E, --retained-only), 27 -W ran out, 130 Ctrl-C, 2 wrong usage, 4 no broker, 5 refused."
  ],
  examples: [
    { line: "promptmq sub -t 'demo/#' -v", why: "everything below demo, with topics" },
    { line: "promptmq sub -t demo/hi -C 1 -W 5", why: "one message, or exit code 27 after five seconds" },
    { line: "promptmq sub -t '#' -F '@H:@M:@S %t %p'", why: "with the time of arrival" }
  ],
  operands: [],
  options,
  isHelpWhenBare: true,
  run: async ({ options }, world) => {
    const settings = connectionSettings(options, world.processId)
    if (settings instanceof UsageFault) return settings
    if (settings.protocolVersion < 5 && (options["retain-as-published"] || options["retain-handling"] !== undefined)) {
      return new UsageFault("--retain-as-published and --retain-handling need MQTT 5", "leave out -V")
    }
    const render = renderOf(options)
    if (render instanceof UsageFault) return render
    const plan = subscribePlan(options, settings.urlTopic, render)
    return plan instanceof UsageFault ? plan : subscribe(plan, settings, world)
  }
})

function renderOf(options: Decoded<typeof body.options>): Render | UsageFault {
  const lineEnd = options["no-newline"] ? "" : "\n"
  if (options.format !== undefined) {
    const render = compileFormat(options.format, options.pretty)
    if (render instanceof UsageFault || lineEnd === "") return render
    return (message) => {
      const text = render(message)
      return Buffer.isBuffer(text) ? Buffer.concat([text, Buffer.from(lineEnd)]) : text
    }
  }
  const end = Buffer.from(lineEnd)
  // mosquitto_sub prints nothing at all for an empty payload, and "(null)" after a topic.
  if (!options.verbose) return ({ payload }) => (payload.length === 0 ? payload : Buffer.concat([payload, end]))
  const nothing = Buffer.from("(null)")
  return ({ topic, payload }) =>
    Buffer.concat([Buffer.from(`${topic} `), payload.length === 0 ? nothing : payload, end])
}

const retainHandling = { always: 0, new: 1, never: 2 } as const

function subscribePlan(
  options: Decoded<typeof body.options>,
  urlTopic: string | undefined,
  render: Render
): SubscribePlan | UsageFault {
  const filters = urlTopic === undefined ? options.topic : [urlTopic, ...options.topic]
  if (filters.length === 0 && options.unsubscribe.length === 0) return new UsageFault("no topic", "add -t <filter>")
  const fault =
    filtersFault("-t", filters) ?? filtersFault("-T", options["filter-out"]) ?? filtersFault("-U", options.unsubscribe)
  if (fault !== undefined) return fault
  if (options["no-retained"] && options["retained-only"])
    return new UsageFault("-R and --retained-only exclude each other")
  return {
    filters: [...new Set(filters)],
    filteredOut: options["filter-out"],
    unsubscribed: options.unsubscribe,
    qos: (options.qos ?? 1) as Qos,
    render,
    countMax: options.count,
    timeoutMs: options.timeout === undefined ? undefined : options.timeout * 1000,
    isLeavingWhenSubscribed: options["exit-subscribed"],
    isRetainedSkipped: options["no-retained"],
    isRetainedOnly: options["retained-only"],
    isRetainedRemoved: options["remove-retained"],
    isRetainAsPublished: options["retain-as-published"],
    retainHandling: retainHandling[(options["retain-handling"] ?? "always") as keyof typeof retainHandling]
  }
}

function filtersFault(option: string, filters: ReadonlyArray<string>): UsageFault | undefined {
  for (const filter of filters) {
    const fault = filterFault(filter, topicLevelsMax)
    if (fault !== undefined) return new UsageFault(`${option} ${filter}: ${fault.why}`, "correct the filter", "E2002")
  }
  return undefined
}
