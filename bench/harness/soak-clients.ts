/**
 * All clients of a soak in one process: the crowd and the stayers. Speaks with its parent over IPC.
 *
 *   node soak-clients.ts '{"port": 1883, "clients": 1000, "seed": 1}'
 *   -> {"event": "ready"}           the stayers have subscribed, the crowd is coming
 *   <- "finish"                     everybody leaves
 *   -> {"event": "report", ...}     when everybody has gone
 *   <- "clean"                      one more client clears what the crowd has left retained
 *   -> {"event": "clean"}
 */
import { type ChurnCounts, Crowd, retainedTopics } from "./soak-churn.ts"
import { Stayers, type StayReport } from "./soak-stayers.ts"
import { PacketType, publishFrame, Wire } from "./soak-wire.ts"

export interface SoakOptions {
  readonly port: number
  readonly clients: number
  readonly seed: number
}

export interface SoakReport {
  readonly event: "report"
  readonly crowd: ChurnCounts
  readonly stayers: StayReport
}
export type SoakEvent = { readonly event: "ready" } | { readonly event: "clean" } | SoakReport

/** mulberry32: a seed repeats the crowd's decisions, though never the network's. */
const randomOf = (seed: number) => {
  let state = seed
  return (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const tell = (event: SoakEvent): void => void process.send?.(event)

const clean = (port: number): Promise<void> =>
  new Promise((resolve) => {
    const topics = retainedTopics()
    let cleared = 0
    const wire = new Wire(
      port,
      4,
      { clientId: "cleaner", clean: true },
      ({ type }) => {
        if (type === PacketType.connack) {
          for (const [i, topic] of topics.entries()) {
            wire.write(publishFrame(4, topic, 1, { retain: true }, i + 1, Buffer.alloc(0)))
          }
        } else if (type === PacketType.puback && ++cleared === topics.length) {
          wire.send({ cmd: "disconnect" })
          wire.socket.end()
        }
      },
      () => resolve()
    )
  })

const { clients, port, seed } = JSON.parse(process.argv[2] ?? "{}") as SoakOptions
const random = randomOf(seed)
const stayers = new Stayers(port, random)
await stayers.ready()
const crowd = new Crowd(port, clients, random)
tell({ event: "ready" })

process.on("message", async (command) => {
  if (command === "finish") {
    await crowd.leave()
    tell({ event: "report", crowd: crowd.counts, stayers: await stayers.finish() })
  } else if (command === "clean") {
    await clean(port)
    tell({ event: "clean" })
  }
})
process.on("disconnect", () => process.exit())
