/**
 * Goal: a module of the operator's, or a function of the program around an embedded broker, decides who comes in; one
 * that cannot be used keeps the broker from starting.
 * Method: a whole broker with a module in a file; the package's own Broker.start with a function.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Broker, type CreateProvider } from "../../src/index.ts"
import { RawClient } from "../support/raw-client.ts"
import { startWhole } from "../support/whole-broker.ts"
import { tcpWire } from "../support/wire.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-module-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const shown = (username: string) => ({ username, password: Buffer.from("x") })

describe("a custom provider", () => {
  it("from a module lets in whom it allows, with its rules", async () => {
    const module = join(folder, "auth.mjs")
    const acl = '[{ permission: "allow", action: "all", topic: "a" }, { permission: "deny", topic: "#" }]'
    const allow = `{ result: "allow", clientIdentifier: "chosen", acl: ${acl} }`
    writeFileSync(
      module,
      `export const createProvider = () => ({ authenticate: ({ username }) => username === "alice" ? ${allow} : { result: "deny" } })`
    )
    await using broker = await startWhole({ auth: { chain: ["custom"], custom: { module } } })
    const alice = await broker.dial()
    const { properties, reasonCode } = await alice.connect("wished", shown("alice"))
    assert.deepEqual([reasonCode, properties?.assignedClientIdentifier], [0, "chosen"])
    assert.strictEqual(await alice.subscribe("a"), 0)
    assert.strictEqual(await alice.subscribe("b"), 0x87)
    const bob = await broker.dial()
    assert.strictEqual((await bob.connect("bob", shown("bob"))).reasonCode, 0x87)
  })

  it("that cannot be loaded keeps the broker from starting", async () => {
    const started = startWhole({ auth: { chain: ["custom"], custom: { module: join(folder, "none.mjs") } } })
    const message = await started.then(
      () => "started",
      (error: Error) => error.message
    )
    assert.include(message, "E3541")
  })

  it("of the program around an embedded broker is asked about clients, and never about the program", async () => {
    const asked: Array<string | undefined> = []
    const authentication: CreateProvider = () => ({
      authenticate: ({ username }) => {
        asked.push(username)
        return username === "alice" ? { result: "allow" } : { result: "ignore" }
      }
    })
    const broker = await Broker.start({ server: { bind: "127.0.0.1:0", "ws-bind": "" } }, { authentication })
    await broker.publish("a", "x", { qos: 1 })
    const codes: Array<number | undefined> = []
    for (const username of ["alice", "bob"]) {
      const client = RawClient.over(await tcpWire(broker.listeners[0]?.port ?? 0), 5)
      codes.push((await client.connect(username, shown(username))).reasonCode)
      client.wire.destroy()
    }
    await broker.stop()
    assert.deepEqual(
      [codes, asked],
      [
        [0, 0x86],
        ["alice", "bob"]
      ]
    )
  })
})
