/**
 * --first-user: a user and a password where there is none yet, told once; whoever has a file keeps it.
 */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { makeFirstUser } from "../../src/cli/first-user.ts"
import { UsageFault } from "../../src/cli/grammar/option.ts"
import { runCommandLine } from "../../src/cli/run.ts"
import { defaultSettings, type Settings } from "../../src/settings/settings.ts"
import { run, testWorld } from "./recorded-world.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-first-user-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const settingsAt = (file: string, chain: Settings["auth"]["chain"] = ["password-file"]): Settings => ({
  ...defaultSettings,
  auth: { ...defaultSettings.auth, chain, passwordFile: file }
})

describe("--first-user", () => {
  it("makes a user whose printed line works, and none the second time", async () => {
    const data = join(folder, "data")
    const words = ["server", "--first-user", "admin", "--bind", "127.0.0.1:0", "--ws-bind", "", "--no-admin"]
    const all = [...words, "--data-dir", data, "--auth-chain", "password-file", "--no-auth-allow-anonymous"]
    const world = testWorld({ workingDirectory: folder })
    const ended = runCommandLine(all, world)
    await Promise.race([world.stderr.until(/ready/), ended])
    const line = /promptmq (pub .*)/.exec(world.stderr.text)?.[1]?.split(" ") ?? assert.fail(world.stderr.text)
    const port = /mqtt:\/\/.*:(\d+)/.exec(world.stderr.text)?.[1] ?? ""
    const at = line.map((word, index) => (line[index - 1] === "-p" ? port : word === "localhost" ? "127.0.0.1" : word))
    assert.strictEqual((await run(at)).code, 0)
    const password = line[line.indexOf("-P") + 1] ?? ""
    assert.isAtLeast(password.length, 20)
    assert.notInclude(readFileSync(join(data, "passwords"), "utf8"), password)
    assert.notInclude(world.stdout.text, password, "FIRST-2")
    assert.strictEqual(statSync(join(data, "passwords")).mode & 0o777, 0o600)
    world.signal("SIGTERM")
    assert.strictEqual(await ended, 0)
    const second = testWorld({ workingDirectory: folder })
    assert.isUndefined(makeFirstUser("admin", settingsAt(join(data, "passwords")), second))
    assert.strictEqual(second.stderr.text, "")
  })

  it("leaves a damaged file alone", () => {
    const file = join(folder, "damaged")
    writeFileSync(file, "nonsense\n", { mode: 0o600 })
    assert.isUndefined(makeFirstUser("admin", settingsAt(file), testWorld()))
    assert.strictEqual(readFileSync(file, "utf8"), "nonsense\n", "FIRST-1")
  })

  it("is wrong usage without the password file in the chain, or with a name that cannot be one", () => {
    assert.instanceOf(makeFirstUser("admin", settingsAt(join(folder, "x"), []), testWorld()), UsageFault)
    assert.instanceOf(makeFirstUser("a:b", settingsAt(join(folder, "x")), testWorld()), UsageFault)
  })
})
