/**
 * `promptmq user`: adds, changes, removes and lists; never shows a secret, never takes one on the command line.
 */
import * as crypto from "node:crypto"
import { EventEmitter } from "node:events"
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { parsePasswords } from "../../src/access/password-file.ts"
import { derive, isSameHash } from "../../src/access/password-hash.ts"
import { askHiddenOn } from "../../src/cli/ask-secret.ts"
import { run, type WorldOptions } from "./recorded-world.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-user-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const newFile = () => join(folder, `users-${files++}`)

const piped = (text: string): AsyncIterable<Uint8Array> => ({
  async *[Symbol.asyncIterator]() {
    for (const half of [text.slice(0, 3), text.slice(3)]) yield Buffer.from(half)
  }
})
const user = (words: ReadonlyArray<string>, stdin = "", options: WorldOptions = {}) =>
  run(["user", ...words], { stdin: piped(stdin), ...options })
const isPassword = (file: string, username: string, password: string): boolean | undefined => {
  const parsed = parsePasswords(readFileSync(file, "utf8"))
  const hash = "users" in parsed ? parsed.users.get(username)?.hash : undefined
  return hash && isSameHash(derive(crypto, Buffer.from(password), hash.recipe), hash.hash)
}

describe("promptmq user", () => {
  it("add makes the file, with a hash and mode 0600; the password is nowhere", async () => {
    const file = newFile()
    const { code, err, out } = await user(["add", "--file", file, "alice"], "wonderland\nmore\n")
    assert.strictEqual(code, 0, err)
    assert.isTrue(isPassword(file, "alice", "wonderland"))
    assert.isFalse(isPassword(file, "alice", "wonderland\nmore"))
    assert.strictEqual(statSync(file).mode & 0o777, 0o600)
    assert.notInclude(out + err + readFileSync(file, "utf8"), "wonderland")
  })

  it("passwd changes one line, rm takes it out, everything else stays as it was", async () => {
    const file = newFile()
    await user(["add", "--file", file, "alice"], "wonderland\n")
    await user(["add", "--file", file, "--scram", "bob"], "builder\r\n")
    writeFileSync(file, `# ours\n${readFileSync(file, "utf8")}\n`)
    const before = readFileSync(file, "utf8").split("\n")
    assert.strictEqual((await user(["passwd", "--file", file, "bob"], "new one\n")).code, 0)
    assert.isTrue(isPassword(file, "bob", "new one"))
    assert.isTrue(isPassword(file, "alice", "wonderland"))
    const after = readFileSync(file, "utf8").split("\n")
    assert.deepEqual(after.slice(0, 2), before.slice(0, 2))
    assert.include(after[2], ":$scram-sha-256$")
    assert.strictEqual((await user(["rm", "--file", file, "alice"])).code, 0)
    assert.isUndefined(isPassword(file, "alice", "wonderland"))
    assert.isTrue(isPassword(file, "bob", "new one"))
    assert.include(readFileSync(file, "utf8"), "# ours\n")
  })

  it("ls shows names and kinds, as a table and as JSON, and no hash", async () => {
    const file = newFile()
    await user(["add", "--file", file, "--scram", "alice"], "wonderland\n")
    const shown = await user(["ls", "--file", file])
    assert.match(shown.out, /alice +argon2id +yes/)
    const json = await user(["ls", "--file", file, "--json"])
    assert.deepEqual(JSON.parse(json.out).users, [{ username: "alice", hash: "argon2id", scram: true }])
    assert.notInclude(shown.out + json.out, "$")
  })

  it("without --file it is the file of the configuration", async () => {
    const file = newFile()
    const env = {
      PROMPTMQ_AUTH_PASSWORD_FILE: file,
      PROMPTMQ_AUTH_CHAIN: "password-file",
      PROMPTMQ_AUTH_PASSWORD_HASH: "scrypt"
    }
    const added = await user(["add", "alice"], "wonderland\n", { env })
    assert.strictEqual(added.code, 0, added.err)
    assert.include(readFileSync(file, "utf8"), "alice:$scrypt$")
    const nowhere = await user(["add", "bob"], "builder\n", { env: { PROMPTMQ_STORAGE_DATA_DIR: folder } })
    assert.match(nowhere.err, /auth\.chain/)
    assert.isTrue(existsSync(join(folder, "passwords")))
  })

  for (const [what, words, stdin, code, told] of [
    ["a user that is there", ["add", "alice"], "another\n", 1, /E1401/],
    ["a name with a colon", ["add", "a:b"], "another\n", 2, /colon/],
    ["a name with control characters", ["add", "a\u0007"], "another\n", 2, /control/],
    ["no password", ["add", "carol"], "", 2, /no password/],
    ["a short password", ["add", "carol"], "abc\n", 2, /shorter/],
    ["a password on the command line", ["add", "carol", "secret"], "", 2, /E2001/],
    ["removing nobody", ["rm", "carol"], "", 6, /E6001/],
    ["changing nobody", ["passwd", "carol"], "another\n", 6, /E6001/]
  ] as const) {
    it(`${what}: exit code ${code}, and nothing changes`, async () => {
      const file = newFile()
      await user(["add", "--file", file, "alice"], "wonderland\n")
      const before = readFileSync(file, "utf8")
      const [verb, ...names] = words
      const ended = await user([verb, "--file", file, ...names], stdin)
      assert.strictEqual(ended.code, code, ended.err)
      assert.match(ended.err, told)
      assert.strictEqual(readFileSync(file, "utf8"), before)
    })
  }

  it("a damaged file and one open to others are not touched: exit code 3", async () => {
    const file = newFile()
    writeFileSync(file, "alice\n", { mode: 0o600 })
    assert.strictEqual((await user(["add", "--file", file, "bob"], "builder\n")).code, 3)
    writeFileSync(join(folder, "open"), "", { mode: 0o644 })
    const ended = await user(["ls", "--file", join(folder, "open")])
    assert.strictEqual(ended.code, 3)
    assert.match(ended.err, /E3511/)
    assert.strictEqual((await user(["ls", "--file", join(folder, "none")])).code, 6)
  })

  it("at a terminal it asks twice, and both must be the same", async () => {
    const file = newFile()
    const asked: Array<string> = []
    const answering = (answers: ReadonlyArray<string>) => ({
      askHidden: (prompt: string) => {
        asked.push(prompt)
        return Promise.resolve(answers[(asked.length - 1) % answers.length])
      }
    })
    const differ = await user(["add", "--file", file, "alice"], "", answering(["wonderland", "wanderland"]))
    assert.strictEqual(differ.code, 2)
    assert.isFalse(existsSync(file))
    const same = await user(["add", "--file", file, "alice"], "", answering(["wonderland"]))
    assert.strictEqual(same.code, 0, same.err)
    assert.deepEqual(asked.slice(0, 2), ["Password for alice: ", "Again: "])
  })
})

class FakeTerminal extends EventEmitter {
  readonly modes: Array<boolean> = []
  setRawMode(isRaw: boolean): void {
    this.modes.push(isRaw)
  }
  resume(): void {}
  pause(): void {}
}

describe("a secret at a terminal", () => {
  for (const [typed, secret] of [
    ["pässword\r", "pässword"],
    ["abc\x7f\x7fd\n", "ad"],
    ["wrong\x15right\r", "right"],
    ["ab\x1b\tc\r", "abc"],
    ["abc\x03", undefined],
    ["\x04", undefined],
    ["\r", undefined]
  ] as const) {
    it(`${JSON.stringify(typed)}: ${secret}`, async () => {
      const terminal = new FakeTerminal()
      const written: Array<string> = []
      const answer = askHiddenOn(terminal, (text) => void written.push(text), "Password: ")
      const bytes = Buffer.from(typed)
      terminal.emit("data", bytes)
      assert.strictEqual(await answer, secret)
      assert.deepEqual(written, ["Password: ", "\n"])
      assert.deepEqual(terminal.modes, [true, false])
      assert.strictEqual(terminal.listenerCount("data"), 0)
    })
  }
})
