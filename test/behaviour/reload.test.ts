/**
 * Goal: the configuration, and the files it names, are read again while clients are connected: all or nothing, by SIGHUP,
 * by the desk the admin API uses, and when the file changes.
 * Method: the whole broker from a file in a folder of its own; the file is written anew and reloaded. Signals: the
 * command itself, in process, with a world whose signals the test sends.
 */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { runCommandLine } from "../../src/cli/run.ts"
import { type LoadInput, loadSettings } from "../../src/config/load.ts"
import { run, testWorld } from "../cli/recorded-world.ts"
import { timePasses } from "../support/time.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-reload-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Whole or not at all, as an editor does. */
const write = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(`${path}.aside`, text, { mode: 0o600 })
  renameSync(`${path}.aside`, path)
  return path
}

const base = (more = "", name = "data") => `server: { bind: "127.0.0.1:0", ws-bind: "" }
storage: { data-dir: ${join(folder, name)} }
${more}`

const startFrom = (file: string): Promise<WholeBroker> => {
  const input: LoadInput = { file, flags: new Map(), environment: {}, workingDirectory: folder, homeDirectory: folder }
  const load = async () => {
    const result = await Effect.runPromise(Effect.result(loadSettings(input)))
    return Result.isSuccess(result) ? result.success : result.failure
  }
  return startWhole({}, { load, configFile: file })
}

const off = "admin: { enabled: false }\n"

const deskOf = ({ running }: WholeBroker) => running.configuration ?? assert.fail("no desk")

describe("a reload", () => {
  it("takes a topic from clients that are connected, and said before who loses what", async () => {
    const rules = (topics: string) =>
      write("acl.yaml", `rules:\n  - { effect: allow, actions: [publish, subscribe], topics: "${topics}" }\n`)
    const acl = rules("#")
    const file = write("acl-broker.yaml", base(`${off}acl: { rules-file: ${acl} }\n`, "acl-data"))
    await using broker = await startFrom(file)
    const reader = await broker.join("reader")
    const publisher = await broker.join("publisher")
    await reader.subscribe("plant/#", 1)
    await publisher.publish("plant/1", "before", { qos: 1 })
    assert.strictEqual((await reader.take("publish")).payload.toString(), "before")
    rules("office/#")
    const { clientsAffected, impacts, topicsAffected } = await deskOf(broker).diff()
    assert.deepEqual([clientsAffected, topicsAffected], [2, 2])
    assert.include(
      impacts.map(({ clientIdentifier, what }) => `${clientIdentifier} ${what}`),
      "reader subscribe plant/#"
    )
    assert.strictEqual(await publisher.publish("plant/1", "still", { qos: 1 }), 0, "a diff changes nothing")
    assert.strictEqual((await reader.take("publish")).payload.toString(), "still")
    assert.property(await deskOf(broker).reload(), "applied")
    assert.strictEqual(await publisher.publish("plant/1", "after", { qos: 1 }), 0x87)
    await reader.quiet()
  })

  it("can be preceded by a look at rules that are in no file of the broker's yet", async () => {
    const token = join(folder, "preview-token")
    const admin = `admin: { bind: "127.0.0.1:0", token-file: ${token} }\n`
    const list = (topics: string) => `rules: [{ effect: allow, topics: "${topics}" }]\n`
    const acl = write("preview-acl.yaml", list("#"))
    const file = write("preview.yaml", base(`${admin}acl: { rules-file: ${acl} }\n`, "preview-data"))
    await using broker = await startFrom(file)
    for (const name of ["one", "two", "three"]) await (await broker.join(name)).subscribe("plant/#", 1)
    const diff = (name: string) => {
      const place = `--url http://127.0.0.1:${broker.running.admin?.port} --token-file ${token}`
      return run(`config diff --rules ${name} ${place}`.split(" "), { workingDirectory: folder })
    }
    write("preview-new.yaml", list("office/#"))
    const told = await diff("preview-new.yaml")
    assert.deepEqual([told.code, told.err], [0, "3 clients lose access to 1 topic\n"])
    assert.match(told.out, /^"one" loses subscribe plant\/# {2}\(.*\)\n"two" /)
    assert.strictEqual((await diff("preview-acl.yaml")).err, "no connected client loses anything\n")
    write("preview-new.yaml", "rules: [{ effect: alow }]\n")
    const wrong = await diff("preview-new.yaml")
    assert.strictEqual(wrong.code, 3)
    assert.match(wrong.err, /^error E3522 {2}preview-new\.yaml:1:\d+ /)
    assert.strictEqual((await diff("preview-none.yaml")).code, 6)
    assert.strictEqual(broker.core.sessions.get("one")?.subscriptions.size, 1, "a look changes nothing")
  })

  it("of a file that is wrong keeps everything, in one line, and the metric says 0", async () => {
    const file = write("bad.yaml", base(off, "bad-data"))
    await using broker = await startFrom(file)
    write("bad.yaml", base(`${off}log: { level: debug }\nmqtt: { max-qos: 9 }\n`, "bad-data"))
    assert.isFalse("applied" in (await deskOf(broker).reload()))
    assert.isFalse(broker.running.reloads.isGood)
    const told = broker.log.filter((line) => line.includes("is refused"))
    assert.strictEqual(told.length, 1)
    assert.match(told[0] ?? "", /the old one stays in force.*code=E3105.*bad\.yaml:5:18/)
    const { length } = broker.log
    await broker.join("quiet")
    assert.notInclude(broker.log.slice(length).join(""), "level=debug", "the level of the refused file")
    write("bad.yaml", base(`${off}mqtt: { max-qos: 1 }\n`, "bad-data"))
    assert.property(await deskOf(broker).reload(), "applied")
    assert.isTrue(broker.running.reloads.isGood)
    const { properties } = await (await broker.dial()).connect("later")
    assert.strictEqual(properties?.maximumQoS, 1)
  })

  it("exchanges users, and refuses all of it for a password file that is damaged", async () => {
    const add = (name: string) =>
      runCommandLine(
        ["user", "add", name, "--file", join(folder, "passwords")],
        testWorld({ stdin: textOf("secret-1\n") })
      )
    assert.strictEqual(await add("ada"), 0)
    const users = `${off}auth: { chain: [password-file], password-file: ${join(folder, "passwords")}, allow-anonymous: false }\n`
    const file = write("users.yaml", base(users, "users-data"))
    await using broker = await startFrom(file)
    const code = async (username: string) =>
      (await (await broker.dial()).connect(username, { username, password: Buffer.from("secret-1") })).reasonCode
    assert.strictEqual(await code("bob"), 0x86)
    assert.strictEqual(await add("bob"), 0)
    assert.property(await deskOf(broker).reload(), "applied")
    assert.strictEqual(await code("bob"), 0)
    const good = readFileSync(join(folder, "passwords"), "utf8")
    write("passwords", "this is no password file\n")
    write("users.yaml", base(`${users}log: { level: debug }\n`, "users-data"))
    const refused = await deskOf(broker).reload()
    if ("applied" in refused) return assert.fail("a file that the settings name is part of it")
    assert.match(refused[0]?.code ?? "", /^E351\d$/, "judged before anything was changed")
    assert.strictEqual(await code("ada"), 0)
    assert.strictEqual(await code("bob"), 0)
    assert.notInclude(broker.log.join(""), "level=debug")
    write("passwords", good)
    assert.property(await deskOf(broker).reload(), "applied")
  })

  it("exchanges the certificate, and refuses all of it for one that is none", async () => {
    const out = join(folder, "certificates")
    const made = async () => (await run(["cert", "self-signed", "--force", "--host", "localhost", "--out", out])).code
    assert.strictEqual(await made(), 0)
    const tls = (qos: number) => `server:
  { bind: "", ws-bind: "", tls: true, tls-bind: "127.0.0.1:0", wss-bind: "", tls-cert: ${out}/server.pem, tls-key: ${out}/server.key }
storage: { engine: memory }
${off}mqtt: { max-qos: ${qos} }
`
    const file = write("tls.yaml", tls(2))
    await using broker = await startFrom(file)
    const served = () => broker.running.tls?.fingerprint
    const first = served()
    const good = readFileSync(join(out, "server.pem"), "utf8")
    writeFileSync(join(out, "server.pem"), "no certificate\n")
    write("tls.yaml", tls(1))
    const refused = await deskOf(broker).reload()
    if ("applied" in refused) return assert.fail("a certificate that is none was taken")
    assert.match(refused[0]?.code ?? "", /^E350\d$/)
    assert.strictEqual(served(), first)
    assert.strictEqual(broker.core.limits.qosMax, 2)
    writeFileSync(join(out, "server.pem"), good)
    assert.strictEqual(await made(), 0)
    assert.property(await deskOf(broker).reload(), "applied")
    assert.isString(served())
    assert.notStrictEqual(served(), first)
    assert.strictEqual(broker.core.limits.qosMax, 1)
  })

  it("takes back what was changed through the admin API and is not in the file", async () => {
    const token = join(folder, "api-token")
    const admin = `admin: { bind: "127.0.0.1:0", token-file: ${token} }\n`
    const file = write("api.yaml", base(`${admin}mqtt: { max-qos: 1 }\n`, "api-data"))
    await using broker = await startFrom(file)
    const ask = async (method: string, path: string, body?: unknown) => {
      const headers = {
        authorization: `Bearer ${readFileSync(token, "utf8").trim()}`,
        "content-type": "application/json"
      }
      const url = `http://127.0.0.1:${broker.running.admin?.port}/api/v1${path}`
      return fetch(url, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
    }
    const levelNow = async () => {
      const { settings } = (await (await ask("GET", "/settings")).json()) as {
        readonly settings: ReadonlyArray<{ readonly key: string; readonly value: unknown; readonly origin: string }>
      }
      const { origin, value } = settings.find(({ key }) => key === "log.level") ?? assert.fail("no such key")
      return [value, origin]
    }
    assert.strictEqual((await ask("PATCH", "/settings", { "log.level": "debug" })).status, 200)
    assert.deepEqual(await levelNow(), ["debug", "admin API"])
    const diff = (await (await ask("GET", "/config/diff")).json()) as { readonly changes: unknown }
    const undone = { key: "log.level", before: "debug", after: "info", effect: "live", origin: "admin API" }
    assert.deepEqual(diff.changes, [undone], "RELOAD-4")
    assert.strictEqual((await ask("POST", "/config/reload", {})).status, 200)
    assert.deepEqual(await levelNow(), ["info", "default"], "RELOAD-4")
    write("api.yaml", "mqtt: { max-qos: 9 }\n")
    const refused = await ask("POST", "/config/reload", {})
    assert.isAtLeast(refused.status, 400)
    assert.include(await refused.text(), "E3105")
    const words = (text: string) => run(text.split(" "), { workingDirectory: folder })
    const place = `--url http://127.0.0.1:${broker.running.admin?.port} --token-file ${token}`
    assert.strictEqual((await words(`config diff ${place}`)).code, 3)
    const told = await words(`reload ${place}`)
    assert.strictEqual(told.code, 3)
    assert.match(told.err, /error E3105 {2}\S*api\.yaml:1:18 {2}mqtt\.max-qos: .*the old configuration is in force/s)
    write("api.yaml", base(`${admin}mqtt: { max-qos: 2 }\ntopics: { cached-entries: 2000 }\n`, "api-data"))
    const applied = await words(`reload ${place}`)
    assert.strictEqual(applied.code, 0, applied.err)
    assert.match(applied.out, /mqtt\.max-qos {2}1 -> 2\n/)
    assert.match(applied.out, /topics\.cached-entries {2}\d+ -> 2000 {2}\(waits for a restart\)/)
  })

  it("follows the file by itself with server.watch-config", async () => {
    const watching = (level: string) =>
      `server: { bind: "127.0.0.1:0", ws-bind: "", watch-config: true }\nstorage: { engine: memory }\n${off}mqtt: { max-qos: ${level} }\n`
    const file = write("watched.yaml", watching("2"))
    await using broker = await startFrom(file)
    write("watched.yaml", watching("1"))
    const { core } = broker
    while (core.limits.qosMax !== 1) await timePasses(20)
  })
})

describe("SIGHUP", () => {
  it("reloads the running command; a second file that is wrong leaves it running", async () => {
    const file = write("signal.yaml", base(off, "signal-data"))
    const world = testWorld({ workingDirectory: folder })
    const ended = runCommandLine(["server", "-c", file], world)
    await world.stderr.until(/ready/)
    write("signal.yaml", base(`${off}log: { level: debug }\n`, "signal-data"))
    world.serviceSignal("SIGHUP")
    await world.stdout.until(/the configuration was read again.*log\.level/)
    write("signal.yaml", "log: [")
    world.serviceSignal("SIGHUP")
    await world.stdout.until(/the configuration is refused, the old one stays in force/)
    world.signal("SIGTERM")
    assert.strictEqual(await ended, 0)
  })
})

async function* textOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}
