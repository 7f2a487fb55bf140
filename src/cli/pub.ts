/**
 * `promptmq pub`: publishes what Mosquitto's mosquitto_pub publishes, with its letters. Beyond it: a series
 * with `--count` and `{{n}}`, reason codes as text, exit codes that tell refused from unreachable.
 *
 * What can be judged without a broker is judged before connecting. Data never goes to stderr and talk never
 * to stdout: a successful `pub` prints nothing.
 */
import { topicFault } from "../router/topic-filter.ts"
import { ConnectFailure, type Connection, connect } from "./client/connect.ts"
import { connectionOptions } from "./client/connection-options.ts"
import { type ConnectionSettings, connectionSettings, type Qos, topicLevelsMax } from "./client/connection-settings.ts"
import { type Ending, EndingWatch } from "./client/ending.ts"
import { type PayloadSource, payloadSource } from "./client/payload-source.ts"
import { type PublishPlan, sendAll } from "./client/publish-series.ts"
import { Publisher, windowDefault } from "./client/publisher.ts"
import { errorCodeOf, exitCodeOfReason } from "./client/reason-text.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { type Decoded, flag, number, text, UsageFault } from "./grammar/option.ts"
import { complain, type World } from "./world.ts"

const what = { section: "Message" }
const series = { section: "Series" }

const options = {
  topic: text("topic to publish to", { ...what, letter: "t", placeholder: "topic" }),
  message: text("the payload", { ...what, letter: "m", placeholder: "text" }),
  file: text("the payload is the content of a file", { ...what, letter: "f", placeholder: "file", isFile: true }),
  "stdin-line": flag("each line of standard input is a message", { ...what, letter: "l" }),
  "stdin-file": flag("all of standard input is one message", { ...what, letter: "s" }),
  "null-message": flag("an empty payload; with -r it clears the retained message", { ...what, letter: "n" }),
  qos: number("quality of service 0, 1 or 2 (0)", { ...what, letter: "q", placeholder: "qos", minimum: 0, maximum: 2 }),
  retain: flag("the broker keeps it for later subscribers", { ...what, letter: "r" }),
  repeat: number("send it this many times (1)", { ...series, placeholder: "times", minimum: 1, maximum: 2 ** 31 }),
  "repeat-delay": number("seconds between two (0)", {
    ...series,
    placeholder: "seconds",
    minimum: 0,
    maximum: 86_400,
    isFractional: true
  }),
  count: number("as --repeat, with {{n}} and {{time}} filled in, and a summary at the end", {
    ...series,
    placeholder: "times",
    minimum: 1,
    maximum: 2 ** 31
  }),
  "max-inflight": number(`messages under way at once (${windowDefault})`, {
    ...series,
    letter: "M",
    placeholder: "count",
    minimum: 1,
    maximum: 65_535
  }),
  ...connectionOptions(["publish"])
}

export const body = commandBody({
  notes: [
    "The letters are those of mosquitto_pub; -h is the host, --help is help. MQTT 5 is spoken unless -V says otherwise.",
    "-d asks a PromptMQ broker (User Property promptmq-receipts in CONNECT) to say with each acknowledgement what it keeps and for how many receivers; other brokers pass over it.",
    "Exit codes: 0 published (and acknowledged at QoS 1 and 2), 2 wrong usage, 4 no broker, 5 refused, 1 anything else."
  ],
  examples: [
    { line: "promptmq pub -t demo/hi -m hello", why: "one message" },
    { line: "promptmq pub -t demo/hi -m hello -q 1 -d", why: "see what the broker answers" },
    { line: "promptmq pub -t demo/n -q 1 --count 1000 -m '{{n}}'", why: "a series, with rate and latency at the end" },
    { line: "tail -f log | promptmq pub -t demo/log -l", why: "one message for each line" }
  ],
  operands: [],
  options,
  isHelpWhenBare: true,
  run: async ({ options }, world) => {
    const settings = connectionSettings(options, world.processId)
    if (settings instanceof UsageFault) return settings
    const source = payloadSource({
      message: options.message,
      file: options.file,
      isEmpty: options["null-message"],
      isWholeInput: options["stdin-file"],
      isLines: options["stdin-line"]
    })
    if (source instanceof UsageFault) return source
    const plan = publishPlan(options, settings, source)
    if (plan instanceof UsageFault) return plan
    const connection = await connect(settings, world, { isReconnecting: false })
    if (connection instanceof ConnectFailure) {
      if (!settings.isQuiet) complain(world, connection)
      return connection.exitCode
    }
    return publish(connection, plan, settings, world)
  }
})

function publishPlan(
  options: Decoded<typeof body.options>,
  settings: ConnectionSettings,
  source: PayloadSource
): PublishPlan | UsageFault {
  const topic = options.topic ?? settings.urlTopic
  if (topic === undefined) return new UsageFault("no topic", "add -t <topic>")
  const fault = topicFault(topic, topicLevelsMax)
  if (fault !== undefined) return new UsageFault(`-t ${topic}: ${fault.why}`, "correct the topic", "E2002")
  if (source.kind === "lines" && (options.repeat ?? options.count) !== undefined) {
    return new UsageFault("--repeat and --count need one message", "not together with -l")
  }
  const properties = settings.properties.publish
  return {
    source,
    topic,
    times: options.count ?? options.repeat ?? 1,
    isTemplate: options.count !== undefined,
    isSummaryWanted: options.count !== undefined && !settings.isQuiet,
    delayMs: (options["repeat-delay"] ?? 0) * 1000,
    windowMax: options["max-inflight"] ?? windowDefault,
    options: {
      qos: (options.qos ?? 0) as Qos,
      retain: options.retain,
      ...(properties === undefined ? {} : { properties })
    }
  }
}

async function publish(
  connection: Connection,
  plan: PublishPlan,
  settings: ConnectionSettings,
  world: World
): Promise<ExitCode | UsageFault> {
  const watch = new EndingWatch(connection.client, world, false)
  const publisher = new Publisher(connection.client, world, plan.windowMax, settings.isDebug)
  const fault = await sendAll(publisher, plan, world, watch)
  const { ending } = watch
  watch.release()
  await connection.end()
  return fault ?? outcome(publisher, ending, settings, world)
}

function outcome(
  publisher: Publisher,
  ending: Ending | undefined,
  settings: ConnectionSettings,
  world: World
): ExitCode {
  const { refusal, refused } = publisher
  if (ending !== undefined) {
    if (ending.complaint !== undefined && !settings.isQuiet) {
      complain(world, { ...ending.complaint, fact: `${ending.complaint.fact} before all was sent` })
    }
    return ending.exitCode
  }
  if (refusal === undefined) return exitCodes.done
  const exitCode = refusal.reasonCode === undefined ? exitCodes.failed : exitCodeOfReason(refusal.reasonCode)
  if (!settings.isQuiet) {
    const more = refused > 1 ? ` (and ${refused - 1} more)` : ""
    const fact = `${refusal.topic}: not published, ${refusal.text}${more}`
    complain(world, { code: errorCodeOf(exitCode), fact, fix: "the reason is the broker's; its log may say more" })
  }
  return exitCode
}
