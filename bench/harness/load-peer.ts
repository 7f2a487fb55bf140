/**
 * Clients as a process of its own, so that a subscriber can be stopped with SIGSTOP: QoS 1, MQTT 3.1.1, in raw frames
 * (a client library would be the slowest part of the measurement).
 *
 *   node load-peer.ts '{"role":"publisher" | "subscriber", ...}'      speaks with its parent over IPC
 *   -> {"event":"ready"}                        connected, and subscriptions acknowledged
 *   -> {"event":"progress","published":N}       publisher, every PROGRESS_MS
 *   <- "go", "finish"                           publisher: begin; stop, and report when all is acknowledged
 *   <- "report"                                 subscriber: report now
 *   -> {"event":"report", ...}
 *
 * A publisher has witnesses, subscribers in its own process, and waits for them: at most WINDOW messages are between
 * a publish and the slowest witness, so that what a witness misses was lost and not refused for want of speed.
 * The payload begins with the sequence number. A subscriber that loses its connection resumes its session.
 */
import { connect, type Socket } from "node:net"

export interface PeerOptions {
  readonly role: "publisher" | "subscriber"
  readonly port: number
  readonly clientIdentifier: string
  readonly topic: string
  /** Subscriber: leaves a session behind. */
  readonly persistent?: boolean
  /** Publisher: how many subscribers read along. */
  readonly witnesses?: number
  /** Publisher. */
  readonly payloadBytes?: number
  /** Publisher: messages per second; 0 = as fast as they are acknowledged. */
  readonly rate?: number
}

export interface PublisherReport {
  readonly event: "report"
  readonly published: number
  readonly seconds: number
  readonly witnesses: ReadonlyArray<SubscriberReport>
}

export interface SubscriberReport {
  readonly event: "report"
  /** Different messages. */
  readonly received: number
  /** Received again, with DUP as it has to be. */
  readonly repeated: number
  /** Older than one before it and not a repetition, or repeated without DUP. Must be 0. */
  readonly wrong: number
  /** Ranges never received: [first, last]. */
  readonly gaps: ReadonlyArray<readonly [number, number]>
  readonly highest: number
  readonly connections: number
}

export type PeerEvent =
  | { readonly event: "ready" }
  | { readonly event: "progress"; readonly published: number }
  | PublisherReport
  | SubscriberReport

const WINDOW = 4000
const PACE_MS = 2
const PROGRESS_MS = 50
const RECONNECT_MS = 20
const CONNACK = 2
const PUBLISH = 3
const PUBACK = 4
const SUBACK = 9
const DUP = 0x08

if (process.argv[1] === import.meta.filename) {
  const options = JSON.parse(process.argv[2] ?? "{}") as PeerOptions
  if (options.role === "publisher") await publisher(options)
  else {
    const subscriber = await subscribe(options)
    process.on("message", (command) => {
      if (command === "report") tell(subscriber.report())
    })
  }
  tell({ event: "ready" })
  process.on("disconnect", () => process.exit())
}

async function publisher(options: PeerOptions): Promise<void> {
  const { payloadBytes = 256, rate = 0 } = options
  const frame = publishFrame(options.topic, payloadBytes)
  const identifierAt = frame.length - payloadBytes - 2
  let sent = 0
  let acknowledged = 0
  let startedMs = 0
  let isFinishing = false
  const timers: Array<NodeJS.Timeout> = []
  const witnesses: Array<Subscriber> = []

  const step = (): void => {
    if (startedMs === 0) return
    if (isFinishing) finishWhenDone()
    else pump()
  }
  const pump = (): void => {
    const due = rate === 0 ? WINDOW : Math.floor(((performance.now() - startedMs) / 1000) * rate) - sent
    const arrived = witnesses.reduce((least, { next }) => Math.min(least, next()), acknowledged)
    const count = Math.min(due, WINDOW - (sent - arrived))
    if (count <= 0) return
    const batch = Buffer.allocUnsafe(count * frame.length)
    for (let at = 0; at < batch.length; at += frame.length, sent++) {
      frame.copy(batch, at)
      batch.writeUInt16BE((sent % 65_535) + 1, at + identifierAt)
      batch.writeUInt32BE(sent, at + identifierAt + 2)
    }
    socket.write(batch)
  }
  const finishWhenDone = (): void => {
    if (acknowledged < sent || witnesses.some(({ next }) => next() < sent)) return
    isFinishing = false
    startedMs = 0
    const reports = witnesses.map(({ report }) => report())
    tell({ event: "report", published: sent, seconds: (endedMs - wentMs) / 1000, witnesses: reports })
  }
  let wentMs = 0
  let endedMs = 0
  process.on("message", (command) => {
    if (command === "go") {
      startedMs = wentMs = performance.now()
      timers.push(setInterval(step, PACE_MS))
      timers.push(setInterval(() => tell({ event: "progress", published: sent }), PROGRESS_MS))
    } else if (command === "finish") {
      for (const timer of timers) clearInterval(timer)
      endedMs = performance.now()
      isFinishing = true
      step()
    }
  })

  for (let i = 0; i < (options.witnesses ?? 0); i++) {
    witnesses.push(await subscribe({ ...options, role: "subscriber", clientIdentifier: `witness-${i}` }, step))
  }
  const { promise: connected, resolve } = Promise.withResolvers<void>()
  const socket = open(options, {
    frame: (type) => {
      if (type === CONNACK) resolve()
      if (type === PUBACK) acknowledged += 1
    },
    chunkDone: step
  })
  socket.on("close", () => process.exit(1))
  await connected
}

interface Subscriber {
  /** The sequence number after the highest that arrived. */
  readonly next: () => number
  readonly report: () => SubscriberReport
}

/** `onChunk` is called after each chunk that was read. */
async function subscribe(options: PeerOptions, onChunk: () => void = () => {}): Promise<Subscriber> {
  const gaps: Array<[number, number]> = []
  const count = { received: 0, repeated: 0, wrong: 0, highest: -1, connections: 0 }
  const take = (sequence: number, isRepeat: boolean): void => {
    if (sequence > count.highest) {
      if (sequence > count.highest + 1) gaps.push([count.highest + 1, sequence - 1])
      count.highest = sequence
      count.received += 1
    } else if (isRepeat && !gaps.some(([first, last]) => sequence >= first && sequence <= last)) count.repeated += 1
    else count.wrong += 1
  }
  const { promise: subscribed, resolve } = Promise.withResolvers<void>()
  const join = (): void => {
    let acknowledgements: Array<number> = []
    const socket = open(options, {
      frame: (type, flags, buffer, body) => {
        if (type === CONNACK) {
          count.connections += 1
          if (count.connections === 1) socket.write(subscribeFrame(options.topic))
        } else if (type === SUBACK) resolve()
        else if (type === PUBLISH) {
          const identifierAt = body + 2 + buffer.readUInt16BE(body)
          acknowledgements.push(buffer.readUInt16BE(identifierAt))
          take(buffer.readUInt32BE(identifierAt + 2), (flags & DUP) !== 0)
        }
      },
      chunkDone: () => {
        if (acknowledgements.length > 0) socket.write(pubackFrames(acknowledgements))
        acknowledgements = []
        onChunk()
      }
    })
    socket.on("close", () => setTimeout(join, RECONNECT_MS))
  }
  join()
  await subscribed
  return { next: () => count.highest + 1, report: () => ({ event: "report", ...count, gaps }) }
}

interface Reader {
  readonly frame: (type: number, flags: number, buffer: Buffer, body: number) => void
  /** All whole frames of a chunk have been told. */
  readonly chunkDone: () => void
}

/** Connects, sends CONNECT, and tells every frame that comes. */
function open(options: PeerOptions, reader: Reader): Socket {
  const socket = connect({ port: options.port, host: "127.0.0.1", noDelay: true })
  socket.write(connectFrame(options.clientIdentifier, options.persistent !== true))
  socket.on("error", () => {})
  let rest: Buffer = Buffer.alloc(0)
  socket.on("data", (chunk: Buffer) => {
    const buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    for (;;) {
      let body = at + 1
      let remaining = 0
      for (let shift = 0; body < buffer.length; shift += 7) {
        const byte = buffer[body++] as number
        remaining |= (byte & 0x7f) << shift
        if (byte < 0x80) break
      }
      const isLengthWhole = body > at + 1 && (buffer[body - 1] as number) < 0x80
      if (!isLengthWhole || body + remaining > buffer.length) break
      const first = buffer[at] as number
      reader.frame(first >> 4, first & 0x0f, buffer, body)
      at = body + remaining
    }
    rest = buffer.subarray(at)
    reader.chunkDone()
  })
  return socket
}

function tell(event: PeerEvent): void {
  process.send?.(event)
}

function connectFrame(clientIdentifier: string, isClean: boolean): Buffer {
  const head = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, isClean ? 2 : 0, 0, 0])
  return framed(0x10, Buffer.concat([head, textBytes(clientIdentifier)]))
}

function subscribeFrame(filter: string): Buffer {
  return framed(0x82, Buffer.concat([Buffer.from([0, 1]), textBytes(filter), Buffer.from([1])]))
}

function pubackFrames(identifiers: ReadonlyArray<number>): Buffer {
  const frames = Buffer.allocUnsafe(identifiers.length * 4)
  for (const [i, identifier] of identifiers.entries()) {
    frames.writeUInt16BE(0x4002, i * 4)
    frames.writeUInt16BE(identifier, i * 4 + 2)
  }
  return frames
}

/** Identifier and sequence number are filled in later; the rest of the payload says nothing. */
function publishFrame(topic: string, payloadBytes: number): Buffer {
  return framed(0x32, Buffer.concat([textBytes(topic), Buffer.alloc(2), Buffer.alloc(payloadBytes, 0x2e)]))
}

function textBytes(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes])
}

function framed(first: number, body: Buffer): Buffer {
  const length: Array<number> = []
  let left = body.length
  do {
    length.push(left > 0x7f ? (left & 0x7f) | 0x80 : left)
    left >>= 7
  } while (left > 0)
  return Buffer.concat([Buffer.from([first, ...length]), body])
}
