/**
 * What `promptmq top` shows of one round: a head, then clients or rates. The mean and maximum of a rate are those of the
 * rounds seen so far.
 */
import type { ClientRow } from "../../admin/api/clients.ts"
import type { Overview } from "../../admin/api/system.ts"
import { bytesText } from "../store-place.ts"
import { paint, type World } from "../world.ts"
import { clientColumn, loadColumns, stateColumn } from "./client-columns.ts"
import { left, right, tableText } from "./columns.ts"
import { millisecondsText, numberText, orNothing, percentText, rateText, timeText } from "./words.ts"

export interface Round {
  readonly overview: Overview
  readonly clients: { readonly items: ReadonlyArray<ClientRow>; readonly total: number }
}

export const topSorts = ["behindRecords", "unsentBytes", "inFlight", "drops", "subscriptions"] as const
type TopSort = (typeof topSorts)[number]

export const isTopSort = (text: string): text is TopSort => topSorts.some((sort) => sort === text)

/** Changed by keys. */
export interface TopView {
  shows: "clients" | "rates"
  sort: TopSort
  readonly limit: number
  readonly tallies: Tallies
  isEnded: boolean
}

interface Rate {
  readonly name: string
  readonly of: (overview: Overview) => number | null
  readonly words: (value: number) => string
}

const perSecond = (value: number): string => `${rateText(value)}/s`
const bytesPerSecond = (value: number): string => `${bytesText(Math.round(value))}/s`

const rates: ReadonlyArray<Rate> = [
  { name: "messages in", of: (overview) => overview.messagesInPerSecond, words: perSecond },
  { name: "messages out", of: (overview) => overview.messagesOutPerSecond, words: perSecond },
  { name: "bytes in", of: (overview) => overview.bytesInPerSecond, words: bytesPerSecond },
  { name: "bytes out", of: (overview) => overview.bytesOutPerSecond, words: bytesPerSecond },
  { name: "connects", of: (overview) => overview.connectsPerSecond, words: perSecond },
  { name: "drops", of: (overview) => overview.dropsPerSecond, words: perSecond },
  { name: "acknowledged in, p50", of: (overview) => overview.publishAckP50Ms, words: millisecondsText },
  { name: "acknowledged in, p99", of: (overview) => overview.publishAckP99Ms, words: millisecondsText },
  { name: "synced in, p99", of: (overview) => overview.syncP99Ms, words: millisecondsText },
  { name: "loop lag, p99", of: (overview) => overview.loopLagP99Ms, words: millisecondsText },
  { name: "in flight", of: (overview) => overview.inFlight, words: numberText },
  { name: "unsent", of: (overview) => overview.unsentBytes, words: bytesText },
  { name: "not durable", of: (overview) => overview.notDurable, words: numberText },
  { name: "pressure", of: (overview) => overview.pressure, words: percentText },
  { name: "CPU", of: (overview) => overview.cpuRatio, words: percentText }
]

interface Tally {
  readonly rate: Rate
  now: number | null
  sum: number
  count: number
  most: number
}

export class Tallies {
  readonly rows: ReadonlyArray<Tally> = rates.map((rate) => ({ rate, now: null, sum: 0, count: 0, most: 0 }))

  add(overview: Overview): void {
    for (const tally of this.rows) {
      const value = tally.rate.of(overview)
      tally.now = value
      if (value === null) continue
      tally.sum += value
      tally.count++
      tally.most = Math.max(tally.most, value)
    }
  }
}

const tallyColumns = [
  left<Tally>("rate", ({ rate }) => rate.name),
  right<Tally>("now", ({ now, rate }) => (now === null ? orNothing(null) : rate.words(now))),
  right<Tally>("mean", ({ count, rate, sum }) =>
    count === 0 ? orNothing(null) : rate.words(meanOf(sum, count, rate))
  ),
  right<Tally>("maximum", ({ count, most, rate }) => (count === 0 ? orNothing(null) : rate.words(most)))
]

const clientColumns = [
  clientColumn,
  stateColumn,
  left<ClientRow>("user", (row) => orNothing(row.username)),
  left<ClientRow>("address", (row) => orNothing(row.address)),
  ...loadColumns
]

export function topLines({ clients, overview }: Round, view: TopView, world: World): ReadonlyArray<string> {
  const isWell = overview.status === "ok"
  const mark = paint(world, world.stdout, isWell ? "good" : "error", isWell ? "ok" : "failing")
  const failing = overview.checks.filter(({ status }) => status === "failing").map(({ name }) => name)
  const head = [
    `${mark}${failing.length === 0 ? "" : ` (${failing.join(", ")})`}  ${timeText(overview.at)}`,
    `clients ${numberText(overview.clientsConnected)}, sessions ${numberText(overview.sessions)}, in ${perSecond(overview.messagesInPerSecond)}, out ${perSecond(overview.messagesOutPerSecond)}, drops ${perSecond(overview.dropsPerSecond)}`,
    `acknowledged p99 ${millisecondsText(overview.publishAckP99Ms)}, in flight ${numberText(overview.inFlight)}, unsent ${bytesText(overview.unsentBytes)}, CPU ${percentText(overview.cpuRatio)}, memory ${bytesText(overview.rssBytes)}`
  ]
  if (view.shows === "rates") return [...head, "", ...tableText(tallyColumns, view.tallies.rows, world)]
  const order = `by ${view.sort}, ${numberText(clients.items.length)} of ${numberText(clients.total)}`
  return [...head, paint(world, world.stdout, "faint", order), "", ...tableText(clientColumns, clients.items, world)]
}

/** Counts have no fractions to show. */
function meanOf(sum: number, count: number, { words }: Rate): number {
  return words === bytesText || words === numberText ? Math.round(sum / count) : sum / count
}
