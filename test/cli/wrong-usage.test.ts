/**
 * What can be found wrong without a broker is found before connecting: exit code 2, a code, a fact, a fix.
 * Port 1 has no broker, so a command that connected would end with 4 instead.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { parseUrl } from "../../src/cli/client/url.ts"
import { run } from "./recorded-world.ts"

const at = ["-h", "127.0.0.1", "-p", "1"]

const rows: ReadonlyArray<readonly [words: ReadonlyArray<string>, message: RegExp]> = [
  [["sub", ...at, "-t", "a/#/b"], /E2002 {2}-t a\/#\/b: '#' must be the last level \(column 3\)/],
  [["sub", ...at, "-t", "a+"], /'\+' must fill a whole level \(column 2\)/],
  [["sub", ...at, "-t", "a", "-T", "#/a"], /-T #\/a: '#' must be the last level \(column 1\)/],
  [["sub", ...at, "-t", "a", "-U", ""], /-U : the filter is empty/],
  [["sub", ...at, "-t", "$share/g"], /must follow the share name/],
  [["sub", ...at, "-v"], /no topic/],
  [["sub", ...at, "-t", "a", "-R", "--retained-only"], /exclude each other/],
  [["sub", ...at, "-t", "a", "-V", "mqttv311", "--retain-handling", "new"], /need MQTT 5/],
  [["sub", ...at, "-t", "a", "-c"], /add -i <id>/],
  [["sub", ...at, "-t", "a", "-q", "3"], /whole number from 0 to 2/],
  [["pub", ...at, "-t", "a/+", "-m", "x"], /E2002 {2}-t a\/\+: '\+' is a wildcard.*\(column 3\)/],
  [["pub", ...at, "-m", "x"], /no topic/],
  [["pub", ...at, "-t", "a"], /no message/],
  [["pub", ...at, "-t", "a", "-m", "x", "-n"], /only one of -m, -f, -n, -s, -l/],
  [["pub", ...at, "-t", "a", "-l", "--count", "2"], /not together with -l/],
  [["pub", ...at, "-t", "a", "-f", "no-such-file"], /no such file/],
  [["pub", ...at, "-t", "a", "-m", "x", "--will-qos", "1"], /a will needs --will-topic/],
  [["pub", ...at, "-t", "a", "-m", "x", "--will-topic", "#"], /--will-topic #: '#' is a wildcard/],
  [["pub", ...at, "-t", "a", "-m", "x", "-V", "31", "-D", "publish", "content-type", "t"], /-D needs MQTT 5/],
  [["pub", ...at, "-t", "a", "-m", "x", "-V", "311", "-x", "5"], /-x needs MQTT 5/],
  [["pub", ...at, "-t", "a", "-m", "x", "-V", "311", "-P", "p"], /add -u <name>/],
  [["pub", ...at, "-t", "a", "-m", "x", "-x", "5s"], /-x 5s/],
  [["pub", ...at, "-t", "a", "-m", "x", "-i", "a", "-I", "b"], /-i and -I exclude/],
  [["pub", ...at, "-t", "a", "-m", "x", "--insecure"], /--insecure needs TLS/],
  [["pub", ...at, "-t", "a", "-m", "x", "--cert", "c"], /--cert and --key/],
  [["pub", ...at, "-t", "a", "-m", "x", "--unix", "s"], /--unix replaces host and port/],
  [["pub", "-L", "http://x/y", "-m", "x"], /-L http:\/\/x\/y: not mqtt/],
  [["pub", "-L", "mqtt://u:secret@:99999/y", "-m", "x"], /mqtt:\/\/u:\*\*\*@/],
  [["nonsense"], /"nonsense" is not a command/],
  [["operate"], /promptmq help operate lists its commands/],
  [["pbu"], /did you mean "promptmq pub"/],
  [["config", "chekc"], /did you mean "promptmq config check"/],
  [["config"], /promptmq config check/],
  [["completion", "tcsh"], /one of bash, zsh, fish/],
  [["server", "extra"], /one argument too many/],
  [["--log-levle", "debug"], /did you mean "--log-level"/],
  [["server", "--port", "1884"], /--bind 127\.0\.0\.1:1883/],
  [["-p", "1884"], /--bind 127\.0\.0\.1:1883/],
  [["-v"], /--log-level debug/],
  [["foo"], /promptmq --help lists them/],
  [["pub", ...at, "-t", "a", "-f", "-"], /standard input is -s/]
]

describe("wrong usage", () => {
  for (const [words, message] of rows) {
    it(`promptmq ${words.join(" ")}`, async () => {
      const { code, out, err } = await run(words)
      assert.deepEqual({ code, out }, { code: 2, out: "" })
      assert.match(err, message)
      assert.notInclude(err, "secret")
    })
  }

  it("a bare pub or sub prints its help", async () => {
    for (const name of ["pub", "sub"]) {
      const { code, out, err } = await run([name])
      assert.deepEqual({ code, err }, { code: 2, err: "" })
      assert.match(out, new RegExp(`^promptmq ${name}: `))
    }
  })
})

describe("url", () => {
  it("takes user, password, port and a topic with any character", () => {
    assert.deepEqual(parseUrl("mqtts://u%40x:p%3A1@host:8883/a/%23?b#c"), {
      isTls: true,
      isWebSocket: false,
      host: "host",
      port: 8883,
      username: "u@x",
      password: "p:1",
      topic: "a/#?b#c"
    })
    assert.deepEqual(parseUrl("ws://[::1]"), { isTls: false, isWebSocket: true, host: "::1" })
  })

  it("reads a password from a file, so that it is on no command line", async () => {
    const folder = mkdtempSync(join(tmpdir(), "promptmq-cli-"))
    writeFileSync(join(folder, "password"), "secret\nmore\n")
    const missing = await run(["pub", ...at, "-t", "a", "-m", "x", "--password-file", join(folder, "none")])
    assert.strictEqual(missing.code, 2)
    const found = await run(["pub", ...at, "-t", "a", "-m", "x", "--password-file", join(folder, "password")])
    assert.strictEqual(found.code, 4)
    rmSync(folder, { recursive: true })
  })
})
