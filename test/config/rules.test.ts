/**
 * Old spellings (one warning each), rules over several keys, and what this version refuses to pretend.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { yamlValue } from "../../src/config/yaml-text.ts"
import { environmentName, settingsLeaves, settingValue } from "../../src/settings/leaves.ts"
import type { WireValue } from "../../src/settings/setting.ts"
import { load, problemsOf, yamlOf } from "./loading.ts"

/** Where the largest value is no example, or is refused by a rule. */
const examples: Readonly<Record<string, WireValue>> = {
  "cluster.enabled": false,
  "cluster.bind": "127.0.0.1:7001",
  "metrics.bind": ["127.0.0.1:9191"],
  "metrics.path": "/figures"
}

describe("old spellings", () => {
  for (const leaf of settingsLeaves) {
    for (const alias of leaf.aliases) {
      const value = examples[leaf.key] ?? (leaf.kind === "boolean" ? true : leaf.spec.encode(leaf.maximum))
      it.effect(`${alias} sets ${leaf.key}, with exactly one warning`, () =>
        Effect.gen(function* () {
          const loaded = yield* load({ file: yamlOf(alias, yamlValue(value)) })
          assert.deepStrictEqual(settingValue(loaded.settings, leaf), leaf.spec.decode(value))
          const warnings = loaded.warnings.filter(({ code }) => code === "E3301")
          assert.deepStrictEqual(
            warnings.map(({ key, fix }) => [key, fix]),
            [[alias, `write ${leaf.key}`]]
          )
          assert.strictEqual(loaded.origins.get(leaf.key)?.source, "file")
        })
      )
      it.effect(`${environmentName(alias)} sets ${leaf.key}`, () =>
        Effect.gen(function* () {
          const loaded = yield* load({ environment: { [environmentName(alias)]: String(value) } })
          assert.deepStrictEqual(settingValue(loaded.settings, leaf), leaf.spec.decode(value))
          const isOwnName = environmentName(alias) === leaf.env
          assert.strictEqual(loaded.warnings.filter(({ code }) => code === "E3301").length, isOwnName ? 0 : 1)
        })
      )
      it.effect(`${alias} beside ${leaf.key} is an error at the second`, () =>
        Effect.gen(function* () {
          const own = leaf.path.slice(1)
          const old = alias.split(".").slice(1)
          const branch = (path: ReadonlyArray<string>) =>
            path.map((segment, depth) => `${"  ".repeat(depth + 1)}${segment}:`).join("\n")
          const file = `${leaf.path[0]}:\n${branch(own)} ${yamlValue(value)}\n${branch(old)} ${yamlValue(value)}\n`
          const problems = yield* problemsOf({ file })
          assert.deepStrictEqual(
            problems.map(({ code, key }) => [code, key]),
            [["E3112", leaf.key]]
          )
        })
      )
    }
  }
})

const tls = "server:\n  tls: true\n  tls-cert: a\n  tls-key: b\n"
const mutual = (clientAuth: string) => `  tls-client-auth: ${clientAuth}\n  tls-ca: c\n`
const wal = (lines: string) => `storage:\n  engine: wal\n  wal:\n    ${lines}\n`
const small = "  compaction:\n    max-wal-size: 8MiB\n"
const open = 'server:\n  bind: "0.0.0.0:1883"\n'

describe("rules", () => {
  for (const [name, file, codes, warnings] of [
    ["an address of the machine without a word about who may connect", open, ["E3202"], []],
    ["every address", 'server:\n  bind: ":1883"\n', ["E3202"], []],
    ["a name", 'server:\n  bind: "broker.example:1883"\n', ["E3202"], []],
    ["one open address among several", 'server:\n  bind: ["127.0.0.1:1883", "[::]:1884"]\n', ["E3202"], []],
    ["WebSocket too", 'server:\n  ws-bind: "0.0.0.0:8080"\n', ["E3202"], []],
    ["both listeners, told apart", `${open}  ws-bind: "0.0.0.0:8080"\n`, ["E3202", "E3202"], []],
    ["open and said so", `${open}auth:\n  allow-anonymous: true\n`, [], ["E3303"]],
    ["open to those who prove who they are", `${open}auth:\n  chain: [password-file]\n`, [], []],
    ["a provider's keys, and nobody asks it", "auth:\n  password-file: a\n", [], ["E3311"]],
    ["keys of a provider that is asked", "auth:\n  chain: [password-file]\n  password-file: a\n", [], []],
    ["a section of a provider that nobody asks", "auth:\n  psk:\n    hint: a\n", [], ["E3311"]],
    ["a provider twice", "auth:\n  chain: [custom, custom]\n  custom: { module: a }\n", ["E3211"], []],
    ["falling through nobody", "auth:\n  chain: [password-file]\n  fall-through: [ldap]\n", [], ["E3312"]],
    ["nobody may in but who proves it", "auth:\n  allow-anonymous: false\n  chain: [password-file]\n", [], []],
    ["open, and nobody may in", `${open}auth:\n  allow-anonymous: false\n`, [], ["E3304"]],
    ["loopback in every form", 'server:\n  bind: ["127.0.0.1:1", "[::1]:1", "localhost:2"]\n', [], []],
    ["TLS without files", "server:\n  tls: true\n", ["E3201"], []],
    ["TLS without a key", "server:\n  tls: true\n  tls-cert: a\n", ["E3201"], []],
    ["TLS with files", tls, [], []],
    ["keys to share without TLS", "auth:\n  psk:\n    file: a\n", [], ["E3311", "E3305"]],
    [
      "keys to share that are asked for, without TLS",
      "auth:\n  chain: [psk]\n  psk:\n    file: a\n",
      ["E3545"],
      ["E3305"]
    ],
    ["keys to share that nobody named, with TLS", `${tls}auth:\n  chain: [psk]\n`, ["E3545"], []],
    ["keys to share over TLS", `${tls}auth:\n  chain: [psk]\n  psk:\n    file: a\n`, [], []],
    ["files without TLS", "server:\n  tls-cert: a\n", [], ["E3305"]],
    ["an address for TLS, without TLS", 'server:\n  tls-bind: "127.0.0.1:1"\n', [], ["E3305"]],
    ["TLS without an address", `${tls}  tls-bind: ""\n  wss-bind: ""\n`, ["E3207"], []],
    ["TLS alone", `${tls}  bind: ""\n  ws-bind: ""\n`, [], []],
    ["TLS beside a plain listener on one port", `${tls}  tls-bind: "127.0.0.1:1883"\n`, ["E3204"], []],
    ["the same port, while TLS is off", 'server:\n  tls-bind: "127.0.0.1:1883"\n', [], ["E3305"]],
    ["TLS open to strangers", `${tls}  tls-bind: ":8883"\n`, ["E3202"], []],
    ["WSS open to strangers", `${tls}  wss-bind: ":8084"\n`, ["E3202"], []],
    ["TLS open and said so", `${tls}  tls-bind: ":8883"\nauth:\n  allow-anonymous: true\n`, [], []],
    ["TLS open to those our authority signed", `${tls}  tls-bind: ":8883"\n${mutual("require")}`, [], []],
    [
      "TLS open, certificates of clients as they like",
      `${tls}  tls-bind: ":8883"\n${mutual("request")}`,
      ["E3202"],
      []
    ],
    ["certificates of clients without an authority", `${tls}  tls-client-auth: require\n`, ["E3206"], []],
    ["plain text open beside TLS", `${tls}  bind: ":1883"\nauth:\n  allow-anonymous: true\n`, [], ["E3303"]],
    ["a unix socket alone", 'server:\n  bind: ""\n  ws-bind: ""\n  unix-bind: /run/a.sock\n', [], []],
    ["a unix socket twice", "server:\n  unix-bind: [/run/a.sock, /run/a.sock]\n", ["E3208"], []],
    ["a cluster", "cluster:\n  enabled: true\n", ["E3402"], []],
    ["a daemon without a log", "server:\n  daemon: true\n", [], ["E3313"]],
    ["a daemon with a log", "server:\n  daemon: true\nlog:\n  file: /var/log/promptmq.log\n", [], []],
    ["the log on disk", "storage:\n  engine: wal\n", [], []],
    ["an engine that does not exist", "storage:\n  engine: sqlite\n", ["E3404"], []],
    ["acknowledgements after syncs that never come", wal("no-sync: true\n    acknowledge: durable"), ["E3209"], []],
    [
      "the same for some topics",
      `${wal("no-sync: true")}topics:\n  policies: [{ filter: a, acknowledge: durable }]\n`,
      ["E3209"],
      []
    ],
    [
      "the same, and those topics ask for syncs",
      `${wal("no-sync: true")}topics:\n  policies: [{ filter: a, acknowledge: durable, force-fsync: true }]\n`,
      [],
      []
    ],
    ["no syncs", wal("no-sync: true"), [], []],
    ["no syncs, and all of them", wal("no-sync: true\n    force-fsync: true"), [], ["E3308"]],
    ["written, and synced", wal("acknowledge: written\n    force-fsync: true"), [], ["E3308"]],
    ["an interval without its mode", wal("sync-interval: 1s"), [], ["E3309"]],
    ["a batch without its mode", wal("sync-mode: periodic\n    batch-sync-size: 5"), [], ["E3309"]],
    ["an interval with its mode", wal("sync-mode: periodic\n    sync-interval: 1s"), [], []],
    ["a log smaller than two of its files", `${wal("segment-size: 16MiB")}${small}`, [], ["E3310"]],
    ["a small log of small files", `${wal("segment-size: 4MiB")}${small}`, [], []],
    ["durability in memory", "storage:\n  engine: memory\n  wal: { sync-mode: immediate }\n", [], ["E3302"]],
    ["metrics asked for", "metrics:\n  enabled: true\n", [], []],
    ["metrics where the health is", "metrics:\n  path: /health\n", ["E3229"], []],
    ["metrics turned off", "metrics:\n  enabled: false\n", [], []],
    ["no listener", 'server:\n  bind: ""\n  ws-bind: ""\n', ["E3205"], []],
    ["one port twice", 'server:\n  ws-bind: "127.0.0.1:1883"\n', ["E3204"], []],
    [
      "one port twice, by the wildcard",
      'server:\n  ws-bind: ":9090"\nauth:\n  allow-anonymous: true\n',
      ["E3204"],
      ["E3303"]
    ],
    ["one port on two addresses", 'server:\n  bind: ["127.0.0.1:1883", "127.0.0.2:1883", "[::1]:1883"]\n', [], []],
    ["port 0 twice", 'server:\n  bind: "127.0.0.1:0"\n  ws-bind: "127.0.0.1:0"\n', [], []],
    ["an admin port that is off", 'server:\n  bind: "127.0.0.1:9090"\nadmin:\n  enabled: false\n', [], []],
    ["a PROXY header of nobody", "server:\n  proxy-protocol: [tcp]\n", ["E3241"], []],
    ["X-Forwarded-For of nobody", "server:\n  forwarded-for: true\n", ["E3241"], []],
    ["a PROXY header of a proxy", "server:\n  proxy-protocol: [tcp]\n  proxy-trusted: 10.0.0.5\n", [], []],
    ["keep-alive above its maximum", "mqtt:\n  keep-alive: 60\n  max-keep-alive: 30\n", ["E3203"], []],
    ["a packet larger than the memory", "storage:\n  memory-buffer: 1MiB\n", [], ["E3306"]]
  ] as const) {
    it.effect(`${name}: ${[...codes, ...warnings].join(", ") || "fine"}`, () =>
      Effect.gen(function* () {
        const loaded = yield* Effect.result(load({ file }))
        const failed = loaded._tag === "Failure"
        const errors = failed ? loaded.failure.problems : []
        const told = failed ? loaded.failure.warnings : loaded.success.warnings
        assert.deepStrictEqual(errors.map(({ code }) => code).sort(), [...codes].sort())
        assert.deepStrictEqual(
          told.map(({ code }) => code),
          [...warnings]
        )
      })
    )
  }

  it.effect("an open listener is reported where it is written, naming both ways out", () =>
    Effect.gen(function* () {
      const [problem] = yield* problemsOf({ file: open })
      assert.deepStrictEqual(problem?.place, { file: "broker.yaml", line: 2, column: 9 })
      assert.include(problem?.fix ?? "", "127.0.0.1")
      assert.include(problem?.fix ?? "", "auth.allow-anonymous: true")
      const [byFlag] = yield* problemsOf({ flags: { "server.bind": "0.0.0.0:1883" } })
      assert.deepStrictEqual(byFlag?.place, { flag: "--bind" })
    })
  )

  it.effect("a maximum below the default keep-alive lowers it", () =>
    Effect.gen(function* () {
      const { settings } = yield* load({ file: "mqtt:\n  max-keep-alive: 30\n" })
      assert.strictEqual(settings.mqtt.keepAliveSeconds, 30)
    })
  )

  it.effect("a rule is not asked about values that are wrong themselves", () =>
    Effect.gen(function* () {
      const problems = yield* problemsOf({ file: "server:\n  bind: nonsense\nauth:\n  allow-anonymous: perhaps\n" })
      assert.deepStrictEqual(
        problems.map(({ code }) => code),
        ["E3109", "E3103"]
      )
    })
  )
})
