/**
 * Goal: paths, figures of the store, words of the log, verbs, examples and ports of the original are here, each under the
 * name or with the reason that surfaces.ts gives.
 * Method: one whole broker on disk is asked over HTTP; commands run in process; files of the repository are read.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { runCommandLine } from "../../src/cli/run.ts"
import { ConfigInvalid } from "../../src/config/config-invalid.ts"
import { checkText } from "../../src/config/load.ts"
import { valueFromText } from "../../src/settings/from-text.ts"
import { leafByKey, settingValue } from "../../src/settings/leaves.ts"
import type { LogLevelName } from "../../src/telemetry/log-entry.ts"
import { logFormatFor } from "../../src/telemetry/log-format.ts"
import { Log } from "../../src/telemetry/logging.ts"
import type { Told } from "../admin/whole.ts"
import { repository, run, testWorld } from "../cli/recorded-world.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"
import { duplicates } from "./row.ts"
import {
  commandLines,
  composeVariables,
  exampleRows,
  imagePorts,
  logFormats,
  logLevels,
  nothingNamed,
  pathRows,
  releasePlatforms,
  rotationKeys,
  scriptVerbs,
  statKeys,
  storageRequests,
  walStatKeys
} from "./surfaces.ts"

const root = mkdtempSync(join(tmpdir(), "promptmq-surfaces-"))
const fileOf = (...path: ReadonlyArray<string>): string => readFileSync(join(repository, ...path), "utf8")

describe("over HTTP", () => {
  let broker: WholeBroker
  const tokenFile = join(root, "token")
  const ask = (path: string, headers: Readonly<Record<string, string>>, init: RequestInit = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${broker.running.admin?.port}${path}`, { ...init, headers })
  const asAdmin = (): Record<string, string> => ({
    authorization: `Bearer ${readFileSync(tokenFile, "utf8").trim()}`,
    "content-type": "application/json"
  })
  const api = async (request: string, body?: unknown): Promise<Told> => {
    const [method = "", path = ""] = request.split(" ")
    const sent = body === undefined ? (method === "GET" ? {} : { body: "{}" }) : { body: JSON.stringify(body) }
    const response = await ask(`/api/v1${path}`, asAdmin(), { method, ...sent })
    return { status: response.status, body: await response.json() }
  }

  beforeAll(async () => {
    broker = await startWhole({
      admin: { enabled: true, bind: "127.0.0.1:0", "token-file": tokenFile },
      storage: { engine: "wal", "data-dir": join(root, "data") }
    })
    const reader = await broker.join("reader", { clean: false, properties: { sessionExpiryInterval: 3600 } })
    await reader.subscribe("a/#", 1)
    await reader.leave()
    const writer = await broker.join("writer")
    for (const payload of ["one", "two", "three"]) await writer.publish("a/1", payload, { qos: 1 })
    await writer.publish("a/2", "other", { qos: 1 })
  })

  afterAll(async () => {
    await broker.stop()
    rmSync(root, { recursive: true, force: true })
  })

  for (const { accept, body, contentType, from, path, role } of pathRows) {
    it(`${path} for ${accept} (${from})`, async () => {
      const response = await ask(path, { ...(role === "admin" ? asAdmin() : {}), accept })
      assert.strictEqual(response.status, 200)
      assert.match(response.headers.get("content-type") ?? "", contentType)
      assert.match(await response.text(), body)
      if (role === "admin") assert.strictEqual((await ask(path, { accept })).status, 401, "without a token")
    })
  }

  it("the store's figures are told under every name (A13)", async () => {
    assert.isEmpty(duplicates(statKeys))
    const { body, status } = await api("GET /storage/stats")
    assert.strictEqual(status, 200)
    assert.sameMembers(Object.keys(body), [...statKeys])
    assert.isNotEmpty(body.wal_stats_sample)
    for (const file of body.wal_stats_sample) assert.sameMembers(Object.keys(file), [...walStatKeys])
    assert.deepInclude(body, {
      total_messages: 4,
      topic_count: 2,
      sync_mode: "immediate",
      force_fsync: false,
      memory_buffer_size: 268_435_456,
      compaction_active_workers: 0
    })
    assert.isAbove(body.total_bytes, 0)
    assert.isAbove(body.total_wal_size, 0)
    assert.strictEqual(body.next_message_id, broker.core.log.next)
  })

  for (const [what, here] of storageRequests) {
    it(`${what} is ${here.as === "renamed" ? here.to : "here"}`, async () => {
      if (here.as !== "renamed") return assert.fail("each has a way here")
      const change = what === "sync mode at run time" ? { "storage.wal.sync-mode": "batch" } : undefined
      const { status } = await api(here.to, change)
      assert.strictEqual(status, 200)
    })
  }

  it("messages of a topic come oldest first, as many as were asked for, and go on where they stopped", async () => {
    const texts = (body: { messages: ReadonlyArray<{ payload: { value: string } }> }) =>
      body.messages.map(({ payload }) => payload.value)
    const first = (await api("GET /topics/messages?topic=a/1&limit=2")).body
    assert.deepEqual(texts(first), ["one", "two"])
    const rest = (await api(`GET /topics/messages?topic=a/1&after=${first.next}`)).body
    assert.deepEqual([texts(rest), rest.next], [["three"], null])
    assert.deepEqual((await api("GET /topics/messages?topic=none")).body, { messages: [], next: null })
    assert.strictEqual((await api("GET /topics/messages?topic=a/%23")).status, 400)
  })

  it("compaction is counted, and so is what it removed", async () => {
    const before = (await api("GET /storage/stats")).body
    await api("POST /storage/compact")
    const after = (await api("GET /storage/stats")).body
    assert.strictEqual(after.compaction_total_compactions, before.compaction_total_compactions + 1)
    assert.strictEqual(after.compaction_messages_removed, before.total_messages - after.total_messages)
  })
})

describe("the log", () => {
  const severity = (level: string): number => Math.min(logLevels.indexOf(level as "info"), logLevels.indexOf("fatal"))

  for (const level of logLevels) {
    it(`level ${level} lets through what is as severe`, async () => {
      const { code } = await run(["config", "show", "--log-level", level])
      assert.strictEqual(code, 0)
      const written: Array<string> = []
      const log = new Log({
        format: "text",
        level,
        colour: false,
        write: (text) => written.push(text),
        wallClockMs: () => 0
      })
      for (const each of logLevels.slice(0, -1)) log.write(each as LogLevelName, each)
      assert.strictEqual(written.length, logLevels.length - 1 - severity(level))
    })
  }

  for (const format of logFormats) {
    it(`format ${format} is one of its own`, async () => {
      const { out } = await run(["config", "show", "--json", "--log-format", format])
      assert.strictEqual(JSON.parse(out)["log.format"].value, format)
      const written: Array<string> = []
      const write = (text: string) => written.push(text)
      const log = new Log({
        format: logFormatFor(format, false),
        level: "info",
        colour: false,
        write,
        wallClockMs: () => 0
      })
      log.write("info", "hello", { a: 1 })
      const shape = { json: /^\{"time":/, text: /^time=\S+ level=info /, console: /^\d\d:\d\d:\d\d/ }
      assert.match(written[0] ?? "", shape[format])
    })
  }

  for (const [key, example] of rotationKeys) {
    it(`${key} is a key with a flag`, async () => {
      const leaf = leafByKey.get(key) ?? assert.fail(key)
      const { out } = await run(["config", "show", "--json", `--${leaf.flag}`, example])
      assert.notDeepEqual(JSON.parse(out)[key].value, leaf.fallback)
    })
  }
})

describe("verbs", () => {
  const { scripts } = JSON.parse(fileOf("package.json")) as { readonly scripts: Readonly<Record<string, string>> }

  for (const [verb, here] of scriptVerbs) {
    it(`${verb} of the build script: ${here.as === "renamed" ? `${here.to}, because ${here.because}` : `npm run ${verb}`}`, () => {
      if (here.as === "renamed") {
        assert.notProperty(scripts, verb)
        assert.include(fileOf("README.md"), here.to)
        return
      }
      const line = scripts[verb] ?? assert.fail(`package.json has no script ${verb}`)
      if (here.as === "alias") assert.include(line, `npm run ${here.of}`)
      for (const [file = ""] of line.matchAll(/\.ci\/[\w.-]+|config\/[\w./-]+/g)) {
        assert.isTrue(existsSync(join(repository, file)), file)
      }
    })
  }

  for (const [words, from] of commandLines) {
    it(`promptmq ${words.join(" ")}: ${from}`, async () => {
      if (words[0] === "health") {
        assert.strictEqual((await run(["health", "--url", "http://127.0.0.1:1"])).code, 1)
        return
      }
      const world = testWorld({ workingDirectory: root })
      const flags = ["--bind", "127.0.0.1:0", "--ws-bind", "", "--admin=false", "--storage-engine", "memory"]
      const code = runCommandLine([...words, ...flags], world)
      await world.stderr.until(/mqtt:\/\/127\.0\.0\.1:\d+/)
      world.signal("SIGTERM")
      assert.strictEqual(await code, 0)
    })
  }
})

describe("files", () => {
  const loaded = async (name: string) => {
    const surroundings = { environment: {}, workingDirectory: "/w", homeDirectory: "/h" }
    const text = fileOf("config", `${name}.yaml`)
    const result = await Effect.runPromise(Effect.result(checkText(text, name, surroundings)))
    const merged = Result.merge(result)
    return merged instanceof ConfigInvalid ? assert.fail(merged.message) : merged
  }

  for (const { differs = {}, from, here, name, values } of exampleRows) {
    it(`config/${name}.yaml (${from}): ${here.as === "not taken" ? `not taken, because ${here.because}` : "loads, and says what was documented"}`, async () => {
      if (here.as === "not taken") return assert.isFalse(existsSync(join(repository, "config", `${name}.yaml`)))
      const { settings } = await loaded(name)
      for (const [key, documented] of Object.entries(values)) {
        const leaf = leafByKey.get(key) ?? assert.fail(key)
        const theirs = leaf.spec.encode(leaf.spec.decode(valueFromText(leaf, documented)))
        const ours = leaf.spec.encode(settingValue(settings, leaf))
        if (differs[key] === undefined) assert.deepEqual(ours, theirs, key)
        else assert.notDeepEqual(ours, theirs, `${key}: ${differs[key]}`)
      }
    })
  }

  it("the image opens the documented ports, and compose sets the documented variables", () => {
    const exposed =
      /^EXPOSE (.*)$/m
        .exec(fileOf("config", "docker", "Dockerfile"))?.[1]
        ?.split(" ")
        .map(Number) ?? []
    assert.includeMembers(exposed, [...imagePorts])
    for (const name of composeVariables) assert.include(fileOf("config", "docker", "compose.yaml"), `${name}:`)
  })

  it("a release has an archive for each documented platform, and sums", () => {
    const script = fileOf(".ci", "release.mjs")
    for (const [, ours] of releasePlatforms) assert.include(script, `"${ours}"`)
    assert.include(script, "SHA256SUMS")
  })

  it("kinds of names that nobody named say so", () => {
    for (const [what, why] of nothingNamed) {
      for (const [file = ""] of why.matchAll(/(?:test|src)\/[\w./-]+\.ts/g)) {
        assert.isTrue(existsSync(join(repository, file)), `${what}: ${file}`)
      }
    }
  })
})
