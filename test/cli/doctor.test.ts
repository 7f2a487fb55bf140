/**
 * Goal: doctor names everything that is open or will not hold, each with a fix, and finds nothing where nothing is.
 * Method: configurations with one thing wrong each; limits, syncs and clocks as texts and numbers.
 */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import type { Finding } from "../../src/cli/doctor/finding.ts"
import { judgeClock, judgeSync, openFiles } from "../../src/cli/doctor/machine.ts"
import { defaultSettings } from "../../src/settings/settings.ts"
import { run, testWorld } from "./recorded-world.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-doctor-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0

const doctor = async (yaml: string) => {
  const file = join(folder, `broker-${++files}.yaml`)
  writeFileSync(file, yaml, { mode: 0o600 })
  const ran = await run(["doctor", "-c", file, "--json"], testWorld({ workingDirectory: folder }))
  const { findings } = ran.out === "" ? { findings: [] } : (JSON.parse(ran.out) as { findings: ReadonlyArray<Finding> })
  const of = (check: string) => findings.filter((finding) => finding.check === check)
  return { ...ran, findings, of }
}

describe("promptmq doctor", () => {
  it("finds no problem in the defaults, and leaves nothing behind", async () => {
    const data = join(folder, "data")
    mkdirSync(data, { mode: 0o700 })
    const { code, findings, of } = await doctor(`storage: { data-dir: ${JSON.stringify(data)} }`)
    const problems = findings.filter(({ check, state }) => state === "problem" && check !== "open-files")
    assert.deepStrictEqual(problems, [])
    if (of("open-files")[0]?.state !== "problem") assert.strictEqual(code, 0)
    assert.deepStrictEqual(readdirSync(data), [])
  })

  for (const [what, yaml, check, word] of [
    [
      "strangers without a password",
      'server: { bind: "0.0.0.0:1883" }\nauth: { allow-anonymous: true }',
      "anonymous",
      "strangers"
    ],
    [
      "plain text beyond loopback",
      'server: { bind: "0.0.0.0:1883" }\nauth: { allow-anonymous: true }',
      "listeners",
      "can be read"
    ],
    ["an admin API for everybody", 'admin: { bind: "0.0.0.0:9090" }', "admin", "admin API"],
    [
      "a proxy that anybody can be",
      'server: { proxy-protocol: [tcp], proxy-trusted: ["0.0.0.0/0"] }',
      "proxies",
      "0.0.0.0/0"
    ],
    ["more memory than there is", "limits: { max-memory: 1000TiB }", "memory", "more than there is"]
  ] as const) {
    it(`calls ${what} a problem, with a fix, and ends with 1`, async () => {
      const { code, of } = await doctor(yaml)
      const finding = of(check).find(({ state }) => state === "problem")
      assert.include(finding?.fact ?? "", word)
      assert.isNotEmpty(finding?.fix)
      assert.strictEqual(code, 1)
    })
  }

  it("warns of limits that are switched off, and of rules that allow what they do not name", async () => {
    const { of } = await doctor(
      "limits: { max-queued-messages: 0, max-loop-lag: 0s }\nacl: { rules-file: /none.yaml, no-match: allow }"
    )
    assert.include(of("limits")[0]?.fact ?? "", "limits.max-queued-messages, limits.max-loop-lag")
    assert.strictEqual(of("rules")[0]?.state, "warning")
  })

  it("sees secrets and configurations that others may read or change", async () => {
    const token = join(folder, "token")
    writeFileSync(token, "secret")
    chmodSync(token, 0o644)
    const { findings, of } = await doctor(`admin: { token-file: ${JSON.stringify(token)} }`)
    assert.include(of("files")[0]?.fact ?? "", "admin.token-file")
    assert.include(of("files")[0]?.fix ?? "", "chmod 600")
    assert.notInclude(JSON.stringify(findings), 'secret"')
    const open = join(folder, "open.yaml")
    writeFileSync(open, "")
    chmodSync(open, 0o666)
    const ran = await run(["doctor", "-c", open, "--json"], testWorld({ workingDirectory: folder }))
    assert.include(ran.out, "can be changed by other users")
  })

  it("tells a configuration that is not valid as the broker would", async () => {
    const { code, err } = await doctor("server: { bnd: x }")
    assert.strictEqual(code, 3)
    assert.include(err, "E3101")
  })

  it("says it to people too, with the fix below", async () => {
    const file = join(folder, "people.yaml")
    writeFileSync(file, 'admin: { bind: "0.0.0.0:9090" }', { mode: 0o600 })
    const { out } = await run(["doctor", "-c", file], testWorld({ workingDirectory: folder }))
    assert.match(out, /^problem {2}admin .*\n +fix: bind admin.bind/m)
    assert.match(out, /\d+ problems?, \d+ warnings?\n$/)
  })
})

describe("what the machine gives", () => {
  const limitsText = (files: string) =>
    `Limit  Soft  Hard  Units\nMax open files            ${files}    1048576   files\n`

  it("open files are enough or they are not", () => {
    assert.strictEqual(openFiles(defaultSettings, limitsText("1024")).state, "problem")
    assert.include(openFiles(defaultSettings, limitsText("1024")).fix ?? "", "LimitNOFILE=10256")
    assert.strictEqual(openFiles(defaultSettings, limitsText("1048576")).state, "ok")
    assert.strictEqual(openFiles(defaultSettings, limitsText("unlimited")).state, "ok")
    assert.strictEqual(openFiles(defaultSettings, undefined).state, "note")
  })

  it("a sync is quick, slow, or too quick to be true", () => {
    assert.strictEqual(judgeSync([0.5, 1, 9]).state, "ok")
    assert.strictEqual(judgeSync([30, 40, 50]).state, "warning")
    assert.strictEqual(judgeSync([0.001, 0.002, 0.5]).state, "note")
  })

  it("a clock that was never set is a problem", () => {
    assert.strictEqual(judgeClock(0, true).state, "problem")
    assert.strictEqual(judgeClock(Date.UTC(2027, 0, 1), true).state, "ok")
    assert.strictEqual(judgeClock(Date.UTC(2027, 0, 1), false).state, "note")
    assert.include(judgeClock(Date.UTC(2027, 0, 1), false).fix ?? "", "systemd-timesyncd")
  })
})
