/** Tokens, their file, the one-time code of the login link, and what happens to those who guess. */
import { appendFileSync, chmodSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Attempts } from "../../src/admin/attempts.ts"
import { Callers } from "../../src/admin/callers.ts"
import { openAdmin } from "../../src/admin/server.ts"
import { openTokenFile } from "../../src/admin/token-file.ts"
import { appendToken, parseTokens } from "../../src/admin/tokens-file.ts"
import { call, knownSources, recordingLog, scratchFolder } from "./support.ts"

const made = Effect.fnUntraced(function* () {
  const tokensFile = join(yield* scratchFolder, "tokens")
  const told: Array<string> = []
  let nowMs = 1_000_000
  const callers = new Callers({
    token: "the-token-of-the-admin",
    tokensFile,
    wallClockMs: () => nowMs,
    loginLinkTimeMs: 600_000,
    sessionTimeMs: () => 12 * 3_600_000,
    tell: (_level, fact) => void told.push(fact)
  })
  const wait = (ms: number): void => {
    nowMs += ms
  }
  return { callers, tokensFile, told, wait }
})

describe("callers", () => {
  it.live("a token is known by its digest alone; the file is read again when it changes", () =>
    Effect.gen(function* () {
      const { callers, tokensFile, wait } = yield* made()
      assert.deepEqual(callers.callerOf("Bearer the-token-of-the-admin"), { name: "admin", role: "admin" })
      assert.isUndefined(callers.callerOf("Bearer grafana-token"))
      appendToken(tokensFile, "grafana", "viewer", "grafana-token")
      wait(1001)
      assert.deepEqual(callers.callerOf("Bearer grafana-token"), { name: "grafana", role: "viewer" })
      assert.notInclude(readFileSync(tokensFile, "utf8"), "grafana-token")
      writeFileSync(tokensFile, "# nobody\n")
      wait(1001)
      assert.isUndefined(callers.callerOf("Bearer grafana-token"))
    })
  )

  it.live("a file that cannot be used takes its tokens along, and the admin's own stays", () =>
    Effect.gen(function* () {
      const { callers, told, tokensFile, wait } = yield* made()
      appendToken(tokensFile, "ops", "operator", "ops-token")
      wait(1001)
      assert.deepEqual(callers.callerOf("Bearer ops-token"), { name: "ops", role: "operator" })
      appendFileSync(tokensFile, "half a line\n")
      wait(1001)
      assert.isUndefined(callers.callerOf("Bearer ops-token"))
      assert.include(told.join("\n"), "line 3")
      assert.isDefined(callers.callerOf("Bearer the-token-of-the-admin"))
    })
  )

  it.live("a file that others may write is no file of tokens", () =>
    Effect.gen(function* () {
      const { callers, tokensFile, wait } = yield* made()
      appendToken(tokensFile, "ops", "admin", "ops-token")
      chmodSync(tokensFile, 0o622)
      wait(1001)
      assert.isUndefined(callers.callerOf("Bearer ops-token"))
    })
  )

  it("lines are names, roles and digests; names come once", () => {
    const digest = "a".repeat(64)
    const rows = parseTokens(`# x\n\n  a viewer ${digest}\nb\toperator\t${digest.toUpperCase()}\n`)
    assert.deepEqual(typeof rows === "string" ? rows : rows.map(({ name, role }) => [name, role]), [
      ["a", "viewer"],
      ["b", "operator"]
    ])
    for (const bad of [`a root ${digest}`, `a viewer ${digest.slice(1)}`, "a viewer", `a/b viewer ${digest}`]) {
      assert.isString(parseTokens(bad), bad)
    }
    assert.isString(parseTokens(`a viewer ${digest}\na admin ${digest}`))
  })

  it.live("a login code is good once and for ten minutes, its token for twelve hours", () =>
    Effect.gen(function* () {
      const { callers, wait } = yield* made()
      assert.isUndefined(callers.logIn("wrong"))
      const loggedIn = callers.logIn(callers.loginCode)
      assert.isUndefined(callers.logIn(callers.loginCode))
      const header = `Bearer ${loggedIn?.token}`
      assert.deepEqual(callers.callerOf(header), { name: "login-1", role: "admin" })
      wait(12 * 3_600_000 - 1)
      assert.isDefined(callers.callerOf(header))
      wait(1)
      assert.isUndefined(callers.callerOf(header))
      const late = yield* made()
      late.wait(600_000)
      assert.isUndefined(late.callers.logIn(late.callers.loginCode))
      late.wait(-600_000)
      assert.isUndefined(late.callers.logIn(late.callers.loginCode), "too late is used up, too")
    })
  )

  it("who has shown too many wrong tokens waits, alone, for the rest of the minute", () => {
    const attempts = new Attempts(() => 3)
    for (const isLast of [false, false, true]) assert.strictEqual(attempts.wrong("a", 1000), isLast)
    assert.isTrue(attempts.isBlocked("a", 60_999))
    assert.isFalse(attempts.isBlocked("b", 60_999))
    assert.isFalse(attempts.isBlocked("a", 61_000))
    assert.isFalse(attempts.wrong("a", 61_000))
  })
})

describe("the door of the admin API", () => {
  const opened = Effect.fnUntraced(function* (maxWrongTokens: number) {
    const folder = yield* scratchFolder
    const sources = yield* knownSources({ admin: { maxWrongTokens } })
    const { lines, log } = recordingLog()
    const tokenFile = join(folder, "admin-token")
    const address = { host: "127.0.0.1", port: 0 }
    const admin = yield* openAdmin({ ...sources, address, tokenFile, tokensFile: join(folder, "tokens"), log })
    const { port } = admin
    const logIn = (code: string) =>
      call(port, { method: "POST", path: "/api/v1/login", body: JSON.stringify({ code }) })
    const authorization = `Bearer ${yield* openTokenFile(tokenFile)}`
    return { admin, port, lines, logIn, authorization }
  })

  it.live("the code of the link is exchanged once for a token of an admin", () =>
    Effect.gen(function* () {
      const { admin, lines, logIn, port } = yield* opened(30)
      const { loginCode } = admin
      const reply = yield* logIn(loginCode)
      assert.strictEqual(reply.status, 200)
      const { role, token } = reply.json as { readonly role: string; readonly token: string }
      assert.strictEqual(role, "admin")
      const authorization = `Bearer ${token}`
      const audit = yield* call(port, { path: "/api/v1/audit", headers: { authorization } })
      assert.deepInclude((audit.json as ReadonlyArray<object>)[0], { who: "login link", outcome: 200 })
      assert.strictEqual((yield* logIn(loginCode)).status, 401)
      assert.notInclude(lines.join(""), token)
      assert.notInclude(lines.join(""), loginCode)
    })
  )

  it.live("guessing ends in 429, for tokens and codes together, also for the right one", () =>
    Effect.gen(function* () {
      const { authorization, lines, logIn, port } = yield* opened(4)
      const ask = (header: string) => call(port, { path: "/api/v1/whoami", headers: { authorization: header } })
      assert.strictEqual((yield* ask(authorization)).status, 200)
      for (let i = 0; i < 2; i++) assert.strictEqual((yield* logIn("guess")).status, 401)
      for (let i = 0; i < 2; i++) assert.strictEqual((yield* ask("Bearer guess")).status, 401)
      assert.strictEqual((yield* ask("Bearer guess")).status, 429)
      assert.strictEqual((yield* logIn("guess")).status, 429)
      assert.strictEqual((yield* ask(authorization)).status, 429)
      assert.lengthOf(
        lines.filter((line) => line.includes("too many wrong tokens")),
        1
      )
    })
  )
})
