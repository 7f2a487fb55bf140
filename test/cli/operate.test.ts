/**
 * The operating commands against an admin API that the test makes: what they ask, what they print for people and for programs,
 * how they end. With the real API: operate-live.test.ts.
 */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { clientRow, overview, refused } from "./admin-stub.ts"
import { chunks, type Ran, run, type WorldOptions } from "./recorded-world.ts"
import { stubPlace } from "./stub-place.ts"
import { freePort } from "./tools.ts"

const place = stubPlace()
const { at } = place
const ask = (words: ReadonlyArray<string>, options: WorldOptions = {}): Promise<Ran> =>
  run([...words, ...at()], options)
const lastAsked = () => {
  const last = place.stub.asked.at(-1)
  return last === undefined ? undefined : [last.method, decodeURIComponent(last.url), last.body]
}

describe("status", () => {
  it("tells health, version, addresses, rates and promise; 0 when all is well", async () => {
    const { code, err, out } = await ask(["status"])
    assert.deepEqual([code, err], [0, ""])
    assert.match(
      out,
      /^ok {2}promptmq 0\.1\.0, pid 4711, up 3 h 12 min \(since 2026-11-21 \d\d:\d\d:\d\d [+-]\d\d:\d\d\)\n/
    )
    assert.match(out, /\naddress +mqtt:\/\/127\.0\.0\.1:1883\naddress +ws:/)
    assert.match(out, /\nclients +1 connected, 2 sessions, 3 subscriptions\n/)
    assert.match(out, /\nmessages +1,235\/s in, 7\.3\/s out; 2\.0 KiB\/s in, 100 B\/s out\n/)
    assert.match(out, /\nacknowledged +p50 1\.23 ms, p99 45\.6 ms; synced in p50 -, p99 -\n/)
    assert.match(out, /\npromise +in memory/)
    assert.match(out, /\ndrops +2\/s; queue-full 12\n/)
    const json = JSON.parse((await ask(["status", "--json"])).out)
    assert.deepEqual(
      [json.version, json.system.version, json.system.pid, json.overview.clientsConnected],
      [1, "0.1.0", 4711, 1]
    )
  })

  it("names the failing check, and ends with 1", async () => {
    const checks = [{ name: "disk", status: "failing", fact: "the disk is full" }]
    place.stub.answers.set("GET /api/v1/overview", { body: { ...overview, status: "failing", checks } })
    const { code, out } = await ask(["status"])
    assert.strictEqual(code, 1)
    assert.match(out, /^failing .*\nfailing +disk: the disk is full\n/)
  })

  it("--quiet says nothing and is 0 or 1", async () => {
    assert.deepEqual(await silent(["status", "--quiet"]), [0, "", ""])
    place.stub.answers.set("GET /health", { status: 503, body: { status: "failing", checks: [] } })
    assert.deepEqual(await silent(["status", "--quiet"]), [1, "", ""])
    const port = await freePort()
    const gone = await run(["status", "--quiet", "--url", `http://127.0.0.1:${port}`])
    assert.deepEqual([gone.code, gone.out, gone.err], [1, "", ""])
  })
})

const silent = async (words: ReadonlyArray<string>) => {
  const { code, err, out } = await ask(words)
  return [code, out, err]
}

describe("health", () => {
  it("is 0 or 1, names what fails, and needs no token", async () => {
    const well = await run(["health", "--url", `http://127.0.0.1:${place.stub.port}`])
    assert.deepEqual([well.code, well.out, well.err], [0, "ok\n", ""])
    const checks = [
      { name: "loop", status: "ok" },
      { name: "disk", status: "failing", fact: "full" }
    ]
    place.stub.answers.set("GET /health", { status: 503, body: { status: "failing", checks } })
    assert.deepEqual(await silent(["health"]), [1, "failing\n  disk: full\n", ""])
    assert.deepEqual(JSON.parse((await ask(["health", "--json"])).out), { version: 1, status: "failing", checks })
    const gone = await run(["health", "--url", `http://127.0.0.1:${await freePort()}`])
    assert.strictEqual(gone.code, 1)
    assert.match(gone.err, /E4001 .*connection refused/)
    place.stub.answers.set("GET /health", { body: "hello" })
    assert.strictEqual((await ask(["health"])).code, 1)
  })
})

describe("lists", () => {
  it("pass filter, sort and limit on, align numbers, say how many there are", async () => {
    const { code, err, out } = await ask(["clients", "--filter", "a&b", "--sort", "-drops", "--limit", "7"])
    assert.strictEqual(code, 0)
    assert.deepEqual(lastAsked(), ["GET", "/api/v1/clients?filter=a&b&sort=-drops&limit=7", undefined])
    assert.strictEqual(err, "2 clients\n")
    const [head = "", first = "", second = ""] = out.split("\n")
    assert.match(head, /^client +state +user +address +MQTT +filters +in flight +behind +unsent +drops +since$/)
    assert.match(first, /^c1 +connected +alice +127\.0\.0\.1:50000 +5\.0 +2 +3\/65,535 +12,345 +2\.0 KiB +7 +2026-/)
    const end = head.indexOf("behind") + "behind".length
    assert.deepEqual([first.slice(end - 6, end), second.slice(end - 6, end)], ["12,345", "     0"])
    assert.strictEqual((await ask(["clients", "--sort", "nonsense"])).code, 2)
    assert.strictEqual((await ask(["clients", "--limit", "10001"])).code, 2)
  })

  it("never print what a terminal would obey", async () => {
    for (const words of [["clients"], ["clients", "--json"]]) {
      const { out } = await ask(words, { isTerminal: true, env: { NO_COLOR: "1" } })
      assert.include(out, "evil\\u001b[2J\\u009b")
      assert.notMatch(out, /[\p{Cc}--\n]/v)
    }
  })

  it("say that more are there than shown", async () => {
    place.stub.answers.set("GET /api/v1/clients", { body: { items: [clientRow], total: 50_000, isTotalExact: false } })
    assert.strictEqual((await ask(["clients"])).err, "at least 50,000 clients, 1 shown; --limit and --filter choose\n")
  })

  it("are one document with --json, with all that the API says", async () => {
    const { err, out } = await ask(["clients", "--json"])
    assert.strictEqual(err, "")
    const { items, version } = JSON.parse(out)
    assert.deepEqual([version, items[0]], [1, clientRow])
  })

  it("subs by topic and client; topics by level; retained by filter; bans; queues with shared groups", async () => {
    const subs = await ask(["subs", "--topic", "plant/1", "--client", "c1"])
    assert.deepEqual(lastAsked()?.[1], "/api/v1/subscriptions?limit=100&topic=plant/1&client=c1")
    assert.match(subs.out, /\nc1 +plant\/# +pool +1 +never +no local +42\n$/)
    const topics = await ask(["topics", "plant/"])
    assert.deepEqual(lastAsked()?.[1], "/api/v1/topics?prefix=plant&limit=100")
    assert.match(topics.out, /\nplant\/ +3 +1,234 +no\n$/)
    const retained = await ask(["retained", "ls", "plant/#"])
    assert.deepEqual(lastAsked()?.[1], "/api/v1/retained?filter=plant/#&limit=100")
    assert.match(retained.out, /\nplant\/1 +1 +8 B +2026-.* - +c1\n$/)
    const bans = await ask(["bans"])
    assert.match(bans.out, /\nuser:c1 +user +c1 +2026-.*admin +floods\n/)
    const queues = await ask(["queues"])
    assert.strictEqual(queues.err, "1 session, 1 shared group\n")
    assert.match(
      queues.out,
      /\nc1 +connected +2 +3\/65,535 +12,345 .*\n\nshared subscriptions\n.*\npool +plant\/# +round-robin +1 +4 +c1\n$/
    )
    assert.deepEqual(JSON.parse((await ask(["queues", "--json"])).out).groups[0].share, "pool")
  })
})

describe("one", () => {
  it("client: how it connected, its subscriptions, what is under way, its will, its history", async () => {
    const { code, out } = await ask(["client", "c1"])
    assert.strictEqual(code, 0)
    assert.match(out, /\nuser +alice, groups staff, vouched for by password-file\n/)
    assert.match(out, /\nsession ends +after 1 h 1 min\n/)
    assert.match(out, /\nwill +gone, QoS 1, retained, 3 B, after 5 s\n/)
    assert.match(out, /\nin flight: 3\n.*\n +5 +1 +sent +17 +plant\/1\n/)
    assert.match(out, /\nevents: 1\n.*\n2026.* connected +127\.0\.0\.1:50000 +0x00 +5\.0\n$/)
    const fix = "GET /api/v1/clients lists them, GET /api/v1/users/x does not"
    place.stub.answers.set("GET /api/v1/clients/no%2Fsuch%20one", {
      status: 404,
      body: { errors: [{ code: "E6101", key: "id", fact: "there is no such thing", fix }] }
    })
    const missing = await ask(["client", "no/such one"])
    assert.deepEqual(place.stub.asked.at(-1)?.url, "/api/v1/clients/no%2Fsuch%20one")
    assert.deepEqual([missing.code, missing.out], [6, ""])
    assert.match(
      missing.err,
      /^error E6101 {2}id: there is no such thing\n {3}fix: promptmq clients lists them, GET \/api\/v1\/users\/x/
    )
  })

  it("topic: subscribers, what is retained, the last message", async () => {
    const { out } = await ask(["topic", "plant/1"])
    assert.deepEqual(lastAsked()?.[1], "/api/v1/topics/value?topic=plant/1")
    assert.match(out, /\nsubscribers +3: c1 and 2 more\n/)
    assert.match(out, /\nlast message\n[\s\S]*\npayload +\{"t":21\}\n$/)
    assert.match((await ask(["topic", "a/#"])).err, /E2002 .*wildcard/)
  })

  it("retained get: the payload as it is, 6 when there is none, 1 when it is cut", async () => {
    assert.deepEqual(await silent(["retained", "get", "plant/1"]), [0, '{"t":21}', ""])
    assert.strictEqual((await ask(["retained", "get", "plant/1"], { isTerminal: true })).out, '{"t":21}\n')
    const { body } = place.stub.answers.get("GET /api/v1/retained/value") as { body: object }
    const evil = { encoding: "utf8", value: "a\tb\u001b[2J\nc\n", sizeBytes: 10, isCut: false }
    place.stub.answers.set("GET /api/v1/retained/value", { body: { ...body, payload: evil } })
    assert.strictEqual((await ask(["retained", "get", "plant/1"], { isTerminal: true })).out, "a\tb\\u001b[2J\nc\n")
    assert.strictEqual((await ask(["retained", "get", "plant/1"])).out, evil.value)
    const payload = {
      encoding: "base64",
      value: Buffer.from([0, 255]).toString("base64"),
      sizeBytes: 100_000,
      isCut: true
    }
    place.stub.answers.set("GET /api/v1/retained/value", { body: { ...body, payload } })
    const cut = await ask(["retained", "get", "plant/1"])
    assert.deepEqual([cut.code, [...cut.bytes]], [1, [0, 255]])
    assert.match(cut.err, /97\.7 KiB: only its beginning/)
    place.stub.answers.delete("GET /api/v1/retained/value")
    assert.strictEqual((await ask(["retained", "get", "plant/1"])).code, 6)
  })
})

describe("changes", () => {
  const rows: ReadonlyArray<readonly [line: string, request: ReadonlyArray<unknown>, said: string]> = [
    ["kick c1", ["POST", "/api/v1/clients/c1/kick", undefined], "c1: disconnected\n"],
    ["disconnect c1", ["POST", "/api/v1/clients/c1/kick", undefined], "c1: disconnected\n"],
    ["kick c1 --end-session", ["DELETE", "/api/v1/clients/c1", undefined], "c1: session ended\n"],
    ["drop-queue c1 --force", ["POST", "/api/v1/clients/c1/drop-queue", undefined], "c1: 12 messages dropped\n"],
    [
      "unsubscribe c1 plant/#",
      ["POST", "/api/v1/clients/c1/unsubscribe", { filter: "plant/#" }],
      "c1: no longer subscribed to plant/#\n"
    ],
    [
      "unban 192.0.2.0/24",
      ["DELETE", "/api/v1/bans/address:192.0.2.0/24", undefined],
      "address 192.0.2.0/24 is no longer banned\n"
    ],
    ["unban user:c1", ["DELETE", "/api/v1/bans/user:c1", undefined], "user c1 is no longer banned\n"],
    ["retained rm plant/1", ["DELETE", "/api/v1/retained?filter=plant/1", undefined], "3 retained messages cleared\n"],
    [
      "retained rm plant/# --force",
      ["DELETE", "/api/v1/retained?filter=plant/#", undefined],
      "3 retained messages cleared\n"
    ],
    [
      "retained rm plant/# --dry-run",
      ["DELETE", "/api/v1/retained?filter=plant/#&dry-run=true", undefined],
      "3 retained messages would be cleared\n"
    ]
  ]
  for (const [line, request, said] of rows) {
    it(line, async () => {
      const { code, err, out } = await ask(line.split(" "))
      assert.deepEqual([code, out, err], [0, said, ""])
      assert.deepEqual(lastAsked(), request as Array<string>)
      assert.strictEqual(JSON.parse((await ask([...line.split(" "), "--json"])).out).version, 1)
    })
  }

  it("ban: one of id, client, user and address, for a time or for good", async () => {
    const body = async (...words: ReadonlyArray<string>) => {
      const { code, err, out } = await ask(["ban", ...words])
      assert.strictEqual(code, 0, err)
      assert.match(out, /^client c1 is banned until 2026-.*: ban client:c1\n$/)
      return lastAsked()?.[2]
    }
    assert.deepEqual(await body("c1", "--for", "1h", "--reason", "x"), { client: "c1", seconds: 3600, reason: "x" })
    assert.deepEqual(await body("--client", "c1"), { client: "c1" })
    assert.deepEqual(await body("--user", "alice", "--for", "1m30s"), { user: "alice", seconds: 90 })
    assert.deepEqual(await body("--address", "192.0.2.0/24"), { address: "192.0.2.0/24" })
    for (const words of [
      ["c1", "--user", "a"],
      ["c1", "--client", "c1"],
      ["--reason", "x"],
      ["c1", "--for", "1x"]
    ]) {
      assert.strictEqual((await ask(["ban", ...words])).code, 2, words.join(" "))
    }
  })

  it("ask back before what nobody can bring back", async () => {
    for (const words of [
      ["drop-queue", "c1"],
      ["retained", "rm", "plant/#"]
    ]) {
      const { code, err, out } = await ask(words)
      assert.deepEqual([code, out], [2, ""])
      assert.match(err, /(nothing was dropped|none was)\n {3}fix: .*--force/)
      assert.isTrue(place.stub.asked.every(({ method, url }) => method === "GET" || url.includes("dry-run=true")))
    }
  })

  it("unban names what it could mean, and ends with 6 for nobody", async () => {
    const two = await ask(["unban", "c1"])
    assert.deepEqual([two.code, two.out], [2, ""])
    assert.match(two.err, /client:c1 \(client\) and user:c1 \(user\)/)
    assert.strictEqual((await ask(["unban", "nobody"])).code, 6)
  })

  it("retained set: from text, file or input, any bytes; retained rm of nothing is 6", async () => {
    const body = async (words: ReadonlyArray<string>, options: WorldOptions = {}) => {
      const { code, err } = await ask(["retained", "set", "plant/1", ...words], options)
      assert.strictEqual(code, 0, err)
      return lastAsked()?.[2]
    }
    const message = (bytes: Buffer) => ({
      topic: "plant/1",
      payload: bytes.toString("base64"),
      encoding: "base64",
      qos: 1,
      retain: true
    })
    assert.deepEqual(await body(["-m", "é"]), message(Buffer.from("é")))
    writeFileSync(join(place.folder, "payload"), Buffer.from([0, 255]))
    const given = ["-f", join(place.folder, "payload"), "--expiry", "60", "--content-type", "a/b", "-q", "2"]
    const rich = { ...message(Buffer.from([0, 255])), qos: 2, messageExpirySeconds: 60, contentType: "a/b" }
    assert.deepEqual(await body(given), rich)
    assert.deepEqual(await body(["-s"], { stdin: chunks("a", "b") }), message(Buffer.from("ab")))
    for (const words of [[], ["-m", ""], ["-m", "a", "-s"]]) {
      assert.strictEqual((await ask(["retained", "set", "plant/1", ...words])).code, 2)
    }
    place.stub.answers.set("DELETE /api/v1/retained", { body: { matched: 30_000, cleared: 10_000 } })
    const part = await ask(["retained", "rm", "#", "--force"])
    assert.strictEqual(part.out, "10,000 retained messages cleared of 30,000; run it again for the rest\n")
    place.stub.answers.set("DELETE /api/v1/retained", { body: { matched: 0, cleared: 0 } })
    assert.strictEqual((await ask(["retained", "rm", "plant/1"])).code, 6)
  })

  it("log-level shows what is, and --for asks the broker to go back by itself", async () => {
    assert.strictEqual((await ask(["log-level"])).out, "info\n")
    assert.strictEqual((await ask(["log-level", "debug"])).code, 0)
    const [change] = place.stub.asked.splice(0).filter(({ method }) => method === "PATCH")
    assert.deepEqual(change?.body, { "log.level": "debug" })
    const until = "2026-11-21T20:10:00.000Z"
    const raised = {
      level: "info",
      raises: [
        { level: "debug", client: null, until },
        { level: "trace", client: "c1", until }
      ]
    }
    place.stub.answers.set("POST /api/v1/logs/level", { body: raised })
    const { code, out } = await ask(["log-level", "debug", "--for", "90s"])
    assert.strictEqual(code, 0)
    assert.match(out, /^info; debug until .+; trace for "c1" until .+\n$/)
    assert.deepEqual(lastAsked(), ["POST", "/api/v1/logs/level", { level: "debug", seconds: 90 }], "OPERATE-5")
    await ask(["log-level", "debug", "--for", "1m", "--client", "c1"])
    assert.deepEqual(lastAsked()?.[2], { level: "debug", seconds: 60, client: "c1" })
    assert.isEmpty(place.stub.asked.filter(({ method }) => method === "PATCH"))
    for (const words of [
      ["loud"],
      ["--for", "1m"],
      ["debug", "--client", "c1"],
      ["debug", "--for", "2d"],
      ["debug", "--for", "x"]
    ]) {
      assert.strictEqual((await ask(["log-level", ...words])).code, 2, words.join(" "))
    }
  })
})

describe("which broker", () => {
  it("4 and what to start when nobody answers, also before any broker has made a token", async () => {
    const port = await freePort()
    const words = [["status"], ["clients"], ["kick", "c1"], ["top"], ["retained", "get", "a"], ["log-level"]]
    for (const each of words) {
      const config = join(place.folder, "broker.json")
      writeFileSync(
        config,
        JSON.stringify({ admin: { bind: `127.0.0.1:${port}`, "token-file": join(place.folder, "none") } })
      )
      const { code, err, out } = await run([...each, "-c", config])
      assert.deepEqual([code, out], [4, ""], each.join(" "))
      assert.match(
        err,
        /^error E4001 {2}cannot reach a broker's admin API at http:\/\/127\.0\.0\.1:\d+: connection refused\n {3}fix: promptmq starts one/
      )
    }
    const off = await run(["clients", "-c", configOf({ enabled: false })])
    assert.strictEqual(off.code, 4)
    assert.match(off.err, /admin\.enabled: false/)
  })

  it("5 without a token, with a wrong one, and where the role does not suffice", async () => {
    const config = configOf({ bind: `127.0.0.1:${place.stub.port}`, "token-file": join(place.folder, "none") })
    const none = await run(["clients", "-c", config])
    assert.strictEqual(none.code, 5)
    assert.match(none.err, /E5003 {2}no token for the broker at http:.*none: /)
    assert.lengthOf(place.stub.asked, 0)
    writeFileSync(join(place.folder, "token"), `${"x".repeat(43)}\n`)
    const wrong = await ask(["clients"])
    assert.strictEqual(wrong.code, 5)
    assert.match(wrong.err, /E5101.*\n +fix: .*--data-dir.*--token-file/)
    assert.notInclude(wrong.err, "Authorization")
    assert.notInclude(wrong.err, "xxx")
    writeFileSync(join(place.folder, "token"), `${place.stub.token}\n`)
    place.stub.answers.set("POST /api/v1/clients/c1/kick", refused(403, "E5110", "this needs the role operator"))
    assert.strictEqual((await ask(["kick", "c1"])).code, 5)
  })

  it("takes address and token of the configuration, or the flags; another machine never gets the token", async () => {
    const config = configOf({ bind: `127.0.0.1:${place.stub.port}`, "token-file": join(place.folder, "token") })
    assert.strictEqual((await run(["clients", "-c", config])).code, 0)
    const here = await run(["clients", "-c", config, "--url", `http://127.0.0.1:${place.stub.port}`])
    assert.strictEqual(here.code, 0)
    writeFileSync(join(place.folder, "admin-token"), place.stub.token)
    const byFolder = await run(["clients", "--url", `http://127.0.0.1:${place.stub.port}`, "--data-dir", place.folder])
    assert.strictEqual(byFolder.code, 0)
    for (const url of ["nonsense", "ftp://a", "http://u:secret@127.0.0.1:1"]) {
      const { code, err } = await run(["clients", "--url", url])
      assert.strictEqual(code, 2, url)
      assert.notInclude(err, "secret")
    }
    // The system takes it for this machine; by its name it could be any.
    const shown = place.stub.tokensShown()
    const away = await run(["clients", "-c", config, "--url", `http://0.0.0.0:${place.stub.port}`])
    assert.strictEqual(away.code, 5)
    assert.match(away.err, /E5003 .*0\.0\.0\.0 is another machine, which is not shown this one's token/)
    assert.strictEqual(place.stub.tokensShown(), shown)
    const gone = await run(["clients", "--url", "http://broker.invalid:9090"])
    assert.strictEqual(gone.code, 4)
    assert.match(gone.err, /E4001 .*broker\.invalid/)
  })

  it("an answer that it cannot understand is told, not shown in part", async () => {
    place.stub.answers.set("GET /api/v1/clients", {
      body: { items: [{ clientIdentifier: 1 }], total: 1, isTotalExact: true }
    })
    const { code, err, out } = await ask(["clients"])
    assert.deepEqual([code, out], [1, ""])
    assert.match(err, /E1001 {2}the answer cannot be understood: .*\n {3}fix: the broker is of another version/)
  })
})

const configOf = (admin: object): string => {
  const file = join(place.folder, "of.json")
  writeFileSync(file, JSON.stringify({ admin }))
  return file
}
