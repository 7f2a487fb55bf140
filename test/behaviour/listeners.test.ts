/**
 * Goal: several listeners at once, TCP and WebSocket, IPv4 and IPv6, lead to one broker; a port in use fails the
 * start and leaves nothing open; a path that is not configured is no way in.
 * Method: one client per listener, all in one conversation; then the ways a listener cannot be opened.
 */
import { once } from "node:events"
import { createServer } from "node:net"
import { networkInterfaces } from "node:os"
import { assert, describe, it } from "@effect/vitest"
import { WebSocket } from "ws"
import { RawClient } from "../support/raw-client.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"
import { tcpWire } from "../support/wire.ts"

const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === "::1"))

describe("listeners", () => {
  // Skipped without ::1, because a machine may have IPv6 switched off.
  it.skipIf(!hasIpv6)("several at once, IPv4 and IPv6, lead to one broker", async () => {
    await using broker = await startWhole({ server: { bind: ["127.0.0.1:0", "[::1]:0", "localhost:0"] } })
    assert.strictEqual(broker.running.listeners.length, 3)
    const clients = await Promise.all(
      broker.running.listeners.map(async ({ host, port }) => {
        const client = RawClient.over(await tcpWire(port, host), 5)
        await client.connect(`client of ${host}`)
        await client.subscribe("all")
        return client
      })
    )
    for (const client of clients) await client.publish("all", "x")
    for (const client of clients) assert.deepEqual(await client.payloads(3), ["x", "x", "x"])
  })

  it("WebSocket: only the configured paths, only with our subprotocol", async () => {
    await using broker = await startWhole({ server: { "ws-bind": ["127.0.0.1:0"], "ws-paths": ["/one", "/two"] } })
    for (const path of ["/one", "/two"]) assert.strictEqual(await upgrade(broker, path), "mqtt")
    for (const path of ["/", "/mqtt", "/one/more"]) assert.strictEqual(await upgrade(broker, path), 404)
    assert.strictEqual(await upgrade(broker, "/one", ["chat"]), 400)
  })

  it("a port in use fails the start with its name, and what was open is closed again", async () => {
    const occupied = createServer().listen(0, "127.0.0.1")
    await once(occupied, "listening")
    const taken = (occupied.address() as { port: number }).port
    const free = createServer().listen(0, "127.0.0.1")
    await once(free, "listening")
    const first = (free.address() as { port: number }).port
    await new Promise((resolve) => free.close(resolve))
    const error = await startWhole({ server: { bind: [`127.0.0.1:${first}`, `127.0.0.1:${taken}`] } }).then(
      () => undefined,
      (reason: { readonly _tag?: string; readonly reason?: string; readonly address?: string }) => reason
    )
    assert.deepEqual([error?._tag, error?.reason, error?.address], ["ListenError", "port-in-use", `127.0.0.1:${taken}`])
    const again = createServer().listen(first, "127.0.0.1")
    await once(again, "listening")
    await new Promise((resolve) => again.close(resolve))
    await new Promise((resolve) => occupied.close(resolve))
  })
})

/** The subprotocol agreed on, or the HTTP status of the refusal. */
const upgrade = (broker: WholeBroker, path: string, protocols = ["mqtt"]): Promise<string | number> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${broker.portOf("websocket")}${path}`, protocols)
    socket.on("open", () => {
      resolve(socket.protocol)
      socket.close()
    })
    socket.on("unexpected-response", (request, response) => {
      resolve(response.statusCode ?? 0)
      request.destroy()
    })
    socket.on("error", reject)
  })
