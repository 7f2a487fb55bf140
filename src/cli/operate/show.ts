/**
 * How an operating command shows what it has read: once, or again and again with --watch; as lines for people, or as JSON.
 *
 *              once                       --watch
 *   people     lines                      a terminal is drawn anew, anything else gets the lines again
 *   --json     one document, version 1    one line per item, each with the time of its round ("at")
 *
 * The first round decides: a broker that cannot be asked ends the command with its exit code. Later ones try again, since
 * one watches a broker through its restarts; what is wrong is said once. Ctrl-C ends a watch with 130.
 */
import { setTimeout as delay } from "node:timers/promises"
import { escaped } from "../../telemetry/log-entry.ts"
import { type Api, openApi } from "../api-client.ts"
import { ApiFault, tell } from "../api-fault.ts"
import { placeOptions } from "../api-place.ts"
import { type ExitCode, exitCodes } from "../exit-codes.ts"
import { type Decoded, flag, number, UsageFault } from "../grammar/option.ts"
import { type StopSignal, say, type World } from "../world.ts"

const section = "How it is shown"
const intervalDefaultSeconds = 2

export const jsonOption = { json: flag("JSON for programs: one document; with --watch a line per item", { section }) }
export const watchOptions = {
  watch: flag("again and again, until Ctrl-C", { letter: "w", section }),
  interval: number(`seconds between rounds of --watch (${intervalDefaultSeconds})`, {
    section,
    placeholder: "seconds",
    minimum: 0.05,
    maximum: 86_400,
    isFractional: true
  })
}
export const showOptions = { ...jsonOption, ...watchOptions, ...placeOptions }
export type ShowOptions = Decoded<typeof showOptions>

export interface View<A> {
  readonly read: (api: Api) => Promise<A | ApiFault>
  /** For people. */
  readonly lines: (answer: A) => ReadonlyArray<string>
  /** Said on stderr, or below the lines of a terminal that is drawn anew. */
  readonly remark?: (answer: A) => string | undefined
  readonly document: (answer: A) => object
  readonly items: (answer: A) => ReadonlyArray<object>
  readonly exitCode?: (answer: A) => ExitCode
}

export async function show<A>(options: ShowOptions, world: World, view: View<A>): Promise<ExitCode | UsageFault> {
  const api = await openApi(options, world)
  if (typeof api === "number" || api instanceof UsageFault) return api
  const first = await view.read(api)
  if (first instanceof ApiFault) return tell(first, world)
  if (options.watch) return watch(first, options, world, view, api)
  if (options.json) writeJson(world, { version: 1, ...view.document(first) })
  else {
    world.stdout.write(linesText(view.lines(first)))
    const remark = view.remark?.(first)
    if (remark !== undefined) say(world, remark)
  }
  return view.exitCode?.(first) ?? exitCodes.done
}

/** One document on one line. Every JSON of these commands goes through here: strangers' control characters stay escaped. */
export function writeJson(world: World, document: object): void {
  world.stdout.write(`${escaped(JSON.stringify(document))}\n`)
}

export function linesText(lines: ReadonlyArray<string>): string {
  return lines.map((line) => `${line}\n`).join("")
}

/** The time between rounds: cut short by a signal, which ends the watch, or by wake. */
export class Rounds {
  readonly #forget: () => void
  #waiting = new AbortController()
  signal: StopSignal | undefined

  constructor(world: World) {
    this.#forget = world.onStopSignal((signal) => {
      this.signal ??= signal
      this.wake()
    })
  }

  async wait(milliseconds: number): Promise<void> {
    if (this.signal !== undefined) return
    this.#waiting = new AbortController()
    await delay(milliseconds, undefined, { signal: this.#waiting.signal }).catch(() => {})
  }

  wake(): void {
    this.#waiting.abort()
  }

  /** Signals are the system's again; the exit code by what ended the rounds. */
  end(): ExitCode {
    this.#forget()
    if (this.signal === undefined) return exitCodes.done
    return this.signal === "SIGTERM" ? exitCodes.terminated : exitCodes.interrupted
  }
}

async function watch<A>(first: A, options: ShowOptions, world: World, view: View<A>, api: Api): Promise<ExitCode> {
  const rounds = new Rounds(world)
  const intervalMs = (options.interval ?? intervalDefaultSeconds) * 1000
  let isWell = true
  for (let answer: A | ApiFault = first; rounds.signal === undefined; answer = await view.read(api)) {
    if (!(answer instanceof ApiFault)) draw(answer, options, world, view)
    else if (isWell) tell(answer, world)
    isWell = !(answer instanceof ApiFault)
    await rounds.wait(intervalMs)
    if (rounds.signal !== undefined) break
  }
  return rounds.end()
}

function draw<A>(answer: A, options: ShowOptions, world: World, view: View<A>): void {
  if (options.json) {
    const at = new Date(world.wallClockMs()).toISOString()
    for (const item of view.items(answer)) writeJson(world, { at, ...item })
    return
  }
  const lines = [...view.lines(answer)]
  if (!world.stdout.isTerminal || world.env["TERM"] === "dumb") {
    world.stdout.write(linesText(lines))
    return
  }
  const remark = view.remark?.(answer)
  world.stdout.write(screenText(remark === undefined ? lines : [...lines, remark], world))
}

/** From the top left corner, each line cut to the width and cleared to its end, then all below. */
export function screenText(lines: ReadonlyArray<string>, { stdout }: World): string {
  const rows = lines.slice(0, Math.max(1, (stdout.rows ?? Number.POSITIVE_INFINITY) - 1))
  return `\x1b[H${rows.map((line) => `${cut(line, stdout.columns)}\x1b[K\n`).join("")}\x1b[J`
}

/** At most `columns` characters that are seen; the escapes of styles, which end with an m, are not. */
function cut(line: string, columns: number): string {
  let shown = ""
  let seen = 0
  let isEscape = false
  for (const character of line) {
    isEscape ||= character === "\x1b"
    if (isEscape || seen++ < columns) shown += character
    if (character === "m") isEscape = false
  }
  return shown
}
