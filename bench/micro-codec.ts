/**
 * What the codec's hot functions cost, one at a time: `node bench/micro-codec.ts`.
 *
 * 64-byte payloads, 100 topics of 20 to 22 bytes, frames laid end to end in a 64 KiB chunk as a socket hands them
 * over. Each figure is the best of seven rounds after a warm-up; single functions in a loop are a lower
 * bound of what they cost inside the broker.
 */
import { hashBytes } from "../src/base/bytes.ts"
import { buildPublish } from "../src/codec/build-publish.ts"
import { AckView, type ProtocolVersion } from "../src/codec/codec.ts"
import { frameLength, runEnd } from "../src/codec/frame.ts"
import { PublishView } from "../src/codec/publish-view.ts"
import { readAcknowledgement } from "../src/codec/read-acknowledgement.ts"
import { decodeConnect } from "../src/codec/read-connect.ts"
import { readPublish, viewTrusted } from "../src/codec/read-publish.ts"
import { publishSize, writeCanonicalPublish, writePassThrough, writePublish } from "../src/codec/write-publish.ts"

const chunkBytes = 65_536
const maximumBytes = 2 * 1024 * 1024
const roundUs = 30_000
const rounds = 7

const payload = Buffer.alloc(64, 0x61)
const expiryAndUserProperty = Buffer.from("02000000782600016b000176", "hex")
const view = new PublishView()
const acknowledgement = new AckView()
const slab = Buffer.alloc(chunkBytes)
let sink = 0

/** Frames of 100 topics in turn, or of one, as many as fit the chunk. */
function chunkOf(version: 4 | 5, qos: number, topics: number, properties: Buffer): Buffer {
  const frames: Array<Buffer> = []
  for (let bytes = 0, i = 0; ; i++) {
    const topic = `site/${100 + (i % topics)}/sensor/temp${i % topics}`
    const frame = buildPublish(version, topic, payload, qos, false, properties)
    bytes += frame.length
    if (bytes > chunkBytes) return Buffer.concat(frames)
    if (qos > 0) {
      viewTrusted(view, frame, 0, frame.length, version === 5)
      frame.writeUInt16BE(1 + (i % 65_535), view.packetIdentifierAt)
    }
    frames.push(frame)
  }
}

function scan(chunk: Buffer, each: (start: number, end: number) => void): number {
  let count = 0
  for (let at = 0; at < chunk.length; count++) {
    const length = frameLength(chunk, at, chunk.length, maximumBytes)
    if (typeof length !== "number" || length === 0) throw new Error("The bench's own frames are legal")
    each(at, at + length)
    at += length
  }
  return count
}

/** Best nanoseconds of processor time per item; `round` answers how many items it handled. */
function measure(name: string, round: () => number): void {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < rounds; i++) {
    const begun = process.cpuUsage()
    let items = 0
    let spentUs = 0
    while (spentUs < roundUs) {
      for (let j = 0; j < 20; j++) items += round()
      const { user, system } = process.cpuUsage(begun)
      spentUs = user + system
    }
    best = Math.min(best, (spentUs * 1000) / items)
  }
  process.stdout.write(`${name.padEnd(58)} ${best.toFixed(1).padStart(8)} ns\n`)
}

function measureRead(name: string, version: ProtocolVersion, chunk: Buffer): void {
  measure(name, () =>
    scan(chunk, (start, end) => {
      if (readPublish(view, chunk, start, end, version) !== undefined) throw new Error("legal")
      sink ^= view.payloadStart
    })
  )
}

const none = Buffer.alloc(0)
const v4 = chunkOf(4, 0, 100, none)
const v4Qos1 = chunkOf(4, 1, 100, none)
const v5 = chunkOf(5, 0, 100, none)
const v5Properties = chunkOf(5, 1, 100, expiryAndUserProperty)
const oneTopic = chunkOf(4, 0, 1, none)

measure("frameLength alone", () => scan(v4, () => {}))
measureRead("frameLength + readPublish, 3.1.1 QoS 0", 4, v4)
measureRead("frameLength + readPublish, 3.1.1 QoS 1", 4, v4Qos1)
measureRead("frameLength + readPublish, 5.0 QoS 0, no properties", 5, v5)
measureRead("frameLength + readPublish, 5.0 QoS 1, expiry + user property", 5, v5Properties)
measure("frameLength + viewTrusted + hashBytes of the topic", () =>
  scan(v4, (start, end) => {
    viewTrusted(view, v4, start, end, false)
    sink ^= hashBytes(v4, view.topicStart, view.topicEnd)
  })
)
measure("runEnd, per frame of the run", () => {
  const first = frameLength(oneTopic, 0, oneTopic.length, maximumBytes) as number
  viewTrusted(view, oneTopic, 0, first, false)
  sink ^= runEnd(view, oneTopic.length, maximumBytes)
  return Math.floor(oneTopic.length / first)
})
const puback = Buffer.from("40020001", "hex")
measure("readAcknowledgement, 3.1.1 PUBACK", () => {
  for (let i = 0; i < 100; i++) readAcknowledgement(acknowledgement, puback, 0, 4, 4)
  return 100
})
measure("viewTrusted + writePassThrough, QoS 1", () =>
  scan(v4Qos1, (start, end) => {
    viewTrusted(view, v4Qos1, start, end, false)
    sink ^= writePassThrough(slab, 0, view, 1, false, false, 7, -1)
  })
)
measure("viewTrusted + writePublish, 5.0 to 3.1.1", () =>
  scan(v5Properties, (start, end) => {
    viewTrusted(view, v5Properties, start, end, true)
    sink ^= publishSize(view, 4, 1, undefined)
    sink ^= writePublish(slab, 0, view, 4, 1, false, false, 7, undefined, -1)
  })
)
measure("viewTrusted + writeCanonicalPublish, plain copy", () =>
  scan(v4Qos1, (start, end) => {
    viewTrusted(view, v4Qos1, start, end, false)
    sink ^= writeCanonicalPublish(slab, 0, view, none)
  })
)
const connect = Buffer.from("101300044d5154540502003c032100140003616263", "hex")
measure("decodeConnect, 5.0, one property", () => {
  for (let i = 0; i < 100; i++) if ("why" in decodeConnect(connect, 0, connect.length)) throw new Error("legal")
  return 100
})
process.stdout.write(sink === Number.MAX_SAFE_INTEGER ? "\n" : "")
