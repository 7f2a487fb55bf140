/**
 * WebSocket: the contract, and what MQTT asks of the envelope: subprotocol, binary frames only, packets split and
 * joined at will; plus what a listener on the open web must refuse.
 */
import { request } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Transport } from "../../src/listener/transport.ts"
import { type ListenWebSocketOptions, listenWebSocket } from "../../src/listener/websocket.ts"
import { transportContract, until } from "../contract/transport.ts"
import { WebSocketPeer } from "./peers.ts"

const listen = (options: Partial<ListenWebSocketOptions> = {}) =>
  Effect.gen(function* () {
    const accepted: Array<Transport> = []
    const { port } = yield* listenWebSocket({
      host: "127.0.0.1",
      port: 0,
      name: "web",
      paths: ["/mqtt", "/"],
      maxPacketBytes: 2_000_000,
      onTransport: (transport) => void accepted.push(transport),
      ...options
    })
    return { port, accepted }
  })

const open = Effect.gen(function* () {
  const { port, accepted } = yield* listen()
  const peer = new WebSocketPeer(`ws://127.0.0.1:${port}/mqtt`)
  yield* Effect.addFinalizer(() => Effect.sync(() => peer.webSocket.terminate()))
  yield* Effect.promise(() => until(() => accepted.length > 0 && peer.opened))
  return { transport: accepted[0] as Transport, peer }
})

/** Status of a plain GET, without an upgrade. */
const statusOf = (port: number, path: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const get = request({ host: "127.0.0.1", port, path }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    get.on("error", reject)
    get.end()
  })

/** How an upgrade ends: the subprotocol chosen, or the status of the refusal. */
const upgrade = (port: number, path: string, protocols: ReadonlyArray<string>, headers: Record<string, string> = {}) =>
  Effect.promise(async () => {
    const peer = new WebSocketPeer(`ws://127.0.0.1:${port}${path}`, protocols, { headers })
    await until(() => peer.opened || peer.refusedStatus !== undefined)
    const outcome = peer.refusedStatus ?? peer.webSocket.protocol
    peer.webSocket.terminate()
    return outcome
  })

transportContract("websocket", { kind: "websocket", listener: "web", peerAddress: /^127\.0\.0\.1:\d+$/, open })

describe("websocket listener", () => {
  it.live("chooses the subprotocol among those offered, and refuses who offers none of ours", () =>
    Effect.gen(function* () {
      const { port } = yield* listen()
      assert.strictEqual(yield* upgrade(port, "/mqtt", ["other", "mqtt"]), "mqtt")
      assert.strictEqual(yield* upgrade(port, "/mqtt", ["mqttv3.1"]), "mqttv3.1")
      assert.strictEqual(yield* upgrade(port, "/mqtt", ["chat"]), 400)
      assert.strictEqual(yield* upgrade(port, "/mqtt", []), 400)
    })
  )

  it.live("answers 404 on other paths and 426 to a request that is no upgrade", () =>
    Effect.gen(function* () {
      const { port } = yield* listen()
      assert.strictEqual(yield* upgrade(port, "/?token=1", ["mqtt"]), "mqtt")
      assert.strictEqual(yield* upgrade(port, "/elsewhere", ["mqtt"]), 404)
      assert.strictEqual(yield* Effect.promise(() => statusOf(port, "/mqtt")), 426)
      assert.strictEqual(yield* Effect.promise(() => statusOf(port, "/elsewhere")), 404)
    })
  )

  it.live("refuses browsers of other sites when a list of origins is given", () =>
    Effect.gen(function* () {
      const { port } = yield* listen({ originsAllowed: ["https://ours.example"] })
      assert.strictEqual(yield* upgrade(port, "/", ["mqtt"], { origin: "https://ours.example" }), "mqtt")
      assert.strictEqual(yield* upgrade(port, "/", ["mqtt"]), "mqtt")
      assert.strictEqual(yield* upgrade(port, "/", ["mqtt"], { origin: "https://theirs.example" }), 403)
    })
  )

  it.live(
    "[attack: a page of the web and an open broker on loopback] without a list, only pages of this machine may [WS-1]",
    () =>
      Effect.gen(function* () {
        const { port } = yield* listen({ isOpen: true })
        const { port: closed } = yield* listen({ isOpen: false })
        const { port: listed } = yield* listen({ isOpen: true, originsAllowed: ["*"] })
        const by = (origin: string, host?: string) => ({ origin, ...(host === undefined ? {} : { host }) })
        const own = ["http://localhost:5173", "https://127.0.0.1", "http://[::1]:8080", "http://app.localhost"]
        for (const origin of own) assert.strictEqual(yield* upgrade(port, "/", ["mqtt"], by(origin)), "mqtt", origin)
        const foreign = [
          "https://evil.example",
          "null",
          "http://localhost.evil.example",
          "http://127.0.0.1.evil.example",
          "file://"
        ]
        for (const origin of foreign) {
          assert.strictEqual(yield* upgrade(port, "/", ["mqtt"], by(origin)), 403, origin)
          assert.strictEqual(
            yield* upgrade(closed, "/", ["mqtt"], by(origin)),
            "mqtt",
            "who must log in is asked for it"
          )
          assert.strictEqual(yield* upgrade(listed, "/", ["mqtt"], by(origin)), "mqtt", "written by the operator")
        }
        // A name that was bound anew to this machine, and the address of a broker in the house.
        const rebound = by("http://evil.example:8080", "evil.example:8080")
        assert.strictEqual(yield* upgrade(port, "/", ["mqtt"], rebound), 403)
        const inside = "192.0.2.7:8080"
        assert.strictEqual(yield* upgrade(port, "/", ["mqtt"], by("http://192.0.2.7", inside)), "mqtt")
        assert.strictEqual(yield* upgrade(port, "/", ["mqtt"], by("http://192.0.2.8", inside)), 403)
        assert.strictEqual(yield* upgrade(port, "/", ["mqtt"]), "mqtt", "no page")
      })
  )

  it.live("agrees on no compression", () =>
    Effect.gen(function* () {
      const { peer } = yield* open
      assert.strictEqual(peer.webSocket.extensions, "")
    })
  )
})

describe("websocket transport", () => {
  it.live("a text frame closes the connection, and nothing of it is delivered [MQTT-6.0.0-1]", () =>
    Effect.gen(function* () {
      const { transport, peer } = yield* open
      const chunks: Array<Buffer> = []
      const closes: Array<Error | undefined> = []
      transport.onData = (chunk) => void chunks.push(chunk)
      transport.onClose = (error) => void closes.push(error)
      peer.webSocket.send("text")
      peer.send(Buffer.from("binary"))
      yield* Effect.promise(() => until(() => peer.closed && closes.length > 0))
      assert.strictEqual(peer.closeCode, 1003)
      assert.strictEqual(closes.length, 1)
      assert.include(String(closes[0]), "text frame")
      assert.deepStrictEqual(chunks, [])
    })
  )

  it.live("a message above the largest packet closes the connection", () =>
    Effect.gen(function* () {
      const { transport, peer } = yield* open
      const closes: Array<Error | undefined> = []
      transport.onClose = (error) => void closes.push(error)
      peer.send(Buffer.alloc(2_000_000))
      peer.send(Buffer.alloc(2_200_000))
      yield* Effect.promise(() => until(() => peer.closed && closes.length > 0))
      assert.strictEqual(peer.closeCode, 1009)
      assert.strictEqual(closes.length, 1)
      assert.isDefined(closes[0])
    })
  )

  it.live("fragments of a message and several packets in one are the same stream [MQTT-6.0.0-2]", () =>
    Effect.gen(function* () {
      const { transport, peer } = yield* open
      const chunks: Array<Buffer> = []
      transport.onData = (chunk) => void chunks.push(chunk)
      peer.webSocket.send(Buffer.from("CONN"), { fin: false, binary: true })
      peer.webSocket.send(Buffer.from("ECT+SUB"), { fin: true, binary: true })
      peer.send(Buffer.alloc(0))
      peer.send(Buffer.from("SCRIBE+PUBLISH"))
      yield* Effect.promise(() => until(() => Buffer.concat(chunks).length >= 25))
      assert.strictEqual(Buffer.concat(chunks).toString(), "CONNECT+SUBSCRIBE+PUBLISH")
      assert.isTrue(chunks.every((chunk) => chunk.length > 0))
    })
  )

  describe("before the client is known", () => {
    const limited = (bytes: number) =>
      Effect.gen(function* () {
        const { transport, peer } = yield* open
        const chunks: Array<Buffer> = []
        const closes: Array<Error | undefined> = []
        transport.onData = (chunk) => void chunks.push(chunk)
        transport.onClose = (error) => void closes.push(error)
        transport.limitIncoming?.(bytes)
        return { transport, peer, chunks, closes }
      })
    const kilobyte = Buffer.alloc(1_000)

    for (const [name, send] of [
      ["one frame", (peer: WebSocketPeer) => peer.send(Buffer.alloc(1_000_000))],
      [
        "fragments",
        (peer: WebSocketPeer) => {
          for (let count = 0; count < 1_000; count++) peer.webSocket.send(kilobyte, { fin: false, binary: true })
        }
      ]
    ] as const) {
      it.live(`a message in ${name} above the limit is cut off, though it never ends`, () =>
        Effect.gen(function* () {
          const { chunks, closes, peer } = yield* limited(64_000)
          send(peer)
          yield* Effect.promise(() => until(() => peer.closed && closes.length > 0))
          assert.strictEqual(peer.closeCode, 1009)
          assert.deepStrictEqual(chunks, [])
          assert.strictEqual(closes.length, 1)
          assert.include(String(closes[0]), "above 64000 bytes")
        })
      )
    }

    it.live("any number of messages below the limit go through", () =>
      Effect.gen(function* () {
        const { chunks, peer } = yield* limited(64_000)
        for (let count = 0; count < 400; count++) peer.send(kilobyte)
        yield* Effect.promise(() => until(() => Buffer.concat(chunks).length === 400_000))
        assert.isFalse(peer.closed)
      })
    )

    it.live("afterwards only the largest packet is a limit, also for a message that has begun", () =>
      Effect.gen(function* () {
        const { chunks, peer, transport } = yield* limited(64_000)
        peer.send(Buffer.alloc(10))
        peer.webSocket.send(kilobyte, { fin: false, binary: true })
        yield* Effect.promise(() => until(() => chunks.length === 1))
        transport.limitIncoming?.(Number.POSITIVE_INFINITY)
        peer.webSocket.send(Buffer.alloc(1_000_000), { fin: true, binary: true })
        yield* Effect.promise(() => until(() => Buffer.concat(chunks).length === 1_001_010))
        assert.isFalse(peer.closed)
      })
    )
  })
})
