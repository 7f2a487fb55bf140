/**
 * What the broker does when memory runs short, in steps, each before the next is needed:
 *
 *   share   level        what happens
 *   0.75    warn         the log of events says so
 *   0.80    slow         who publishes waits (slow-down.ts), QoS 0 too
 *   0.85    refuse       new connections are refused: 0x89
 *   0.90    shed         QoS 0 messages are dropped on arrival, with a row in the ledger
 *   0.97    disconnect   the client with most unsent bytes is disconnected (0x97), one per look
 *
 * The share is of limits.max-memory. What is counted is the smaller one of what the system counts for the process
 * (RSS: a free page is not given back at once) and what the run time has handed out (which may never have been touched).
 *
 * Invariants
 * - [LIM-7] Each level does what its row says, and the last one meets only who has piled something up.
 * - A level ends RELEASE below where it began: what was freed must not bring it back at once.
 * - Memory that nobody else waits for is not taken away from anybody: levels act on what comes in, the last one on
 *   what one client has piled up.
 */
import { ReasonCode } from "../codec/reason-codes.ts"
import { type Client, ClientState } from "./client.ts"
import type { Core } from "./core.ts"
import { closeClient } from "./disconnect.ts"
import { lookAtSlowed } from "./slow-down.ts"

export const MemoryLevel = { enough: 0, warn: 1, slow: 2, refuse: 3, shed: 4, disconnect: 5 } as const

const STARTS = [0, 0.75, 0.8, 0.85, 0.9, 0.97] as const
const RELEASE = 0.03
const WORDS = [
  "memory is enough again",
  "memory gets short",
  "memory is short: publishers are slowed",
  "memory is short: new connections are refused",
  "memory is short: QoS 0 messages are dropped",
  "memory is used up: the clients with most unsent bytes are disconnected"
] as const

export const lookAtMemory = (core: Core, usedBytes: number, ceilingBytes: number): void => {
  const { fairness } = core
  fairness.memoryUsedBytes = usedBytes
  fairness.memoryCeilingBytes = ceilingBytes
  const before = fairness.memoryLevel
  const level = levelOf(usedBytes / ceilingBytes, before)
  fairness.memoryLevel = level
  core.isMemoryTight = level >= MemoryLevel.slow
  core.shedsQos0 = level >= MemoryLevel.shed // [LIM-7]
  if (level !== before) {
    const why = `${Math.round(usedBytes / 1_048_576)} of ${Math.round(ceilingBytes / 1_048_576)} MiB`
    core.options.report({ level: level === MemoryLevel.enough ? "info" : "warn", what: WORDS[level] as string, why })
    if (!core.isMemoryTight) lookAtSlowed(core)
  }
  if (level === MemoryLevel.disconnect) disconnectGreediest(core)
}

export const levelOf = (share: number, before: number): number => {
  let level = 0
  for (let at = STARTS.length - 1; at > 0; at--) {
    const start = (STARTS[at] as number) - (at <= before ? RELEASE : 0)
    if (share >= start) {
      level = at
      break
    }
  }
  return level
}

/** Unsent and unread bytes; whoever has none is not disconnected. */
const disconnectGreediest = (core: Core): void => {
  let greediest: Client | undefined
  let most = 0
  for (const client of core.clients) {
    if (client === undefined || client.state === ClientState.closed) continue
    const { connection } = client
    const bytes = connection.outbox.queuedBytes + connection.pendingBytes
    if (bytes <= most) continue // [LIM-7]
    greediest = client
    most = bytes
  }
  if (greediest === undefined) return
  closeClient(
    core,
    greediest,
    "server",
    ReasonCode.quotaExceeded,
    `${most} bytes wait for this client, and memory is used up`
  )
  // What it has not taken until now it does not take in time: the bytes have to go.
  greediest.connection.destroy()
}
