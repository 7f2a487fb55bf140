/**
 * Goal: the envelope of WebSocket gives nobody what plain TCP would not (docs: security, rows 3 to 5 and 7).
 * Method: the upgrade and the frames written by hand, lies included, against the whole broker.
 */
import { deflateRawSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import { until } from "../contract/transport.ts"
import { startWhole } from "../support/whole-broker.ts"
import { connectBytes, isServed, Stranger, webSocketFrame, webSocketStranger } from "./strangers.ts"

const FIN_BINARY = 0x82
const BINARY = 0x02
const CONTINUATION = 0x00
const COMPRESSED = 0xc2
const start = () => startWhole({ server: { "ws-bind": ["127.0.0.1:0"] } })

describe("WebSocket", () => {
  it("row 3: compression is not agreed on, and a deflate bomb is refused before it is looked at", async () => {
    await using broker = await start()
    const stranger = await webSocketStranger(broker.portOf("websocket"), "permessage-deflate; client_max_window_bits")
    assert.notMatch(stranger.heard.toString("latin1"), /Sec-WebSocket-Extensions/i)
    // 48 KB that would become 50 MB.
    const bomb = deflateRawSync(Buffer.alloc(50_000_000), { level: 9 })
    assert.isBelow(bomb.length, 60_000)
    stranger.send(webSocketFrame(COMPRESSED, bomb))
    const heard = await stranger.ended()
    // Close frame 1002, protocol error: RSV1 was not agreed on.
    assert.include(heard.toString("hex"), "03ea")
    await until(() => broker.core.fairness.held.bytes === 0)
    await isServed(broker)
  })

  it("row 4: continuation frames without end are cut off at the limit of a stranger, then at that of a packet", async () => {
    await using broker = await start()
    const port = broker.portOf("websocket")
    const piece = webSocketFrame(CONTINUATION, Buffer.alloc(1000))
    const stranger = await webSocketStranger(port)
    stranger.send(webSocketFrame(BINARY, Buffer.alloc(10)))
    for (let i = 0; i < 400; i++) stranger.send(piece)
    assert.include((await stranger.ended()).toString("hex"), "03f1") // 1009, too large
    const client = await webSocketStranger(port)
    client.send(webSocketFrame(FIN_BINARY, connectBytes("endless")))
    await until(() => client.heard.includes(Buffer.from([0x20])) && broker.core.sessions.size === 1)
    client.send(webSocketFrame(BINARY, Buffer.from([0x30])))
    const packet = broker.core.limits.packetSizeBytesMax
    for (let sent = 0; sent < packet + 500_000; sent += 100_000)
      client.send(webSocketFrame(CONTINUATION, Buffer.alloc(100_000)))
    await client.ended()
    assert.strictEqual(broker.core.fairness.held.bytes, 0)
    await isServed(broker)
  })

  it("[attack: a page of the web and an open broker on loopback] as shipped a foreign page is turned away", async () => {
    for (const [auth, words] of [
      [{}, / 403 /],
      [{ "allow-anonymous": false }, / 101 /]
    ] as const) {
      await using broker = await startWhole({ server: { "ws-bind": ["127.0.0.1:0"] }, auth })
      const stranger = await Stranger.to(broker.portOf("websocket"))
      const head = "GET /mqtt HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade"
      const rest =
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt"
      stranger.send(`${head}\r\n${rest}\r\nOrigin: https://theirs.example\r\n\r\n`)
      await until(() => stranger.heard.length > 0)
      assert.match(stranger.heard.toString("latin1"), words)
    }
  })

  it("row 5: a page of somebody else's is turned away with 403 where origins are listed", async () => {
    const server = { "ws-bind": ["127.0.0.1:0"], "ws-origins": ["https://ours.example"] }
    await using broker = await startWhole({ server })
    const stranger = await Stranger.to(broker.portOf("websocket"))
    const head =
      "GET /mqtt HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13"
    const rest =
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\nCookie: session=ambient"
    stranger.send(`${head}\r\n${rest}\r\nOrigin: https://theirs.example\r\n\r\n`)
    assert.match((await stranger.ended()).toString("latin1"), /^HTTP\/1\.1 403 /)
    await isServed(broker)
  })

  it("row 7: a frame shorter than it says, and a packet shorter than its frame, are waited for and not read beyond", async () => {
    await using broker = await start()
    const port = broker.portOf("websocket")
    // The frame announces 4,096 bytes and brings 3.
    const short = await webSocketStranger(port)
    short.send(webSocketFrame(FIN_BINARY, Buffer.from([0x10, 0x20, 0]), 4096))
    // The packet announces 200 bytes; the frame ends after 3, and another one follows with the rest of nothing.
    const split = await webSocketStranger(port)
    split.send(webSocketFrame(FIN_BINARY, Buffer.from([0x10, 0x80, 0x04])))
    // A CONNECT cut over frames of one byte each is a CONNECT.
    const slow = await webSocketStranger(port)
    for (const byte of connectBytes("pieces")) slow.send(webSocketFrame(FIN_BINARY, Buffer.from([byte])))
    await until(() => broker.core.sessions.has("pieces"))
    await isServed(broker)
    for (const { heard, isClosed } of [short, split]) {
      assert.isFalse(isClosed)
      assert.isTrue(heard.toString("latin1").endsWith("\r\n\r\n"), "nothing was answered")
    }
    // A length that no frame has: 2^63.
    const lie = await webSocketStranger(port)
    lie.send([FIN_BINARY, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])
    await lie.ended()
    for (const stranger of [short, split, slow]) stranger.socket.destroy()
    await until(() => broker.core.connections === 0)
  })
})
