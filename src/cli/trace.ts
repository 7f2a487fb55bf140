/**
 * `promptmq trace`: where did my message go?
 *
 *   trace message <sequence>                     the passport of a logged message: who was to get it, what became of it
 *   trace client <id> | topic <filter> | address <address>
 *                                                what happens from now on, step by step, until --seconds are over
 *
 * The broker ends a trace by itself; this command ends it earlier when it leaves.
 *
 * Exit codes: 6 no such message in the log; 130 ended with Ctrl-C.
 */
import * as Schema from "effect/Schema"
import { Passport, TraceInfo, TraceStep } from "../admin/api/messages.ts"
import { Done } from "../admin/api/shared.ts"
import { filterFault } from "../router/topic-filter.ts"
import { escaped } from "../telemetry/log-entry.ts"
import { type Api, openApi } from "./api-client.ts"
import { ApiFault, tell } from "./api-fault.ts"
import { segment } from "./api-http.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { type Decoded, flag, number, UsageFault } from "./grammar/option.ts"
import { type Fact, factsText, left, right, tableText } from "./operate/columns.ts"
import { linesText, Rounds, show, showOptions, writeJson } from "./operate/show.ts"
import { orNothing, timeText } from "./operate/words.ts"
import { bytesText, count } from "./store-place.ts"
import { paint, type Style, say, type World } from "./world.ts"

const kinds = ["message", "client", "topic", "address"] as const
const section = "Live traces"
const pollMs = 300
const stepsPerAsk = 1000

const traceOptions = {
  seconds: number("how long (60)", { letter: "s", section, placeholder: "seconds", minimum: 1, maximum: 86_400 }),
  steps: number("steps at most (1000)", { section, placeholder: "count", minimum: 1, maximum: 1_000_000 }),
  payload: flag("show payloads, cut at tracing.max-payload-shown", { section }),
  ...showOptions
}

export const body = commandBody({
  notes: [
    "A live trace sees from its start on: start it, then publish. What was before is told by the passport, for messages that were logged: at QoS 1 and 2, where a session that could be away was to get them; their sequence is shown by promptmq drops, promptmq client and live traces.",
    "Steps: accepted, matched, logged, committed, queued, sent, acknowledged, completed; or refused, dropped (with the reason), retained."
  ],
  examples: [
    { line: "promptmq trace topic 'plant/#' --seconds 30", why: "what happens to messages there" },
    { line: "promptmq trace client c1 --payload", why: "what c1 publishes and is sent" },
    { line: "promptmq trace message 4711", why: "who got the message at that place of the log, who did not, why" }
  ],
  operands: [
    { name: "what", summary: "message, client, topic or address", isRequired: true, choices: kinds },
    { name: "which", summary: "sequence, identifier, topic filter or address", isRequired: true }
  ],
  options: traceOptions,
  isHelpWhenBare: true,
  run: ({ operands, options }, world) => {
    const [what, which] = operands as [(typeof kinds)[number], string]
    if (what === "message") return showPassport(which, options, world)
    const fault = what === "topic" ? filterFault(which, which.length + 1) : undefined
    if (fault !== undefined) return Promise.resolve(new UsageFault(`"${which}" is no topic filter: ${fault.why}`))
    return follow({ [what]: which }, options, world)
  }
})

type TraceOptions = Decoded<typeof traceOptions>
type Step = typeof TraceStep.Type
type Shown = typeof Passport.Type

async function showPassport(which: string, options: TraceOptions, world: World): Promise<ExitCode | UsageFault> {
  if (!/^\d{1,15}$/.test(which))
    return new UsageFault(`"${which}" is no sequence: a message is named by a whole number`)
  return show<Shown>(options, world, {
    read: (api) => api.ask({ path: `/api/v1/messages/${which}` }, Passport),
    lines: (passport) => passportLines(passport, world),
    remark: ({ deliveries, matched }) =>
      matched > deliveries.length ? `${matched - deliveries.length} more are not shown` : undefined,
    document: (passport) => passport,
    items: ({ deliveries }) => deliveries
  })
}

function passportLines(passport: Shown, world: World): ReadonlyArray<string> {
  type Row = Shown["deliveries"][number]
  const { encoding, isCut, sizeBytes, value } = passport.payload
  const shown = encoding === "utf8" ? value.slice(0, 200) : `(base64) ${value.slice(0, 100)}`
  const facts: ReadonlyArray<Fact> = [
    ["message", String(passport.sequence)],
    ["topic", passport.topic],
    ["QoS", `${passport.qos}${passport.retain ? ", retained" : ""}`],
    ["published", passport.publishedAt === null ? undefined : timeText(passport.publishedAt)],
    ["by", orNothing(passport.publisher)],
    ["expires", passport.expiresAt === null ? undefined : timeText(passport.expiresAt)],
    ["on disk", passport.isDurable ? "yes" : "no"],
    ["payload", `${bytesText(sizeBytes)}: ${shown}${isCut || value.length > shown.length ? " ..." : ""}`],
    ["matched", count(passport.matched, "receiver")]
  ]
  const columns = [
    left<Row>("client", ({ clientIdentifier }) => orNothing(clientIdentifier || null)),
    left<Row>("shared by", ({ share }) => orNothing(share)),
    left<Row>("filter", ({ filter }) => orNothing(filter || null)),
    right<Row>("QoS", ({ qos }) => String(qos)),
    left<Row>(
      "what became of it",
      ({ state }) => state,
      ({ state }) => stateStyles[state]
    ),
    left<Row>("detail", ({ detail }) => detail)
  ]
  const deliveries = passport.deliveries.length === 0 ? [] : ["", ...tableText(columns, passport.deliveries, world)]
  return [...factsText(facts, world), ...deliveries]
}

const stateStyles: Readonly<Record<Shown["deliveries"][number]["state"], Style | undefined>> = {
  waiting: "warning",
  "in flight": undefined,
  received: undefined,
  done: "good",
  dropped: "error",
  unknown: "faint"
}

const Steps = Schema.Struct({ trace: TraceInfo, steps: Schema.Array(TraceStep) })

async function follow(
  what: Readonly<Record<string, string>>,
  options: TraceOptions,
  world: World
): Promise<ExitCode | UsageFault> {
  const api = await openApi(options, world)
  if (typeof api === "number" || api instanceof UsageFault) return api
  const { payload, seconds, steps } = options
  const request = {
    ...what,
    withPayload: payload,
    ...(seconds === undefined ? {} : { seconds }),
    ...(steps === undefined ? {} : { stepsMax: steps })
  }
  const started = await api.ask({ method: "POST", path: "/api/v1/traces", body: request }, TraceInfo)
  if (started instanceof ApiFault) return tell(started, world)
  if (!options.json) say(world, `trace ${started.id} until ${timeText(started.endsAt)}: publish now, Ctrl-C ends it`)
  const rounds = new Rounds(world)
  const ended = await print(api, started.id, options, rounds, world)
  await api.ask({ method: "DELETE", path: `/api/v1/traces/${segment(started.id)}` }, Done)
  const code = rounds.end()
  if (ended instanceof ApiFault) return tell(ended, world)
  if (!options.json) say(world, endWords(ended))
  return code === exitCodes.terminated ? code : ended.state === "ended" ? exitCodes.done : code
}

/** Steps as they come, until the trace or the patience of who asked is over. */
async function print(
  api: Api,
  id: string,
  options: TraceOptions,
  rounds: Rounds,
  world: World
): Promise<typeof TraceInfo.Type | ApiFault> {
  const path = `/api/v1/traces/${segment(id)}`
  for (let after = 0; ; ) {
    const answer = await api.ask({ path, query: { after, limit: stepsPerAsk } }, Steps)
    if (answer instanceof ApiFault) return answer
    const { steps, trace } = answer
    for (const step of steps) {
      if (options.json) writeJson(world, step)
      else world.stdout.write(linesText(stepLines(step, world)))
    }
    after = steps.at(-1)?.number ?? after
    const isOver = trace.state === "ended" || rounds.signal !== undefined || trace.steps >= trace.stepsMax
    if (isOver && steps.length < stepsPerAsk) return trace
    if (steps.length < stepsPerAsk) await rounds.wait(pollMs)
  }
}

/** "20:45:33.120  4711  sent          b  plant/1  QoS 1  packet identifier 1" */
function stepLines(step: Step, world: World): ReadonlyArray<string> {
  const name = step.sequence === null ? `~${-step.message}` : String(step.sequence)
  const client = step.clientIdentifier === "" ? "-" : step.clientIdentifier
  const detail = step.detail === "" ? "" : `  ${escaped(step.detail)}`
  const style = stepStyles[step.step]
  const kind = style === undefined ? step.step.padEnd(12) : paint(world, world.stdout, style, step.step.padEnd(12))
  const text = `${step.at.slice(11, 23)}  ${name.padStart(6)}  ${kind}  ${escaped(client).padEnd(12)}  ${escaped(step.topic || "-")}  QoS ${step.qos}${detail}`
  if (step.payload === null) return [text]
  const { encoding, isCut, sizeBytes, value } = step.payload
  return [text, `              ${encoding}, ${bytesText(sizeBytes)}: ${escaped(value)}${isCut ? " ..." : ""}`]
}

const stepStyles: Readonly<Partial<Record<Step["step"], Style>>> = {
  refused: "error",
  dropped: "error",
  queued: "warning",
  acknowledged: "good",
  completed: "good"
}

function endWords({ steps, stepsLeftOut }: typeof TraceInfo.Type): string {
  if (steps === 0) return "nothing happened: no message matched while the trace ran"
  return `${count(steps, "step")}${stepsLeftOut > 0 ? `, ${stepsLeftOut} more did not fit: --steps` : ""}`
}
