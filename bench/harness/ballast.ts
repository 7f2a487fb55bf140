/**
 * What lies beside a measured load and does nothing in it: clients with many subscriptions, clients that never read, clients
 * that subscribe and unsubscribe all the time. In the bench's own process, with raw frames (soak-wire.ts).
 */
import { each } from "./crowd.ts"
import { PacketType, Wire } from "./soak-wire.ts"

const VERSION = 4
/** Filters in one SUBSCRIBE. */
const perPacket = 500
const clientsMax = 10
const turnMs = 10

/** `count` filters that no message of the load matches, in equal parts exact, with `+`, and with `#`. */
export async function holdSubscriptions(port: number, count: number): Promise<() => void> {
  const clients = Math.min(clientsMax, count)
  const wires: Array<Wire> = []
  await each(clients, async (client) => {
    const filters = Array.from({ length: Math.ceil((count - client) / clients) }, (_, i) =>
      filterOf(client + i * clients)
    )
    wires.push(await subscribed(port, `ballast-${client}`, filters))
  })
  return () => {
    for (const wire of wires) wire.destroy()
  }
}

/** `count` clients that subscribe to `topic` and then read nothing any more. */
export async function holdStalled(port: number, count: number, topic: string): Promise<() => void> {
  const wires: Array<Wire> = []
  await each(count, async (client) => {
    const wire = await subscribed(port, `stalled-${client}`, [topic])
    wire.socket.pause()
    wires.push(wire)
  })
  return () => {
    for (const wire of wires) wire.destroy()
  }
}

export interface Churn {
  /** Pairs of subscribe and unsubscribe that were answered. */
  readonly answered: () => number
  readonly stop: () => void
}

/** One client that subscribes and unsubscribes `perSecond` times; half of the filters have a wildcard in the load's own tree. */
export async function churn(port: number, perSecond: number): Promise<Churn> {
  const wire = await connected(port, "churn", (type) => {
    if (type === PacketType.unsuback) answered++
  })
  let answered = 0
  let sent = 0
  const startedMs = performance.now()
  const timer = setInterval(() => {
    const due = ((performance.now() - startedMs) / 1000) * perSecond
    for (; sent < due; sent++) {
      const topic = sent % 2 === 0 ? `bench/+/churn-${sent % 1000}` : `churn/${sent % 1000}/state`
      const messageId = 1 + (sent % 30_000)
      wire.send({ cmd: "subscribe", messageId, subscriptions: [{ topic, qos: 0 }] })
      wire.send({ cmd: "unsubscribe", messageId: messageId + 30_000, unsubscriptions: [topic] })
    }
  }, turnMs)
  return {
    answered: () => answered,
    stop: () => {
      clearInterval(timer)
      wire.destroy()
    }
  }
}

function filterOf(index: number): string {
  if (index % 3 === 0) return `ballast/${index}/state`
  return index % 3 === 1 ? `ballast/+/s${index}/v` : `ballast/${index}/#`
}

async function subscribed(port: number, clientId: string, filters: ReadonlyArray<string>): Promise<Wire> {
  let next = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  const more = (): void => {
    if (next >= filters.length) {
      resolve()
      return
    }
    const some = filters.slice(next, next + perPacket)
    next += some.length
    wire.send({ cmd: "subscribe", messageId: 1, subscriptions: some.map((topic) => ({ topic, qos: 0 as const })) })
  }
  const wire = await connected(port, clientId, (type) => {
    if (type === PacketType.suback) more()
  })
  more()
  await promise
  return wire
}

function connected(port: number, clientId: string, onFrame: (type: number) => void): Promise<Wire> {
  return new Promise((resolve, reject) => {
    const wire: Wire = new Wire(
      port,
      VERSION,
      { clientId, clean: true, keepalive: 600 },
      ({ type }) => {
        if (type === PacketType.connack) resolve(wire)
        else onFrame(type)
      },
      () => reject(new Error(`${clientId}: the broker closed the connection`))
    )
  })
}
