/**
 * Goal: an archive of the release runs where it is unpacked, also through a link in a folder of the path, and its sums hold.
 * Method: .ci/release.mjs for the platform of this machine, without a build; the broker is started from the archive, asked,
 * and stopped. Needs npm's cache or the registry for LMDB, as test/package/package.test.ts does.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, delimiter, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Child } from "../support/child.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const platform = `${process.platform}-${process.arch}`
const isReleased = ["linux-x64", "linux-arm64"].includes(platform) && existsSync(join(root, "dist", "main.js"))
const folder = mkdtempSync(join(tmpdir(), "promptmq-release-test-"))
const out = join(folder, "release")
const npmTimeoutMs = 300_000
// The archive starts the Node of the path; variables of the test run are none of the broker's.
const path = `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}`
const env = Object.fromEntries(
  Object.entries({ ...process.env, PATH: path }).filter(([name]) => !name.startsWith("PROMPTMQ_"))
)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

// Skipped on other platforms and without dist/, because then there is nothing to release that could run here.
describe.skipIf(!isReleased)("a release", () => {
  let made = ""

  beforeAll(() => {
    const words = [join(root, ".ci", "release.mjs"), "--no-build", "--platform", platform, "--out", out]
    const { status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8", env })
    assert.strictEqual(status, 0, stderr)
    made = readdirSync(out).find((name) => name.endsWith(`${platform}.tar.gz`)) ?? assert.fail("no archive")
    execFileSync("tar", ["-xzf", join(out, made), "-C", folder])
    made = join(folder, made.replace(".tar.gz", ""))
  }, npmTimeoutMs)

  it("has sums of every file beside them", () => {
    const lines = readFileSync(join(out, "SHA256SUMS"), "utf8").trim().split("\n")
    const names = lines.map((line) => line.slice(66))
    assert.deepEqual([...names, "SHA256SUMS"].sort(), readdirSync(out).sort())
    for (const [index, name] of names.entries()) {
      const sum = createHash("sha256")
        .update(readFileSync(join(out, name)))
        .digest("hex")
      assert.strictEqual(lines[index], `${sum}  ${name}`)
    }
  })

  it("runs from its folder and through a link, with its store on disk", async () => {
    const link = join(folder, "promptmq")
    symlinkSync(join(made, "bin", "promptmq"), link)
    const version = execFileSync(link, ["--version"], { encoding: "utf8", env })
    assert.match(version, /^promptmq \d/)
    const place = ["--bind", "127.0.0.1:0", "--ws-bind", "", "--no-admin", "--data-dir", join(folder, "data")]
    await using broker = new Child("env", ["-u", "PROMPTMQ_TEST_TIMEOUT_MS", `PATH=${path}`, link, "server", ...place])
    const port = /:(\d+)$/.exec(await broker.line(/mqtt:\/\/.*:\d+$/))?.[1] ?? ""
    execFileSync(link, ["pub", "-p", port, "-t", "a", "-m", "b", "-q", "1", "-r"], { env })
    broker.kill("SIGTERM")
    assert.strictEqual((await broker.ended()).code, 0)
  })

  it("leaves the workshop at home", () => {
    assert.deepEqual(readdirSync(made).sort(), [
      "LICENSE",
      "README.md",
      "bin",
      "config",
      "dist",
      "node_modules",
      "package.json"
    ])
    // As it is in the archive: what ran here since has compiled something.
    const archived = execFileSync("tar", ["-tzf", `${join(out, basename(made))}.tar.gz`], { encoding: "utf8" })
    assert.notMatch(archived, /\/dist\/(types|compiled)\//)
  })
})
