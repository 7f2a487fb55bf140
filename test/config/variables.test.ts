/**
 * Environment variables: unknown ones, NAME_FILE, old spellings, those of others; and secrets everywhere.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { isForeignVariable } from "../../src/config/key-names.ts"
import { loadSettings } from "../../src/config/load.ts"
import { formatProblems } from "../../src/config/problem.ts"
import { showJson, showYaml } from "../../src/config/show.ts"
import { settingsLeaves, settingValue } from "../../src/settings/leaves.ts"
import { load, problemsOf, withFolder } from "./loading.ts"

const passphrase = "correct-horse-battery"
const passphraseKey = "server.tls-key-passphrase"
const passphraseVariable = "PROMPTMQ_SERVER_TLS_KEY_PASSPHRASE"

describe("variables", () => {
  it.effect("unknown ones are errors with a suggestion", () =>
    Effect.gen(function* () {
      const problems = yield* problemsOf({
        environment: {
          PROMPTMQ_ADMIN_PORT: "9090",
          PROMPTMQ_MQTT_MAX_QOSS: "1",
          PROMPTMQ_COLOUR: "red",
          PROMPTMQ_LOG_LEVEL_FIL: "x"
        }
      })
      assert.deepStrictEqual(
        problems.map(({ code, place, fix }) => [code, (place as { environment: string }).environment, fix]),
        [
          ["E3102", "PROMPTMQ_ADMIN_PORT", "unset it; promptmq config schema lists every key"],
          ["E3102", "PROMPTMQ_COLOUR", "unset it; promptmq config schema lists every key"],
          ["E3102", "PROMPTMQ_LOG_LEVEL_FIL", "did you mean PROMPTMQ_LOG_LEVEL?"],
          ["E3102", "PROMPTMQ_MQTT_MAX_QOSS", "did you mean PROMPTMQ_MQTT_MAX_QOS?"]
        ]
      )
    })
  )

  it.effect(
    "those of Kubernetes services called promptmq and promptmq-..., and of everybody else, are left alone",
    () =>
      Effect.gen(function* () {
        const environment = {
          PROMPTMQ_SERVICE_HOST: "10.0.0.1",
          PROMPTMQ_SERVICE_PORT: "1883",
          PROMPTMQ_SERVICE_PORT_MQTT: "1883",
          PROMPTMQ_PORT: "tcp://10.0.0.1:1883",
          PROMPTMQ_PORT_1883_TCP_ADDR: "10.0.0.1",
          PROMPTMQ_ADMIN_SERVICE_HOST: "10.0.0.2",
          PROMPTMQ_ADMIN_SERVICE_PORT: "9090",
          PROMPTMQ_ADMIN_SERVICE_PORT_ADMIN: "9090",
          PROMPTMQ_ADMIN_PORT: "tcp://10.0.0.2:9090",
          PROMPTMQ_ADMIN_PORT_9090_TCP: "tcp://10.0.0.2:9090",
          PROMPTMQ_ADMIN_PORT_9090_TCP_ADDR: "10.0.0.2",
          PROMPTMQ_ADMIN_PORT_9090_TCP_PORT: "9090",
          PROMPTMQ_ADMIN_PORT_9090_TCP_PROTO: "tcp",
          PATH: "/bin",
          promptmq_log_level: "nonsense"
        }
        assert.deepStrictEqual((yield* load({ environment })).warnings, [])
      })
  )

  it("none of ours is taken for one of those", () => {
    for (const { env } of settingsLeaves) {
      for (const name of [env, `${env}_FILE`]) assert.isFalse(isForeignVariable(name, "1883"), name)
    }
  })

  for (const leaf of settingsLeaves.filter(({ kind }) => kind === "integer")) {
    it.effect(`${leaf.env}_FILE reads the value from a file`, () =>
      Effect.gen(function* () {
        const beside = { value: `${leaf.maximum}\n` }
        const loaded = yield* load({ beside, environment: { [`${leaf.env}_FILE`]: "value" } })
        assert.strictEqual(settingValue(loaded.settings, leaf), leaf.maximum)
        assert.deepStrictEqual(loaded.origins.get(leaf.key), { source: "environment", environment: `${leaf.env}_FILE` })
      })
    )
  }

  it.effect("a _FILE that is missing or too long is an error, and so are both forms at once", () =>
    Effect.gen(function* () {
      const missing = yield* problemsOf({ environment: { [`${passphraseVariable}_FILE`]: "nowhere" } })
      assert.deepStrictEqual(
        missing.map(({ code, key }) => [code, key]),
        [["E3113", passphraseKey]]
      )
      const long = yield* problemsOf({
        beside: { long: "x".repeat(5000) },
        environment: { [`${passphraseVariable}_FILE`]: "long" }
      })
      assert.deepStrictEqual(
        long.map(({ code }) => code),
        ["E3113"]
      )
      const both = yield* problemsOf({
        beside: { value: "a" },
        environment: { [`${passphraseVariable}_FILE`]: "value", [passphraseVariable]: passphrase }
      })
      assert.deepStrictEqual(
        both.map(({ code }) => code),
        ["E3112"]
      )
    })
  )
})

describe("secrets", () => {
  it.effect("come from a file's first line whole, spaces included", () =>
    Effect.gen(function* () {
      const loaded = yield* load({
        beside: { value: ` ${passphrase} \n` },
        environment: { [`${passphraseVariable}_FILE`]: "value" }
      })
      assert.strictEqual(loaded.settings.server.tlsKeyPassphrase, ` ${passphrase} `)
    })
  )

  it.effect("are refused on the command line", () =>
    Effect.gen(function* () {
      const problems = yield* problemsOf({ flags: { [passphraseKey]: passphrase } })
      assert.deepStrictEqual(
        problems.map(({ code, fix }) => [code, fix]),
        [["E3115", `set ${passphraseVariable}_FILE`]]
      )
      assert.notInclude(formatProblems(problems, { excerpts: true }), passphrase)
    })
  )

  it.effect("appear in no problem, table or excerpt", () =>
    Effect.gen(function* () {
      const files = [
        `server:\n  tls-key-passphrase: ["${passphrase}"]\n`,
        `server:\n  tls-key-passphrase: "${passphrase}\\n"\n`,
        `server:\n  tls-key-passphrase: ${passphrase}\n  tls-key-passphrase: ${passphrase}\n`,
        `server:\n  tls-key-passphrase: ${passphrase}: x\n`
      ]
      for (const file of files) {
        const problems = yield* problemsOf({ file })
        const told = formatProblems(problems, { excerpts: true }) + JSON.stringify(problems)
        assert.notInclude(told, passphrase)
      }
      const loaded = yield* load({ environment: { [passphraseVariable]: passphrase } })
      assert.strictEqual(loaded.settings.server.tlsKeyPassphrase, passphrase)
      const shown = showYaml(loaded, { origin: true }) + JSON.stringify(showJson(loaded))
      assert.notInclude(shown, passphrase)
      assert.include(shown, "(secret)")
    })
  )
})

describe("the file", () => {
  const input = (folder: string) => ({
    environment: {},
    flags: new Map<string, string>(),
    workingDirectory: `${folder}/work`,
    homeDirectory: `${folder}/home`
  })
  const inFolders = <A, E>(use: (folder: string) => Effect.Effect<A, E>) =>
    withFolder({}, (folder) =>
      Effect.gen(function* () {
        const { mkdirSync, writeFileSync } = yield* Effect.promise(() => import("node:fs"))
        for (const [name, level] of [
          ["home", "warn"],
          ["work", "error"]
        ] as const) {
          mkdirSync(`${folder}/${name}`)
          writeFileSync(`${folder}/${name}/.promptmq.yaml`, `log:\n  level: ${level}\n`)
          writeFileSync(`${folder}/${name}/other.yaml`, "log:\n  level: trace\n")
        }
        return yield* use(folder)
      })
    )

  it.effect("--config, then PROMPTMQ_CONFIG, then home, then the working directory", () =>
    inFolders((folder) =>
      Effect.gen(function* () {
        const { rmSync } = yield* Effect.promise(() => import("node:fs"))
        const named = yield* loadSettings({
          ...input(folder),
          file: "other.yaml",
          environment: { PROMPTMQ_CONFIG: "x" }
        })
        assert.strictEqual(named.settings.log.level, "trace")
        assert.strictEqual(named.file, `${folder}/work/other.yaml`)
        const byVariable = yield* loadSettings({ ...input(folder), environment: { PROMPTMQ_CONFIG: "other.yaml" } })
        assert.strictEqual(byVariable.settings.log.level, "trace")
        const home = yield* loadSettings(input(folder))
        assert.strictEqual(home.settings.log.level, "warn")
        rmSync(`${folder}/home/.promptmq.yaml`)
        const work = yield* loadSettings(input(folder))
        assert.strictEqual(work.settings.log.level, "error")
        assert.deepStrictEqual(work.origins.get("log.level"), {
          source: "file",
          file: ".promptmq.yaml",
          line: 2,
          column: 3
        })
      })
    )
  )

  it.effect("every file and folder of the settings is absolute once it is loaded, whatever is the folder later", () =>
    Effect.gen(function* () {
      const named = /(-file|-dir|\.file|\.module|\.ca|\.cert|\.key|-ca|-crl|-cert|-key|unix-bind)$/
      const leaves = settingsLeaves.filter(({ key, kind }) => named.test(key) && !/boolean|choice/.test(kind))
      assert.includeMembers(
        leaves.map(({ key }) => key),
        ["acl.rules-file", "auth.password-file", "auth.jwt.public-key-file", "limits.bans-file", "server.tls-cert"]
      )
      const flags = new Map(leaves.map(({ key }) => [key, "relative"]))
      const input = { flags, workingDirectory: "/work", homeDirectory: "/home/me", environment: {} }
      const raw = yield* Effect.match(loadSettings(input), {
        onSuccess: ({ settings }) => settings,
        onFailure: () => undefined
      })
      assert.isDefined(raw)
      if (raw === undefined) return
      const wrong = leaves.filter(
        (leaf) => ![settingValue(raw, leaf)].flat().every((each) => each === "/work/relative")
      )
      assert.deepStrictEqual(
        wrong.map(({ key }) => key),
        []
      )
    })
  )

  it.effect("folders: XDG, home, relative to the working directory", () =>
    Effect.gen(function* () {
      const base = { flags: new Map<string, string>(), workingDirectory: "/work", homeDirectory: "/home/me" }
      const plain = yield* loadSettings({ ...base, environment: {} })
      assert.strictEqual(plain.settings.storage.dataDir, "/home/me/.local/state/promptmq")
      assert.strictEqual(plain.settings.storage.walDir, "/home/me/.local/state/promptmq/log")
      assert.strictEqual(plain.settings.admin.tokenFile, "/home/me/.local/state/promptmq/admin-token")
      const xdg = yield* loadSettings({ ...base, environment: { XDG_STATE_HOME: "/state" } })
      assert.strictEqual(xdg.settings.storage.dataDir, "/state/promptmq")
      const relativeXdg = yield* loadSettings({ ...base, environment: { XDG_STATE_HOME: "state" } })
      assert.strictEqual(relativeXdg.settings.storage.dataDir, "/home/me/.local/state/promptmq")
      const flags = new Map([
        ["storage.data-dir", "./data"],
        ["storage.wal-dir", "~/wal"],
        ["server.pid-file", "p"]
      ])
      const written = yield* loadSettings({ ...base, environment: {}, flags })
      assert.strictEqual(written.settings.storage.dataDir, "/work/data")
      assert.strictEqual(written.settings.storage.walDir, "/home/me/wal")
      assert.strictEqual(written.settings.server.pidFile, "/work/p")
      assert.strictEqual(written.settings.server.tlsCert, "")
    })
  )
})
