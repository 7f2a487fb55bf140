/**
 * The admin listener over a real socket: every route's answer decodes with the schema of api/, every
 * refusal has its status and its code, fact and fix, and it closes with its scope.
 */
import { connect, type Socket } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { DropList } from "../../src/admin/api/messages.ts"
import { SettingsChanged, SettingsList } from "../../src/admin/api/settings.ts"
import { StorageBackedUp, StorageSynced } from "../../src/admin/api/storage.ts"
import { HealthCheck, SystemInfo } from "../../src/admin/api/system.ts"
import { adminErrorCodes, failures, tokenFileFailures } from "../../src/admin/failures.ts"
import { bodyBytesMax } from "../../src/admin/read-body.ts"
import { openAdmin } from "../../src/admin/server.ts"
import { openTokenFile } from "../../src/admin/token-file.ts"
import { DropReason, dropReasons } from "../../src/metrics/drop-reasons.ts"
import { leafByKey, settingsLeaves } from "../../src/settings/leaves.ts"
import { type Call, call, knownSources, knownStorage, type Reply, recordingLog, scratchFolder } from "./support.ts"

const loopback = { host: "127.0.0.1", port: 0 }
const Health = Schema.Struct({ status: Schema.Literals(["ok", "failing"]), checks: Schema.Array(HealthCheck) })
/** What every refusal has; the tag tells the API's clients which it is. */
const Failure = Schema.Struct({
  _tag: Schema.optionalKey(Schema.String),
  errors: Schema.Array(
    Schema.Struct({
      code: Schema.String,
      key: Schema.optionalKey(Schema.String),
      fact: Schema.String,
      fix: Schema.String
    })
  )
})

const opened = Effect.fnUntraced(function* (address = loopback, engine = { isDurable: true }) {
  const sources = yield* knownSources(engine)
  const { log, lines } = recordingLog()
  const folder = yield* scratchFolder
  const tokenFile = join(folder, "admin-token")
  const { port } = yield* openAdmin({ ...sources, address, tokenFile, tokensFile: join(folder, "tokens"), log })
  const token = yield* openTokenFile(tokenFile)
  const authorization = `Bearer ${token}`
  const ask = (what: Call): Effect.Effect<Reply, Error> =>
    call(port, { ...what, headers: { authorization, ...what.headers } })
  return { sources, port, token, tokenFile, lines, ask }
})

/** The answer, held to its schema: nothing missing, nothing more. */
function decoded<S extends Schema.Constraint>(
  schema: S,
  reply: Reply
): Effect.Effect<S["Type"], Schema.SchemaError, S["DecodingServices"]> {
  return Schema.decodeUnknownEffect(schema)(reply.json, { onExcessProperty: "error" })
}

const refusedWith = Effect.fnUntraced(function* (reply: Reply, name: keyof typeof failures) {
  assert.strictEqual(reply.status, failures[name].status, reply.text)
  const failure = yield* decoded(Failure, reply)
  assert.deepEqual(
    failure.errors.map((error) => error.code),
    [failures[name].code]
  )
})

/** A raw connection that has sent `text` and got the first bytes of an answer. */
function answeredOnce(port: number, text: string): Effect.Effect<Socket> {
  return Effect.callback((resume) => {
    const socket = connect(port, "127.0.0.1")
    socket.once("data", () => resume(Effect.succeed(socket)))
    socket.write(text)
  })
}

function ended(socket: Socket): Effect.Effect<void> {
  return Effect.callback((resume) => {
    socket.on("error", () => {})
    socket.once("close", () => resume(Effect.void))
    socket.resume()
  })
}

describe("admin: health", () => {
  it.live("answers 200 without a token while every check is well, 503 with the failing one otherwise", () =>
    Effect.gen(function* () {
      const { port, sources } = yield* opened()
      const well = yield* call(port, {})
      assert.strictEqual(well.status, 200)
      assert.deepEqual(yield* decoded(Health, well), {
        status: "ok",
        checks: [
          { name: "listeners", status: "ok" },
          { name: "log", status: "ok" }
        ]
      })
      sources.failing.set("log", "the log is full")
      const ill = yield* call(port, { path: "/healthz" })
      assert.strictEqual(ill.status, 503)
      assert.deepEqual(yield* decoded(Health, ill), {
        status: "failing",
        checks: [
          { name: "listeners", status: "ok" },
          { name: "log", status: "failing", fact: "the log is full" }
        ]
      })
      assert.deepInclude(yield* call(port, { method: "HEAD" }), { status: 503, text: "" })
    })
  )

  it.live("a check that throws fails without a word of the error", () =>
    Effect.gen(function* () {
      const boom = (): never => {
        throw new Error("/secret/path")
      }
      const tokenFile = join(yield* scratchFolder, "admin-token")
      const { log } = recordingLog()
      const checks = [{ name: "x", check: boom }]
      const sources = yield* knownSources()
      const tokensFile = `${tokenFile}s`
      const { port } = yield* openAdmin({ ...sources, checks, address: loopback, tokenFile, tokensFile, log })
      const reply = yield* call(port, {})
      assert.strictEqual(reply.status, 503)
      assert.notInclude(reply.text, "secret")
    })
  )
})

describe("admin: system and drops", () => {
  it.live("system shows what its sources say, and this process", () =>
    Effect.gen(function* () {
      const { ask, sources } = yield* opened()
      sources.core.ledger.add(DropReason.overtaken, "c", "t", 5, 1000, 1, 5)
      const system = yield* decoded(SystemInfo, yield* ask({ path: "/api/v1/system" }))
      assert.deepInclude(system, {
        version: "9.8.7",
        node: process.version,
        pid: process.pid,
        addresses: ["tcp mqtt://127.0.0.1:1883"],
        log: sources.core.log.statistics()
      })
      assert.deepInclude(system.counters, {
        family: "promptmq_network_bytes_total",
        labels: { direction: "in" },
        value: 0
      })
      assert.deepEqual(
        system.drops.map(({ reason, count }) => [reason, count]),
        [["overtaken", 5]]
      )
      assert.isAbove(system.memory.rssBytes, 1_000_000)
      assert.isAtMost(Date.parse(system.startedAt), Date.now())
    })
  )

  it.live("drops shows the rows with times, sequences and what to change, within the limit", () =>
    Effect.gen(function* () {
      const { ask, sources } = yield* opened()
      sources.core.ledger.add(DropReason.overtaken, "c1\n", "a/b", 5, Date.UTC(2026, 0, 1), 10, 14)
      for (let i = 0; i < 9; i++) sources.core.ledger.add(DropReason.outgoingBufferFull, `q${i}`, "t", 1, i)
      const drops = yield* decoded(DropList, yield* ask({ path: "/api/v1/drops?limit=4" }))
      assert.deepEqual(drops.rows[0], {
        reason: "overtaken",
        clientIdentifier: "c1\n",
        topic: "a/b",
        count: 5,
        firstAt: "2026-01-01T00:00:00.000Z",
        lastAt: "2026-01-01T00:00:00.000Z",
        firstSequence: 10,
        lastSequence: 14
      })
      assert.deepEqual([drops.rows.length, drops.rowsLeftOut], [4, 6])
      const { change = "" } = dropReasons[DropReason.outgoingBufferFull] ?? {}
      assert.deepInclude(drops.totals.at(0), { reason: "outgoing-buffer-full", count: 9, change })
      for (const limit of ["0", "10001", "-1", "x", "1.5", ""]) {
        yield* refusedWith(yield* ask({ path: `/api/v1/drops?limit=${limit}` }), "badLimit")
      }
    })
  )
})

describe("admin: settings", () => {
  it.live("lists every setting with value, origin and whether it may change", () =>
    Effect.gen(function* () {
      const { ask } = yield* opened()
      const { settings } = yield* decoded(SettingsList, yield* ask({ path: "/api/v1/settings" }))
      assert.strictEqual(settings.length, settingsLeaves.length)
      const { summary = "" } = leafByKey.get("log.level") ?? {}
      const level = { key: "log.level", value: "info", origin: "--log-level", live: true, summary }
      assert.deepEqual(
        settings.find(({ key }) => key === "log.level"),
        level
      )
    })
  )

  it.live("PATCH changes live settings and says which", () =>
    Effect.gen(function* () {
      const { ask, sources } = yield* opened()
      const body = JSON.stringify({ "log.level": "debug", "limits.max-sessions": 1_000_000 })
      const reply = yield* ask({ method: "PATCH", path: "/api/v1/settings", body })
      assert.strictEqual(reply.status, 200)
      assert.deepEqual(yield* decoded(SettingsChanged, reply), { changed: [{ key: "log.level", value: "debug" }] })
      assert.deepEqual(sources.settings.applied, [["log.level"]])
      assert.strictEqual(sources.settings.current().log.level, "debug")
      const again = yield* ask({ method: "PATCH", path: "/api/v1/settings", body })
      assert.deepEqual(again.json, { changed: [] })
      assert.strictEqual(sources.settings.applied.length, 1)
    })
  )

  it.live("refuses unknown, not live and bad values with all problems, and changes nothing", () =>
    Effect.gen(function* () {
      const { ask, sources } = yield* opened()
      const body = JSON.stringify({ "log.level": "loud", "server.bind": "", nope: 1, "limits.max-sessions": 5 })
      const reply = yield* ask({ method: "PATCH", path: "/api/v1/settings", body })
      assert.strictEqual(reply.status, 422)
      const { errors } = yield* decoded(Failure, reply)
      assert.deepEqual(
        errors.map(({ key }) => key),
        ["log.level", "server.bind", "nope"]
      )
      assert.isTrue(errors.every(({ code, fact, fix }) => /^E\d{4}$/.test(code) && fact !== "" && fix !== ""))
      assert.deepEqual(sources.settings.applied, [])
    })
  )

  it.live("refuses a body that is no JSON object, or too large", () =>
    Effect.gen(function* () {
      const { ask, sources } = yield* opened()
      for (const body of ["", "{", "[]", "null", '"x"', "log.level=debug"]) {
        yield* refusedWith(yield* ask({ method: "PATCH", path: "/api/v1/settings", body }), "malformed")
      }
      const large = JSON.stringify({ "log.level": "x".repeat(bodyBytesMax) })
      yield* refusedWith(yield* ask({ method: "PATCH", path: "/api/v1/settings", body: large }), "bodyTooLarge")
      const nested = "[".repeat(bodyBytesMax)
      yield* refusedWith(yield* ask({ method: "PATCH", path: "/api/v1/settings", body: nested }), "malformed")
      assert.deepEqual(sources.settings.applied, [])
    })
  )
})

describe("admin: who may ask", () => {
  const guarded: ReadonlyArray<Call> = [
    { path: "/api/v1/system" },
    { path: "/api/v1/drops" },
    { path: "/api/v1/settings" },
    { path: "/api/v1/settings", method: "PATCH", body: '{"log.level":"debug"}' }
  ]

  it.live("401 without the right token, on every route that needs one", () =>
    Effect.gen(function* () {
      const { port, token, sources, lines } = yield* opened()
      const wrong = [
        "",
        "Bearer",
        `Bearer ${token}x`,
        `Bearer ${token.slice(1)}`,
        `Basic ${token}`,
        token,
        "Bearer x y"
      ]
      for (const route of guarded) {
        yield* refusedWith(yield* call(port, route), "unauthorized")
        for (const authorization of wrong) {
          const reply = yield* call(port, { ...route, headers: { authorization } })
          yield* refusedWith(reply, "unauthorized")
          assert.strictEqual(reply.headers["www-authenticate"], "Bearer")
        }
        const right = yield* call(port, { ...route, headers: { authorization: `bearer  ${token}` } })
        assert.strictEqual(right.status, 200)
      }
      assert.deepEqual(sources.settings.applied, [["log.level"]])
      assert.notInclude(lines.join(""), token)
    })
  )

  it.live("404 for unknown paths, 405 with Allow for other methods", () =>
    Effect.gen(function* () {
      const { ask } = yield* opened()
      for (const path of [
        "/api/",
        "/api/v1",
        "/api/v1/system/",
        "/api/v2/system",
        "/api/v1/clients//kick",
        "/api/v1/system%2f"
      ]) {
        yield* refusedWith(yield* ask({ path }), "notFound")
      }
      for (const [method, path, allow] of [
        ["POST", "/health", "GET"],
        ["DELETE", "/api/v1/drops", "GET"],
        ["PUT", "/api/v1/settings", "GET, PATCH"],
        ["OPTIONS", "/api/v1/system", "GET"]
      ] as const) {
        const reply = yield* ask({ method, path })
        yield* refusedWith(reply, "wrongMethod")
        assert.strictEqual(reply.headers["allow"], allow)
      }
    })
  )

  it.live("403 for pages of another origin and for other host names, token or not", () =>
    Effect.gen(function* () {
      const { port, ask } = yield* opened()
      for (const origin of ["http://evil.example", "null", "https://127.0.0.1", `http://localhost:${port}`]) {
        yield* refusedWith(yield* ask({ path: "/api/v1/system", headers: { origin } }), "foreignOrigin")
        yield* refusedWith(yield* ask({ headers: { origin } }), "foreignOrigin")
      }
      for (const host of [
        "evil.example",
        `evil.example:${port}`,
        "127.0.0.1.evil.example",
        "1270.0.0.1",
        "localhost.evil"
      ]) {
        yield* refusedWith(yield* ask({ headers: { host } }), "foreignHost")
      }
      for (const host of ["localhost", `localhost:${port}`, "127.0.0.1", `[::1]:${port}`, "LOCALHOST:1"]) {
        const reply = yield* ask({ path: "/api/v1/system", headers: { host, origin: `http://${host}` } })
        assert.strictEqual(reply.status, 200, host)
      }
    })
  )

  it.live("beyond loopback any host name is served, and the log warns", () =>
    Effect.gen(function* () {
      const { port, lines } = yield* opened({ host: "0.0.0.0", port: 0 })
      assert.strictEqual((yield* call(port, { headers: { host: "broker.example" } })).status, 200)
      assert.isTrue(lines.some((line) => line.includes("plain text")))
    })
  )

  it.live("a failing route is answered 500 and told to the log only", () =>
    Effect.gen(function* () {
      const { log, lines } = recordingLog()
      const tokenFile = join(yield* scratchFolder, "admin-token")
      const addresses = (): never => {
        throw new Error("secret detail")
      }
      const sources = { ...(yield* knownSources()), addresses }
      const { port } = yield* openAdmin({
        ...sources,
        address: loopback,
        tokenFile,
        tokensFile: `${tokenFile}s`,
        log
      })
      const authorization = `Bearer ${yield* openTokenFile(tokenFile)}`
      const reply = yield* call(port, { path: "/api/v1/system", headers: { authorization } })
      yield* refusedWith(reply, "internal")
      assert.notInclude(reply.text, "secret detail")
      assert.include(lines.join(""), "secret detail")
    })
  )
})

describe("admin: the listener", () => {
  it.live("fails with the port's owner when the port is taken, and with the token file's fault", () =>
    Effect.gen(function* () {
      const { port, tokenFile } = yield* opened()
      const { log } = recordingLog()
      const options = { ...(yield* knownSources()), tokensFile: `${tokenFile}s`, log }
      const again = openAdmin({ ...options, address: { host: "127.0.0.1", port }, tokenFile })
      const taken = yield* Effect.flip(again)
      assert.strictEqual(taken._tag, "ListenError")
      assert.include(taken.message, "port in use")
      const misplaced = openAdmin({ ...options, address: loopback, tokenFile: join(tokenFile, "x") })
      assert.strictEqual((yield* Effect.flip(misplaced))._tag, "AdminError")
    })
  )

  it.live("closes with its scope, whatever a client keeps open: an idle connection, half a request", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { port, token } = yield* opened().pipe(Effect.provideService(Scope.Scope, scope))
      const head = `PATCH /api/v1/settings HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n`
      const idle = yield* answeredOnce(port, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
      // 100 Continue tells that the server has read the head and waits for the body.
      const half = yield* answeredOnce(port, `${head}Expect: 100-continue\r\nContent-Length: 10\r\n\r\n`)
      yield* Effect.all([Scope.close(scope, Exit.void), ended(idle), ended(half)], { concurrency: 3 })
      const refused = yield* Effect.flip(call(port, {}))
      assert.strictEqual((refused as NodeJS.ErrnoException).code, "ECONNREFUSED")
    })
  )

  it("codes are unique, and all but the shared one can be explained", () => {
    const codes = [...Object.values(failures), ...Object.values(tokenFileFailures)].map((row) => row.code)
    assert.strictEqual(new Set(codes).size, codes.length)
    assert.sameMembers([...Object.keys(adminErrorCodes), failures.unknownSetting.code], codes)
  })
})

describe("admin: storage", () => {
  const post = (path: string, body?: string): Call => ({
    method: "POST",
    path: `/api/v1/storage/${path}`,
    ...(body === undefined ? {} : { body })
  })

  it.live("system shows engine, tickets, space and what the start found; the memory engine has no disk", () =>
    Effect.gen(function* () {
      const { ask } = yield* opened()
      const { storage } = yield* decoded(SystemInfo, yield* ask({ path: "/api/v1/system" }))
      assert.deepEqual(storage, knownStorage)
      const memory = yield* opened(loopback, { isDurable: false })
      const system = yield* decoded(SystemInfo, yield* memory.ask({ path: "/api/v1/system" }))
      assert.strictEqual(system.storage.engine, "memory")
      assert.isUndefined(system.storage.disk)
    })
  )

  it.live("sync needs no body and answers when it is done", () =>
    Effect.gen(function* () {
      const { ask } = yield* opened()
      assert.deepEqual(yield* decoded(StorageSynced, yield* ask(post("sync"))), { durable: 12 })
    })
  )

  it.live("what the store cannot do is told with its reason", () =>
    Effect.gen(function* () {
      const { ask } = yield* opened()
      const reply = yield* ask(post("compact"))
      yield* refusedWith(reply, "storageFailed")
      assert.include(reply.text, "a compaction runs already")
    })
  )

  it.live("backup wants an absolute folder", () =>
    Effect.gen(function* () {
      const { ask } = yield* opened()
      const done = yield* decoded(StorageBackedUp, yield* ask(post("backup", '{"folder": "/backups/1"}')))
      assert.strictEqual(done.folder, "/backups/1")
      for (const body of [undefined, "{}", "[]", "null", '{"folder": "backups"}', '{"folder": 5}']) {
        const isFolder = body === '{"folder": "backups"}'
        yield* refusedWith(yield* ask(post("backup", body)), isFolder ? "noFolder" : "malformed")
      }
    })
  )

  it.live("the memory engine has nothing to sync, compact or back up", () =>
    Effect.gen(function* () {
      const { ask } = yield* opened(loopback, { isDurable: false })
      for (const path of ["sync", "compact"]) yield* refusedWith(yield* ask(post(path)), "notDurable")
      yield* refusedWith(yield* ask(post("backup", '{"folder": "/b"}')), "notDurable")
    })
  )
})
