/**
 * `promptmq top`: the broker as it works: a head with its rates, below it the busiest clients or each rate with its mean and
 * maximum. On a terminal it is drawn anew and takes keys; elsewhere each round is appended, with --json as a line.
 *
 *   q  end      s  sort by the next column      r  clients or rates
 *
 * Exit codes: 0 after q or --rounds; 130 after Ctrl-C.
 */
import { ClientRow } from "../admin/api/clients.ts"
import { pageOf } from "../admin/api/shared.ts"
import { Overview } from "../admin/api/system.ts"
import { type Api, openApi } from "./api-client.ts"
import { ApiFault, tell } from "./api-fault.ts"
import { placeOptions } from "./api-place.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { type Decoded, flag, number, text, UsageFault } from "./grammar/option.ts"
import { limitOption } from "./operate/list.ts"
import { jsonOption, linesText, Rounds, screenText, watchOptions, writeJson } from "./operate/show.ts"
import { isTopSort, type Round, Tallies, type TopView, topLines, topSorts } from "./operate/top-screen.ts"
import { paint, type World } from "./world.ts"

const section = "How it is shown"
const clientsDefault = 50
const intervalDefaultSeconds = 1

const topOptions = {
  rates: flag("rates instead of clients", { section }),
  sort: text("clients by this column, the most first", {
    letter: "s",
    section,
    placeholder: "column",
    choices: topSorts
  }),
  ...limitOption,
  interval: watchOptions.interval,
  rounds: number("end after so many", { section, placeholder: "count", minimum: 1, maximum: 1_000_000_000 }),
  ...jsonOption,
  ...placeOptions
}

export const body = commandBody({
  notes: ["Keys: q ends, s sorts by the next column, r changes between clients and rates."],
  examples: [
    { line: "promptmq top", why: "the clients that are furthest behind" },
    { line: "promptmq top --rates", why: "rates, with mean and maximum since it runs" },
    { line: "promptmq top --json --rounds 60 > minute.jsonl", why: "a minute, for a program" }
  ],
  operands: [],
  options: topOptions,
  isHelpWhenBare: false,
  run: async ({ options }, world) => {
    const api = await openApi(options, world)
    if (typeof api === "number" || api instanceof UsageFault) return api
    const view = viewOf(options)
    const first = await readRound(api, view)
    if (first instanceof ApiFault) return tell(first, world)
    return run(first, view, api, options, world)
  }
})

type TopOptions = Decoded<typeof topOptions>

function viewOf({ limit, rates, sort }: TopOptions): TopView {
  return {
    shows: rates ? "rates" : "clients",
    sort: sort !== undefined && isTopSort(sort) ? sort : topSorts[0],
    limit: limit ?? clientsDefault,
    tallies: new Tallies(),
    isEnded: false
  }
}

async function run(first: Round, view: TopView, api: Api, options: TopOptions, world: World): Promise<ExitCode> {
  const isScreen = world.stdout.isTerminal && world.env["TERM"] !== "dumb" && !options.json
  const rounds = new Rounds(world)
  const forgetKeys = isScreen ? world.onKey?.((key) => onKey(key, view, rounds)) : undefined
  if (isScreen) world.stdout.write(screenOpened)
  let fault: ApiFault | undefined
  let last: Round = first
  let left = options.rounds ?? Number.POSITIVE_INFINITY
  for (let round: Round | ApiFault = first; ; round = await readRound(api, view)) {
    // One watches a broker through its restarts: the last picture stays until it answers again.
    if (!(round instanceof ApiFault)) {
      last = round
      draw(round, view, isScreen, options.json, world)
    } else if (isScreen) world.stdout.write(screenText(staleLines(round, last, view, world), world))
    else if (fault === undefined) tell(round, world)
    fault = round instanceof ApiFault ? round : undefined
    if (--left <= 0) break
    await rounds.wait((options.interval ?? intervalDefaultSeconds) * 1000)
    if (rounds.signal !== undefined || view.isEnded) break
  }
  forgetKeys?.()
  if (isScreen) world.stdout.write(screenClosed)
  const code = rounds.end()
  return code === exitCodes.done && fault !== undefined ? fault.exitCode : code
}

/** The terminal's other screen, without a cursor: what was there comes back at the end. */
const screenOpened = "\x1b[?1049h\x1b[?25l"
const screenClosed = "\x1b[?25h\x1b[?1049l"

async function readRound(api: Api, { limit, sort }: TopView): Promise<Round | ApiFault> {
  const overview = await api.ask({ path: "/api/v1/overview" }, Overview)
  if (overview instanceof ApiFault) return overview
  const query = { limit, sort: `-${sort}` }
  const clients = await api.ask({ path: "/api/v1/clients", query }, pageOf(ClientRow))
  return clients instanceof ApiFault ? clients : { overview, clients }
}

function draw(round: Round, view: TopView, isScreen: boolean, isJson: boolean, world: World): void {
  view.tallies.add(round.overview)
  if (isJson) {
    writeJson(world, { at: round.overview.at, overview: round.overview, clients: round.clients.items })
    return
  }
  const lines = topLines(round, view, world)
  world.stdout.write(isScreen ? screenText(lines, world) : linesText([...lines, ""]))
}

function staleLines(fault: ApiFault, last: Round, view: TopView, world: World): ReadonlyArray<string> {
  const fact = paint(world, world.stdout, "error", fault.problems[0]?.fact ?? "no answer")
  return [fact, ...topLines(last, view, world)]
}

function onKey(key: string, view: TopView, rounds: Rounds): void {
  if (key === "q" || key === "Q") view.isEnded = true
  // In this mode of the terminal Ctrl-C is a key.
  else if (key === "\x03") rounds.signal = "SIGINT"
  else if (key === "s") view.sort = topSorts[(topSorts.indexOf(view.sort) + 1) % topSorts.length] ?? topSorts[0]
  else if (key === "r") view.shows = view.shows === "rates" ? "clients" : "rates"
  else return
  rounds.wake()
}
