/**
 * A realistic mosquitto.conf: what is translated, what is listed with its reason, and that nothing is lost.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { importMosquitto } from "../../src/config/import-mosquitto.ts"
import { load, problemsOf } from "./loading.ts"

const realistic = `# /etc/mosquitto/mosquitto.conf
pid_file /run/mosquitto/mosquitto.pid
persistence true
persistence_location /var/lib/mosquitto/
log_dest file /var/log/mosquitto/mosquitto.log
log_type error
log_type warning
log_type notice
include_dir /etc/mosquitto/conf.d

per_listener_settings false
listener 1883 127.0.0.1
max_connections 500

listener 9001 ::1
protocol websockets

listener 8883
cafile /etc/mosquitto/ca.crt
certfile /etc/mosquitto/server.crt
keyfile /etc/mosquitto/server.key
require_certificate true

listener 0 /run/mosquitto.sock

allow_anonymous false
password_file /etc/mosquitto/passwd
acl_file /etc/mosquitto/acl
max_inflight_messages 40
max_queued_messages 0
max_packet_size 1048576
max_keepalive 1800
max_topic_alias 10
persistent_client_expiration 2w
autosave_interval 300
set_tcp_nodelay true
sys_interval 10

connection bridge-to-cloud
address cloud.example:8883
remote_username edge
remote_password hunter2
topic # out 1
`

const noSnapshots =
  "nothing waits for a snapshot here: with storage.engine wal a message is on disk before it is acknowledged"

describe("import mosquitto.conf", () => {
  const imported = importMosquitto(realistic)

  it.effect("translates what it can, and the result loads", () =>
    Effect.gen(function* () {
      const { settings, warnings } = yield* load({ file: imported.yaml })
      assert.deepStrictEqual(settings.server.bind, [{ host: "127.0.0.1", port: 1883 }])
      assert.deepStrictEqual(settings.server.wsBind, [{ host: "::1", port: 9001 }])
      assert.deepStrictEqual(settings.server.tlsBind, [{ host: "", port: 8883 }])
      assert.deepStrictEqual(settings.server.wssBind, [])
      assert.isTrue(settings.server.tls)
      assert.strictEqual(settings.server.tlsCert, "/etc/mosquitto/server.crt")
      assert.strictEqual(settings.server.tlsKey, "/etc/mosquitto/server.key")
      assert.strictEqual(settings.server.tlsCa, "/etc/mosquitto/ca.crt")
      assert.strictEqual(settings.server.tlsClientAuth, "require")
      assert.deepStrictEqual(settings.server.unixBind, ["/run/mosquitto.sock"])
      assert.strictEqual(settings.server.pidFile, "/run/mosquitto/mosquitto.pid")
      assert.strictEqual(settings.storage.engine, "wal")
      assert.strictEqual(settings.storage.dataDir, "/var/lib/mosquitto/promptmq")
      assert.strictEqual(settings.auth.allowAnonymous, false)
      assert.deepStrictEqual(settings.auth.chain, ["password-file"])
      assert.strictEqual(settings.auth.passwordFile, "/etc/mosquitto/passwd")
      assert.strictEqual(settings.acl.rulesFile, "/etc/mosquitto/acl")
      assert.strictEqual(settings.log.level, "info")
      assert.strictEqual(settings.mqtt.maxConnections, 500)
      assert.strictEqual(settings.mqtt.maxInflight, 40)
      assert.strictEqual(settings.mqtt.maxPacketSizeBytes, 1_048_576)
      assert.strictEqual(settings.mqtt.maxKeepAliveSeconds, 1800)
      assert.strictEqual(settings.mqtt.topicAliasMaximum, 10)
      assert.strictEqual(settings.mqtt.sessionExpirySecondsMax, 14 * 86_400)
      assert.deepStrictEqual(
        warnings.map(({ code }) => code),
        []
      )
    })
  )

  it("lists the rest with line and reason", () => {
    const told = imported.untranslated.map(({ line, directive }) => `${line} ${directive}`)
    assert.deepStrictEqual(told, [
      "5 log_dest",
      "9 include_dir",
      "11 per_listener_settings",
      "30 max_queued_messages",
      "35 autosave_interval",
      "36 set_tcp_nodelay",
      "37 sys_interval",
      "39 connection",
      "40 address",
      "41 remote_username",
      "42 remote_password",
      "43 topic"
    ])
    const reasonOf = (line: number) => imported.untranslated.find((each) => each.line === line)?.reason
    assert.strictEqual(reasonOf(37), "there is no setting like it")
    assert.strictEqual(reasonOf(42), "bridges are not in this version")
  })

  it("accounts for every directive exactly once or more, and repeats no password", () => {
    const lines = realistic.split("\n").flatMap((line, index) => (/^[a-z]/.test(line) ? [index + 1] : []))
    const seen = new Set([...imported.translated, ...imported.untranslated].map(({ line }) => line))
    assert.deepStrictEqual(
      lines.filter((line) => !seen.has(line)),
      []
    )
    assert.notInclude(JSON.stringify(imported), "hunter2")
    assert.include(imported.yaml, "#   line 5, log_dest: logs go to standard output")
    assert.include(imported.yaml, "# mosquitto.conf line 12: listener 1883")
  })

  it.effect("a public listener comes over as public, and is refused until somebody decides", () =>
    Effect.gen(function* () {
      const { yaml } = importMosquitto("listener 1883\n")
      const problems = yield* problemsOf({ file: yaml })
      assert.deepStrictEqual(
        problems.map(({ code }) => code),
        ["E3202"]
      )
      const { settings } = yield* load({ file: importMosquitto("listener 1883\nallow_anonymous true\n").yaml })
      assert.deepStrictEqual(settings.server.bind, [{ host: "", port: 1883 }])
      assert.deepStrictEqual(settings.server.wsBind, [])
    })
  )

  it.effect("only TLS listeners: nothing is opened in plain text", () =>
    Effect.gen(function* () {
      const { yaml } = importMosquitto(
        "listener 8084 ::1\nprotocol websockets\ncertfile a\nkeyfile b\ntls_version tlsv1.3\n"
      )
      const { server } = (yield* load({ file: yaml })).settings
      assert.deepStrictEqual([server.bind, server.wsBind, server.tlsBind], [[], [], []])
      assert.deepStrictEqual(server.wssBind, [{ host: "::1", port: 8084 }])
      assert.strictEqual(server.tlsMinVersion, "tlsv1.3")
    })
  )

  it.effect("a kind of TLS that does not exist here: the listener is left out, so it does not start", () =>
    Effect.gen(function* () {
      const { untranslated, yaml } = importMosquitto("listener 8883\npsk_hint somebody\n")
      assert.include(untranslated[0]?.reason ?? "", "left out, not opened in plain text")
      assert.deepStrictEqual(
        (yield* problemsOf({ file: yaml })).map(({ code }) => code),
        ["E3205"]
      )
    })
  )

  it.effect("certificates of clients: one listener's demand holds for all, in whatever order", () =>
    Effect.gen(function* () {
      const listener = (port: number, required: boolean) =>
        `listener ${port} ::1\ncafile c\ncertfile a\nkeyfile b\nrequire_certificate ${required}\n`
      for (const text of [listener(1, true) + listener(2, false), listener(1, false) + listener(2, true)]) {
        const { settings } = yield* load({ file: importMosquitto(text).yaml })
        assert.strictEqual(settings.server.tlsClientAuth, "require")
      }
    })
  )

  it.effect("an empty file is the default", () =>
    Effect.gen(function* () {
      const imports = importMosquitto("# nothing\n\n")
      assert.deepStrictEqual([imports.translated, imports.untranslated], [[], []])
      const { origins } = yield* load({ file: imports.yaml })
      assert.isTrue([...origins.values()].every(({ source }) => source === "default"))
    })
  )

  for (const [text, reason] of [
    ["max_qos 3\n", "mqtt.max-qos: 3 is above the maximum 2"],
    ["max_keepalive soon\n", "its value cannot be read"],
    ["allow_anonymous maybe\n", "its value cannot be read"],
    ["max_connections 5\nmax_connections 6\n", "mqtt.max-connections is for the whole broker and already 5"],
    ["log_type everything\n", "there is no such kind of entry here"],
    ["persistence maybe\n", "its value cannot be read"],
    ["autosave_interval 60\n", noSnapshots],
    ["listener x\n", "its address cannot be read"],
    ["listener 0\n", "its address cannot be read"],
    ["tls_version tlsv1.1\n", 'server.tls-min-version: "tlsv1.1" is not one of tlsv1.2, tlsv1.3'],
    ["ciphers_tls1.3 TLS_AES_128_GCM_SHA256\n", "server.tls-ciphers holds the names of TLS 1.3 too"],
    ["=== broken\n", "not a directive"]
  ] as const) {
    it(`${JSON.stringify(text)}: ${reason}`, () =>
      assert.deepStrictEqual(
        importMosquitto(text).untranslated.map((each) => each.reason),
        [reason]
      ))
  }

  it("the most talkative log_type wins, whatever the order", () => {
    assert.include(importMosquitto("log_type error\nlog_type debug\nlog_type warning\n").yaml, "level: debug")
    assert.include(importMosquitto("log_type warning\nlog_type error\n").yaml, "level: warn")
  })
})
