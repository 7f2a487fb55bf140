/**
 * The config commands: what they print, where, and with which exit code. What the loader, the schema and
 * the importer do themselves is tested in test/config.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { presetNames } from "../../src/config/presets.ts"
import { settingsLeaves } from "../../src/settings/leaves.ts"
import { run } from "./recorded-world.ts"

let folder = ""
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "promptmq-cli-"))
})
afterAll(() => rmSync(folder, { recursive: true }))

const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const inFolder = (words: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  run(words, { workingDirectory: folder, env })

describe("config check", () => {
  const threeErrors = "storage:\n  wal:\n    sync-mode: imediate\nlog:\n  levle: debug\nmqtt:\n  max-qos: 7\n"

  it("reports all three typing errors with place, caret and suggestion, exit code 3", async () => {
    const { code, out, err } = await inFolder(["config", "check", file("bad.yaml", threeErrors)])
    assert.deepEqual({ code, out }, { code: 3, out: "" })
    assert.match(err, /error E3107 {2}.*bad\.yaml:3:16 {2}storage\.wal\.sync-mode/)
    assert.match(err, /bad\.yaml:5:3/)
    assert.match(err, /bad\.yaml:7:12/)
    assert.include(err, 'did you mean "immediate"?')
    assert.match(err, /3 \| {5}sync-mode: imediate\n.*\| {16}\^/)
  })

  it("reports the same as one JSON document on stdout", async () => {
    const { code, out, err } = await inFolder(["config", "check", "--json", join(folder, "bad.yaml")])
    assert.deepEqual({ code, err }, { code: 3, err: "" })
    const report = JSON.parse(out)
    assert.deepEqual([report.version, report.valid, report.problems.length], [1, false, 3])
    assert.deepEqual(Object.keys(report.problems[0]), ["code", "severity", "key", "place", "fact", "fix"])
  })

  it("is content with a good file, and with none", async () => {
    const good = await inFolder(["config", "check", file("good.yaml", "log:\n  level: debug\n")])
    assert.deepEqual([good.code, good.out], [0, ""])
    assert.match(good.err, /^valid: .*good\.yaml\n$/)
    const empty = await inFolder(["config", "check", file("empty.yaml", "")], { PROMPTMQ_LOG_LEVEL: "debug" })
    assert.deepEqual([empty.code, empty.err.split("\n")[1]], [0, "it sets nothing: every value is the default"])
    assert.match((await inFolder(["config", "check"])).err, /^valid: defaults and variables, no file/)
  })

  it("judges the environment too, and a file that is not there", async () => {
    assert.strictEqual((await inFolder(["config", "check"], { PROMPTMQ_LOG_LEVEL: "loud" })).code, 3)
    const missing = await inFolder(["config", "check", join(folder, "none.yaml")])
    assert.strictEqual(missing.code, 3)
    assert.match(missing.err, /E3001/)
  })
})

describe("config show", () => {
  it("says of every value where it came from: flag over variable over file over default", async () => {
    const config = file("show.yaml", "log:\n  level: debug\n  format: json\nmqtt:\n  max-qos: 1\n")
    const words = ["config", "show", "--origin", "-c", config, "--log-level", "warn"]
    const { code, out } = await inFolder(words, { PROMPTMQ_LOG_FORMAT: "text", PROMPTMQ_LOG_LEVEL: "error" })
    assert.strictEqual(code, 0)
    assert.match(out, /level: warn +# --log-level\n/)
    assert.match(out, /format: text +# PROMPTMQ_LOG_FORMAT\n/)
    assert.match(out, /max-qos: 1 +# .*show\.yaml:5:\d+\n/)
    assert.match(out, /max-packet-size: 2MiB +# default\n/)
  })

  it("gives JSON with every setting", async () => {
    const { out } = await inFolder(["config", "show", "--json", "--no-admin"])
    const shown = JSON.parse(out)
    assert.deepEqual(
      Object.keys(shown),
      settingsLeaves.map(({ key }) => key)
    )
    assert.deepEqual(shown["admin.enabled"], { value: false, origin: { source: "flag", flag: "--admin" }, live: false })
  })

  it("takes lists with commas and by repeating, and switches with --no-", async () => {
    const shown = async (...words: ReadonlyArray<string>) =>
      JSON.parse((await inFolder(["config", "show", "--json", ...words])).out)["server.bind"].value
    const wanted = ["127.0.0.1:1", "127.0.0.1:2"]
    assert.deepEqual(await shown("--bind", "127.0.0.1:1,127.0.0.1:2"), wanted)
    assert.deepEqual(await shown("--bind", "127.0.0.1:1", "--bind", "127.0.0.1:2"), wanted)
  })

  it("refuses a secret on the command line, and says how to pass one", async () => {
    const secret = settingsLeaves.find((leaf) => leaf.secret)
    if (secret === undefined) return
    const { code, err } = await inFolder(["config", "show", `--${secret.flag}`, "hunter2"])
    assert.strictEqual(code, 3)
    assert.include(err, `${secret.env}_FILE`)
    assert.notInclude(err, "hunter2")
  })
})

describe("config init, schema, import", () => {
  it("writes a file that loads, the schema beside it, and never overwrites", async () => {
    const written = await inFolder(["config", "init"])
    assert.deepEqual([written.code, written.out], [0, ""])
    assert.match(written.err, /wrote promptmq\.yaml[\s\S]*next: promptmq server -c promptmq\.yaml/)
    const text = readFileSync(join(folder, "promptmq.yaml"), "utf8")
    assert.match(text, /^# yaml-language-server: \$schema=\.\/promptmq\.schema\.json\n/)
    assert.strictEqual((await inFolder(["config", "check", "promptmq.yaml"])).code, 0)
    const schema = await inFolder(["config", "schema"])
    assert.strictEqual(readFileSync(join(folder, "promptmq.schema.json"), "utf8"), schema.out)
    assert.strictEqual(JSON.parse(schema.out).$schema, "http://json-schema.org/draft-07/schema#")
    writeFileSync(join(folder, "promptmq.yaml"), "log: {}\n")
    const again = await inFolder(["config", "init"])
    assert.strictEqual(again.code, 1)
    assert.match(again.err, /already exists/)
    assert.strictEqual(readFileSync(join(folder, "promptmq.yaml"), "utf8"), "log: {}\n")
  })

  it("starts from every preset", async () => {
    for (const preset of presetNames) {
      const { code, out } = await inFolder(["config", "init", "--preset", preset, "-"])
      assert.strictEqual(code, 0)
      const checked = await inFolder(["config", "check", file(`${preset}.yaml`, out)])
      assert.strictEqual(checked.code, 0, checked.err)
    }
    assert.strictEqual((await inFolder(["config", "init", "--preset", "egde", "-"])).code, 2)
  })

  it("translates a mosquitto.conf to stdout and lists the rest on stderr", async () => {
    const conf = file(
      "mosquitto.conf",
      "listener 1884 127.0.0.1\nallow_anonymous true\nbridge_attempt_unsubscribe true\n"
    )
    const { code, out, err } = await inFolder(["config", "import", conf])
    assert.strictEqual(code, 0)
    assert.include(out, "127.0.0.1:1884")
    assert.match(err, /mosquitto\.conf:3 {2}bridge_attempt_unsubscribe: /)
    const checked = await inFolder(["config", "check", file("imported.yaml", out)])
    assert.strictEqual(checked.code, 0, checked.err)
    assert.strictEqual((await inFolder(["config", "import", join(folder, "none")])).code, 6)
  })
})
