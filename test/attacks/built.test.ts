/**
 * Goal: what is shipped answers as the source does. A bundler may take away a call whose result nobody uses, and with it a
 * check that was made by what the call throws.
 * Method: the released command as a process, and requests that only such checks turn away.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { builtCommand, Child } from "../support/child.ts"

describe("the built broker", () => {
  const folder = mkdtempSync(join(tmpdir(), "promptmq-built-"))
  let child: Child
  let admin: string

  beforeAll(async () => {
    const flags = ["--bind=127.0.0.1:0", "--ws-bind=", "--admin-bind=127.0.0.1:0", `--data-dir=${folder}`]
    child = new Child(process.execPath, [builtCommand, "server", ...flags])
    admin = /http:\S+:\d+/.exec(await child.line(/admin +http:\/\/127/))?.[0] ?? ""
    await child.line(/promise/)
  })
  afterAll(async () => {
    await child[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  it("[attack: a path that is no UTF-8] is malformed, and no failure of the broker's", async () => {
    const authorization = `Bearer ${readFileSync(join(folder, "admin-token"), "utf8").trim()}`
    for (const path of ["/api/v1/clients/%ff", "/api/v1/clients/%", "/api/v1/%c0%af"]) {
      const { status } = await fetch(`${admin}${path}`, { headers: { authorization } })
      assert.strictEqual(status, 400, path)
    }
    assert.strictEqual((await fetch(`${admin}/api/v1/clients`, { headers: { authorization } })).status, 200)
  })
})
