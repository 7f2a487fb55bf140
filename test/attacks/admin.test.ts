/**
 * Goal: who has no token can neither keep others out of the admin listener nor hold the broker up.
 * Method: the whole broker, requests by hand.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { until } from "../contract/transport.ts"
import { startWhole } from "../support/whole-broker.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-attacked-admin-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const tokenFile = join(folder, "token")
const start = () => startWhole({ admin: { enabled: true, bind: "127.0.0.1:0", "token-file": tokenFile } })

const send = (port: number, text: string): Promise<Socket> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(text)
      resolve(socket)
    })
    socket.on("error", () => undefined)
    socket.resume()
  })

describe("the admin listener", () => {
  for (const [what, text] of [
    ["connections without a word", ""],
    ["half requests", "GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "],
    ["slow bodies", "POST /api/v1/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 60000\r\n\r\n{"]
  ] as const) {
    it(`[attack: taking every place of the admin listener] by ${what}: probes are answered, and streams go on`, async () => {
      await using broker = await start()
      const port = broker.running.admin?.port ?? 0
      const authorization = `Bearer ${readFileSync(tokenFile, "utf8").trim()}`
      const url = `http://127.0.0.1:${port}`
      const stop = new AbortController()
      const stream = await fetch(`${url}/api/v1/events`, { headers: { authorization }, signal: stop.signal })
      const reader = stream.body?.getReader()
      await reader?.read()
      const strangers = await Promise.all(Array.from({ length: 300 }, () => send(port, text)))
      for (let i = 0; i < 3; i++) assert.strictEqual((await fetch(`${url}/livez`)).status, 200)
      await until(() => strangers.filter(({ destroyed }) => destroyed).length >= 172)
      assert.isFalse((await reader?.read())?.done)
      stop.abort()
      for (const stranger of strangers) stranger.destroy()
    })
  }
})
