/**
 * Goal: a rules file is read completely or not at all, with every mistake, its place and what to do.
 * Method: good and bad files; what is reported; Mosquitto's acl_file; a source that is reloaded with a bad file.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Verdict } from "../../src/access/access.ts"
import { RulesAuthorizer } from "../../src/access/rules-authorizer.ts"
import { readRules } from "../../src/access/rules-file.ts"
import { RulesSource, refusedWords } from "../../src/access/rules-source.ts"
import { defaultSettings } from "../../src/settings/settings.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-rules-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const good = `# who may do what
rules:
  - effect: deny
    actions: [publish, will]
    topics: secret/#
  - effect: allow
    users: [alice, "7"]
    addresses: 10.0.0.0/8
    qos: [0, 1]
    topics: ["plant/\${clientid}/#", "eq #"]
`

describe("a rules file", () => {
  it("becomes rules that know their lines", () => {
    const { problems, rules } = readRules(good, "acl.yaml")
    assert.deepEqual(problems, [])
    assert.deepEqual(rules, [
      { effect: "deny", actions: ["publish", "will"], topics: ["secret/#"], source: "acl.yaml:3" },
      {
        effect: "allow",
        users: ["alice", "7"],
        addresses: ["10.0.0.0/8"],
        qos: [0, 1],
        topics: ["plant/${clientid}/#", "eq #"],
        source: "acl.yaml:6"
      }
    ])
    assert.deepEqual(readRules(JSON.stringify({ rules: [{ effect: "deny" }] }), "acl.json").rules, [
      { effect: "deny", source: "acl.json:1" }
    ])
    assert.deepEqual(readRules("rules: []", "acl.yaml"), { rules: [], problems: [] })
  })

  it("tells every problem at once, with line, column and fix", () => {
    const text = `rules:
  - effect: alow
    user: alice
  - topics: [a/#/b, "x\${clientid}", "\${group}", "$share/g/a"]
    effect: allow
  - effect: deny
    addresses: [10.0.0.0/33, host, "fe80::1%eth0"]
    qos: 3
    retain: "yes"
    users: []
    listeners: [7]
    actions: [pubish]
  - allow
other: 1
`
    const { problems, rules } = readRules(text, "acl.yaml")
    assert.deepEqual(rules, [])
    // A key of the file that is unknown is told before anybody looks at its rules.
    assert.deepEqual(
      problems.map(({ place }) => place.line),
      [14]
    )
    const told = readRules(text.replace("other: 1\n", ""), "acl.yaml").problems
    assert.deepEqual(
      told.map(({ place }) => `${place.line}:${place.column}`),
      "2:13 3:11 4:14 4:21 4:37 4:49 7:17 7:30 7:36 8:10 9:13 10:12 11:17 12:15 13:5".split(" ")
    )
    for (const problem of told) assert.notStrictEqual(problem.fix, "")
    assert.include(told.map(({ fix }) => fix).join("\n"), "did you mean users?")
    assert.include(told.map(({ fix }) => fix).join("\n"), "did you mean publish?")
    assert.include(told.find(({ place }) => place.line === 3)?.excerpt, "user: alice")
  })

  it("that says nothing, or cannot be parsed, is a problem and opens nothing", () => {
    for (const text of ["", "# nothing", "rules:", "rule: []", "- effect: allow", "rules: {}", "a: [", "x", "\0"]) {
      const { problems, rules } = readRules(text, "acl.yaml")
      assert.isAbove(problems.length, 0, text)
      assert.deepEqual(rules, [])
    }
    assert.isAbove(readRules(`rules: ${"[".repeat(20_000)}`, "acl.yaml").problems.length, 0)
    assert.isAbove(readRules("rules:\n- &a {effect: allow}\n- *a\n", "acl.yaml").problems.length, 0)
    assert.isAbove(readRules("rules:\n- {effect: allow, __proto__: {users: [x]}}\n", "acl.yaml").problems.length, 0)
  })

  it("may be an acl_file of Mosquitto", () => {
    const text = `# comment
topic read public/#

user alice
topic plant/1
topic write cmd/#
topic deny plant/1/secret
pattern readwrite own/%c/#
`
    const { problems, rules } = readRules(text, "acl")
    assert.deepEqual(problems, [])
    assert.deepEqual(rules, [
      { effect: "deny", users: ["alice"], topics: ["plant/1/secret"], source: "acl:7" },
      { effect: "allow", users: [""], actions: ["subscribe"], topics: ["public/#"], source: "acl:2" },
      { effect: "allow", users: ["alice"], topics: ["plant/1"], source: "acl:5" },
      { effect: "allow", users: ["alice"], actions: ["publish"], topics: ["cmd/#"], source: "acl:6" },
      { effect: "allow", topics: ["own/${clientid}/#"], source: "acl:8" }
    ])
    const authorizer = new RulesAuthorizer({ rules, noMatch: "deny" })
    const anonymous = { clientIdentifier: "c", username: undefined }
    assert.strictEqual(authorizer.readVerdict(anonymous, "public/x", 0, false), Verdict.allow)
    assert.strictEqual(authorizer.readVerdict({ ...anonymous, username: "bob" }, "public/x", 0, false), Verdict.deny)
    assert.strictEqual(authorizer.publishVerdict(anonymous, "own/c/x", 0, false, false), Verdict.allow)
    const bad = readRules("topic read a/#/b\nfoo bar\nuser\n  pattern a%c/x\ntopic ${clientid}", "acl")
    assert.deepEqual(
      bad.problems.map(({ place }) => `${place.line}:${place.column}`),
      ["1:1", "2:1", "3:1", "5:1"]
    )
  })
})

describe("the source of the rules", () => {
  const openWith = (file: string) =>
    Effect.runPromiseExit(RulesSource.open({ ...defaultSettings.acl, rulesFile: file }))

  it("row 28: does not open without its file, or with a bad one", async () => {
    const missing = join(folder, "missing.yaml")
    assert.strictEqual((await openWith(missing))._tag, "Failure")
    assert.strictEqual((await openWith(folder))._tag, "Failure")
    const empty = join(folder, "empty.yaml")
    writeFileSync(empty, "")
    assert.strictEqual((await openWith(empty))._tag, "Failure")
  })

  it("row 29: keeps the old rules when the new file is bad or gone, and says so once", async () => {
    const file = join(folder, "acl.yaml")
    writeFileSync(file, good)
    const source = await Effect.runPromise(RulesSource.open({ ...defaultSettings.acl, rulesFile: file }))
    const { authorizer } = source
    const before = authorizer.generation
    writeFileSync(file, "rules:\n  - effect: alow\n")
    const refused = await Effect.runPromise(Effect.flip(source.reload))
    assert.match(
      refusedWords(refused),
      /^the rules file is not used, the old rules stay in force: E3522 {2}.*acl\.yaml:2:13/
    )
    rmSync(file)
    assert.match((await Effect.runPromise(Effect.flip(source.reload))).message, /E3521 .*ENOENT/)
    assert.strictEqual(authorizer.generation, before)
    assert.strictEqual(authorizer.rules.length, 2)
    writeFileSync(file, "rules: []\n")
    assert.deepEqual((await Effect.runPromise(source.reload)).summary, "0 rules, 0 added, 2 removed")
    assert.isAbove(authorizer.generation, before)
    assert.isFalse(authorizer.allowsEverything)
  })
})
