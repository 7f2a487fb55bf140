/**
 * `promptmq queues`: for whom something waits: sessions that are behind, have messages in flight or bytes unsent, and the
 * groups of shared subscriptions.
 *
 * A session's queue is its distance to the head of the log (src/README.md, section 3), so `behind` is an upper bound.
 */
import { ClientRow, SharedGroup } from "../admin/api/clients.ts"
import { pageLimitDefault, pageOf } from "../admin/api/shared.ts"
import type { Api } from "./api-client.ts"
import { ApiFault } from "./api-fault.ts"
import { commandBody } from "./grammar/command.ts"
import { clientColumn, loadColumns, stateColumn } from "./operate/client-columns.ts"
import { left, right, tableText } from "./operate/columns.ts"
import { limitOption } from "./operate/list.ts"
import { show, showOptions } from "./operate/show.ts"
import { numberText } from "./operate/words.ts"
import { count } from "./store-place.ts"
import { paint, type World } from "./world.ts"

type Group = typeof SharedGroup.Type

interface Queues {
  readonly sessions: ReadonlyArray<ClientRow>
  readonly groups: ReadonlyArray<Group>
}

const sessionColumns = [clientColumn, stateColumn, ...loadColumns]
const groupColumns = [
  left<Group>("share", (group) => group.share),
  left<Group>("filter", (group) => group.filter),
  left<Group>("strategy", (group) => group.strategy),
  right<Group>("in flight", (group) => numberText(group.inFlight)),
  right<Group>("behind", (group) => numberText(group.behindRecords)),
  left<Group>("members", (group) => group.members.join(", ") || "none")
]

export const body = commandBody({
  notes: [
    "behind: log records between a position and the newest: an upper bound of the messages that wait. promptmq drop-queue <id> forgets a queue."
  ],
  examples: [
    { line: "promptmq queues", why: "who is behind, the furthest first" },
    { line: "promptmq queues --watch", why: "do they catch up" }
  ],
  operands: [],
  options: { ...limitOption, ...showOptions },
  isHelpWhenBare: false,
  run: ({ options }, world) =>
    show<Queues>(options, world, {
      read: (api) => readQueues(api, options.limit ?? pageLimitDefault),
      lines: (queues) => linesOf(queues, world),
      remark: ({ groups, sessions }) => `${count(sessions.length, "session")}, ${count(groups.length, "shared group")}`,
      document: (queues) => queues,
      items: ({ groups, sessions }) => [
        ...sessions.map((session) => ({ kind: "session", ...session })),
        ...groups.map((group) => ({ kind: "group", ...group }))
      ]
    })
})

/** What a row can wait by: each is asked for its largest, so that no broker has to send all its clients. */
const waits = ["behindRecords", "inFlight", "unsentBytes"] as const

async function readQueues(api: Api, limit: number): Promise<Queues | ApiFault> {
  const waiting = new Map<string, ClientRow>()
  for (const wait of waits) {
    const query = { limit, sort: `-${wait}` }
    const page = await api.ask({ path: "/api/v1/clients", query }, pageOf(ClientRow))
    if (page instanceof ApiFault) return page
    for (const row of page.items) if (row[wait] > 0) waiting.set(row.clientIdentifier, row)
  }
  const groups = await api.ask({ path: "/api/v1/shared", query: { limit } }, pageOf(SharedGroup))
  if (groups instanceof ApiFault) return groups
  const sessions = [...waiting.values()].sort((one, other) => other.behindRecords - one.behindRecords)
  return { sessions: sessions.slice(0, limit), groups: groups.items }
}

function linesOf({ groups, sessions }: Queues, world: World): ReadonlyArray<string> {
  const title = paint(world, world.stdout, "strong", "shared subscriptions")
  return [
    ...tableText(sessionColumns, sessions, world),
    ...(groups.length === 0 ? [] : ["", title, ...tableText(groupColumns, groups, world)])
  ]
}
