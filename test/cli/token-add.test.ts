/**
 * `promptmq token`: what add prints is printed once and kept nowhere, the file gets a digest that the broker understands; ls
 * shows who has one, rm takes one back and leaves the rest of the file as it is.
 */
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { digestOf, readTokens } from "../../src/admin/tokens-file.ts"
import { run } from "./recorded-world.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-token-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const add = (...words: ReadonlyArray<string>) => run(["token", "add", ...words], { workingDirectory: folder })

describe("promptmq token add", () => {
  it("prints the token, and writes its digest with name and role", async () => {
    const { code, err, out } = await add("grafana", "--file", "tokens")
    assert.strictEqual(code, 0)
    const token = out.trim()
    assert.match(token, /^[\w-]{43}$/)
    assert.notInclude(err, token)
    const file = join(folder, "tokens")
    assert.notInclude(readFileSync(file, "utf8"), token)
    assert.strictEqual(statSync(file).mode & 0o777, 0o600)
    assert.strictEqual((await add("ops", "--role", "operator", "--file", "tokens")).code, 0)
    const rows = readTokens(file)
    if (typeof rows === "string") return assert.fail(rows)
    assert.deepEqual(
      rows.map(({ name, role }) => [name, role]),
      [
        ["grafana", "viewer"],
        ["ops", "operator"]
      ]
    )
    assert.deepEqual(rows[0]?.digest, digestOf(token))
  })

  it("refuses a name twice, a name or role that is none, and a file that is damaged", async () => {
    await add("a", "--file", "others")
    for (const [words, code] of [
      [["a", "--file", "others"], 1],
      [["a/b", "--file", "others"], 2],
      [["b", "--role", "root", "--file", "others"], 2],
      [["b", "--file", "damaged"], 3]
    ] as const) {
      writeFileSync(join(folder, "damaged"), "half a line\n", { mode: 0o600 })
      const { code: ended, out } = await add(...words)
      assert.deepEqual([ended, out], [code, ""], words.join(" "))
    }
  })
})

describe("promptmq token ls and rm", () => {
  const token = (...words: ReadonlyArray<string>) => run(["token", ...words], { workingDirectory: folder })

  it("lists names and roles, never a digest, and takes one back", async () => {
    await add("grafana", "--file", "listed")
    await add("ops", "--role", "operator", "--file", "listed")
    const file = join(folder, "listed")
    writeFileSync(file, `# mine\n${readFileSync(file, "utf8")}`)
    const { code, out } = await token("ls", "--file", "listed")
    assert.strictEqual(code, 0)
    assert.match(out, /grafana +viewer/)
    assert.match(out, /ops +operator/)
    assert.notMatch(out, /[0-9a-f]{20}/)
    assert.deepEqual(JSON.parse((await token("ls", "--file", "listed", "--json")).out).tokens, [
      { name: "grafana", role: "viewer" },
      { name: "ops", role: "operator" }
    ])
    assert.strictEqual((await token("rm", "grafana", "--file", "listed")).code, 0)
    const left = readFileSync(file, "utf8")
    assert.match(left, /^# mine\n# Tokens/)
    assert.notInclude(left, "grafana")
    assert.strictEqual(statSync(file).mode & 0o777, 0o600)
    const rows = readTokens(file)
    if (typeof rows === "string") return assert.fail(rows)
    assert.deepEqual(
      rows.map(({ name }) => name),
      ["ops"]
    )
    assert.strictEqual((await token("rm", "grafana", "--file", "listed")).code, 6)
    assert.strictEqual((await token("rm", "x", "--file", "damaged")).code, 3)
    assert.match((await token("ls", "--file", "none")).err, /has no tokens/)
  })

  // Skipped without root, because nobody else may give files away.
  it.skipIf(process.getuid?.() !== 0)("rm by root leaves the file to whom it belongs", async () => {
    await add("grafana", "--file", "owned")
    const file = join(folder, "owned")
    chownSync(file, 61_234, 61_235)
    chmodSync(file, 0o640)
    assert.strictEqual((await token("rm", "grafana", "--file", "owned")).code, 0)
    const { gid, mode, uid } = statSync(file)
    assert.deepEqual([uid, gid, mode & 0o777], [61_234, 61_235, 0o640])
  })
})
