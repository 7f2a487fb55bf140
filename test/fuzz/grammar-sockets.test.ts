/**
 * Goal: the answers of the grammar are the same where a kernel, and the envelope of WebSocket, lie in between.
 * Method: the scripts of grammar-script.ts over TCP and WebSocket against the whole broker, several connections at once,
 * written in pieces. PROMPTMQ_SEED repeats the bytes, not their timing.
 */
import { assert, describe, it } from "@effect/vitest"
import { Stranger, webSocketFrame, webSocketStranger } from "../attacks/strangers.ts"
import { until } from "../contract/transport.ts"
import { Random, seedOfRun } from "../fault/random.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"
import { grammarLimits } from "./grammar-round.ts"
import { judgePlay, makePlay, type Play } from "./grammar-script.ts"

const SCRIPTS = 600
const AT_ONCE = 20
const FIN_BINARY = 0x82
const FIN_CLOSE = 0x88

describe("the grammar over sockets", () => {
  for (const kind of ["tcp", "websocket"] as const)
    it(`${kind}: gets the same answers, and a client on the side its messages`, async () => {
      const random = new Random(seedOfRun(`grammar, ${kind}`))
      await using broker = await startWhole({
        server: { "ws-bind": ["127.0.0.1:0"] },
        mqtt: {
          "max-topic-levels": grammarLimits.topicLevelsMax,
          "max-topic-len": grammarLimits.topicLengthBytesMax,
          "topic-alias-maximum": grammarLimits.topicAliasMaximum
        },
        limits: {
          "max-filters-per-packet": grammarLimits.filtersPerPacketMax,
          "max-user-properties": grammarLimits.userPropertiesMax
        }
      })
      const healthy = await broker.join("healthy")
      await healthy.subscribe("healthy/own", 1)
      for (let done = 0; done < SCRIPTS; done += AT_ONCE) {
        await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => play(broker, kind, random, `s${done + i}`)))
        assert.strictEqual(await healthy.publish("healthy/own", String(done), { qos: 1 }), 0)
        assert.strictEqual(String((await healthy.message()).payload), String(done))
      }
      await healthy.leave()
      await until(() => broker.core.connections === 0)
    })
})

const play = async (broker: WholeBroker, kind: "tcp" | "websocket", random: Random, name: string): Promise<void> => {
  const script = scriptOf(random, name)
  const port = broker.portOf(kind)
  const stranger = kind === "tcp" ? await Stranger.to(port) : await webSocketStranger(port)
  const headBytes = stranger.heard.length
  for (let at = 0; at < script.bytes.length; ) {
    const end = at + 1 + random.below(random.pick([3, 40, 1000]))
    const piece = script.bytes.subarray(at, end)
    stranger.send(kind === "tcp" ? piece : webSocketFrame(FIN_BINARY, piece))
    at = end
  }
  const told = () => (kind === "tcp" ? stranger.heard : unwrapped(stranger.heard.subarray(headBytes)))
  const heard = () => framesOf(told())
  // The WebSocket's own farewell is as good as the end: the server waits a while for an answer to it.
  const isClosed = () => stranger.isClosed || (kind === "websocket" && hasFarewell(stranger.heard.subarray(headBytes)))
  const isEnd = script.demand !== undefined && script.demand.kind !== "answer" && script.demand.kind !== "wait"
  if (script.demand === undefined) stranger.socket.end()
  const more = script.answers.length + (script.demand?.kind === "answer" ? script.demand.answers.length : 0)
  const expected = more + script.after.length
  const isAnswered = () => heard().filter((frame) => (frame[0] as number) >> 4 !== 3).length >= expected
  // Where more is waited for nothing else can come: the answers before it are all there is.
  await until(() => isClosed() || (!isEnd && script.demand !== undefined && isAnswered()))
  try {
    judgePlay(script, heard(), isClosed())
  } catch (cause) {
    throw new Error(`${script.what}: ${String(cause)}\nsent ${script.bytes.toString("hex")}`, { cause })
  }
  stranger.socket.destroy()
}

/** The method of fuzz-world.ts is not known here. */
const scriptOf = (random: Random, name: string): Play => {
  for (;;) {
    const script = makePlay(random, name, grammarLimits)
    if (!script.answers.some(({ type }) => type === 15) && !script.bytes.includes("\u0015\u0000\u0001w")) return script
  }
}

const framesOf = (bytes: Buffer): ReadonlyArray<Buffer> => {
  const frames: Array<Buffer> = []
  for (let start = 0; start < bytes.length; ) {
    let length = 0
    let at = start + 1
    do length += ((bytes[at] as number) & 127) * 128 ** (at - start - 1)
    while ((bytes[at++] as number) >= 128)
    if (at + length > bytes.length || Number.isNaN(length)) break
    frames.push(bytes.subarray(start, at + length))
    start = at + length
  }
  return frames
}

/** Server's frames are not masked, and what lies behind the last binary one here is a close frame or nothing. */
const hasFarewell = (bytes: Buffer): boolean => {
  let at = 0
  while (bytes[at] === FIN_BINARY) {
    const short = bytes[at + 1] ?? 0
    at +=
      short < 126 ? 2 + short : short === 126 && bytes.length >= at + 4 ? 4 + bytes.readUInt16BE(at + 2) : bytes.length
  }
  return bytes[at] === FIN_CLOSE
}

/** What is in a server's binary frames; a close frame ends it. */
const unwrapped = (bytes: Buffer): Buffer => {
  const payloads: Array<Buffer> = []
  for (let at = 0; at + 2 <= bytes.length; ) {
    const short = bytes[at + 1] as number
    const head = short < 126 ? 2 : short === 126 ? 4 : 10
    if (at + head > bytes.length) break
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
    if (bytes[at] !== FIN_BINARY || at + head + length > bytes.length) break
    payloads.push(bytes.subarray(at + head, at + head + length))
    at += head + length
  }
  return Buffer.concat(payloads)
}
