/**
 * Help, manual pages and completion scripts: made from the declarations, so that nothing is missing, and
 * judged by the programs that read them (bash, groff) where they are installed.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { commandRows, loadAllCommands } from "../../src/cli/commands.ts"
import { exitCodeMeanings, exitCodes } from "../../src/cli/exit-codes.ts"
import { errorCodes } from "../../src/config/error-codes.ts"
import { settingsLeaves } from "../../src/settings/leaves.ts"
import { startAdminStub } from "./admin-stub.ts"
import { run } from "./recorded-world.ts"
import { hasTool } from "./tools.ts"

describe("version", () => {
  it("is one line, by option and by word", async () => {
    const { out } = await run(["--version"])
    assert.match(out, /^promptmq \d+\.\d+\.\d+.*, Node .*, commit .*, store format \d+\n$/)
    assert.strictEqual((await run(["version"])).out, out)
  })
})

describe("help", () => {
  it("is at most 25 lines, three examples first, every command in it", async () => {
    for (const words of [["--help"], ["-h"], ["help"]]) {
      const { code, out } = await run(words)
      assert.strictEqual(code, 0)
      const lines = out.trimEnd().split("\n")
      assert.isAtMost(lines.length, 25)
      assert.isTrue(lines.slice(2, 5).every((line) => line.startsWith("  promptmq")))
      for (const line of lines) assert.isAtMost(line.length, 90)
      const listed = namesOf(lines)
      for (const { group, name } of commandRows) assert.include(listed.get(group.toLowerCase()) ?? [], name)
    }
  })

  /** The names behind each group; a family is "config check|show", and a long line goes on below. */
  function namesOf(lines: ReadonlyArray<string>): ReadonlyMap<string, ReadonlyArray<string>> {
    const texts = new Map<string, string>()
    let group = ""
    for (const line of lines) {
      const [, head = "", text = ""] = /^ {2}(\w+|) {2,}(\S.*)$/.exec(line) ?? []
      if (text === "") continue
      if (head !== "") group = head
      const before = texts.get(group) ?? ""
      texts.set(group, before === "" || before.endsWith("|") ? `${before}${text}` : `${before} ${text}`)
    }
    const expand = (entry: string): ReadonlyArray<string> => {
      const [family = "", words] = entry.split(" ")
      return words === undefined ? [family] : words.split("|").map((word) => `${family} ${word}`)
    }
    return new Map(Array.from(texts, ([name, text]) => [name, text.split(", ").flatMap(expand)]))
  }

  it("of a group or a family gives each of its commands a line", async () => {
    for (const group of new Set(commandRows.map((row) => row.group))) {
      for (const word of [group, group.toLowerCase()]) {
        const { code, err, out } = await run(["help", word])
        assert.deepEqual({ code, err }, { code: 0, err: "" })
        const rows = commandRows.filter((row) => row.group === group)
        assert.lengthOf(out.trimEnd().split("\n"), rows.length)
        for (const { name } of rows) assert.match(out, new RegExp(`  promptmq ${name} +`))
        for (const { summary } of rows) assert.include(out, `  ${summary}\n`)
      }
    }
    const { code, out } = await run(["help", "retained"])
    assert.strictEqual(code, 0)
    assert.match(out, /^ {2}promptmq retained ls .*\n {2}promptmq retained get /)
    assert.strictEqual((await run(["help", "nonsense"])).code, 2)
  })

  it("of every command lists its options and operands, at --help and behind help", async () => {
    for (const command of await loadAllCommands()) {
      const { code, out, err } = await run([...command.name.split(" "), "--help"])
      assert.deepEqual({ code, err }, { code: 0, err: "" })
      assert.deepEqual(await run(["help", ...command.name.split(" ")]), { code, out, err, bytes: Buffer.from(out) })
      for (const [name, option] of Object.entries(command.options)) {
        if (option.isHidden) assert.notInclude(out, `--${name} `)
        else assert.match(out, new RegExp(`--(\\[no-\\])?${name}\\b`), command.name)
      }
      for (const example of command.examples) assert.include(out, example.line)
    }
  })

  it("has every letter of the Mosquitto tools that section 1 of the design names", async () => {
    const wanted = {
      pub: { letters: "hpuPiIkcxVqrtmflsndLADM", names: ["repeat", "repeat-delay"] },
      sub: {
        letters: "hpuPiIkcxVqtdLADvCWRTUNFE",
        names: ["retained-only", "remove-retained", "pretty", "retain-handling"]
      }
    }
    const shared = [
      "cafile",
      "cert",
      "key",
      "insecure",
      "will-topic",
      "will-payload",
      "will-qos",
      "will-retain",
      "unix",
      "ws"
    ]
    for (const command of await loadAllCommands()) {
      const rule = wanted[command.name as keyof typeof wanted]
      if (rule === undefined) continue
      const letters = Object.values(command.options).map(({ letter }) => letter)
      for (const letter of rule.letters) assert.include(letters, letter, command.name)
      for (const name of [...rule.names, ...shared]) assert.property(command.options, name)
    }
  })

  it("no letter and no name twice in one command", async () => {
    for (const command of await loadAllCommands()) {
      const letters = Object.values(command.options).flatMap(({ letter }) => (letter === undefined ? [] : [letter]))
      assert.strictEqual(new Set(letters).size, letters.length, command.name)
      const names = Object.entries(command.options).flatMap(([name, { aliases }]) => [name, ...aliases])
      assert.strictEqual(new Set(names).size, names.length, command.name)
    }
  })

  it("server has a flag for every setting", async () => {
    const server = (await loadAllCommands()).find(({ name }) => name === "server")
    for (const leaf of settingsLeaves) assert.property(server?.options, leaf.flag)
    for (const name of ["config", "help", "version"])
      assert.notInclude(
        settingsLeaves.map(({ flag }) => flag),
        name
      )
  })
})

describe("completion", () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    // Skipped without the shell, because only it can judge its own syntax.
    it.skipIf(!hasTool(shell, "--version"))(`script for ${shell} is one that ${shell} reads`, async () => {
      const { code, out } = await run(["completion", shell])
      assert.strictEqual(code, 0)
      const folder = mkdtempSync(join(tmpdir(), "promptmq-cli-"))
      writeFileSync(join(folder, "script"), out)
      const judged = spawnSync(shell, ["-n", join(folder, "script")], { encoding: "utf8" })
      rmSync(folder, { recursive: true })
      assert.deepEqual([judged.status, judged.stderr], [0, ""])
    })

    it(`for ${shell} has every command and every option`, async () => {
      const { out } = await run(["completion", shell])
      for (const command of await loadAllCommands()) {
        for (const word of command.name.split(" ")) assert.include(out, word)
        for (const [name, { isHidden }] of Object.entries(command.options)) {
          if (!isHidden) assert.include(out, shell === "fish" ? `-l ${name}` : `--${name}`)
        }
      }
    })
  }

  // Skipped without bash, because it runs the script.
  it.skipIf(!hasTool("bash", "--version"))("completes commands, options and values in bash", async () => {
    const { out } = await run(["completion", "bash"])
    const complete = (...words: ReadonlyArray<string>): ReadonlyArray<string> => {
      const list = words.map((word) => `'${word}'`).join(" ")
      const script = `${out}\nCOMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _promptmq; printf '%s\\n' "\${COMPREPLY[@]}"`
      return spawnSync("bash", ["-c", script], { encoding: "utf8" }).stdout.trim().split("\n")
    }
    assert.deepEqual(complete("promptmq", "p"), ["pub", "ping"])
    assert.deepEqual(complete("promptmq", "retained", ""), ["ls", "get", "set", "rm"])
    assert.includeMembers([...complete("promptmq", "config", "")], ["check", "show", "schema", "init", "import"])
    assert.deepEqual(complete("promptmq", "pub", "--will-t"), ["--will-topic"])
    assert.deepEqual(complete("promptmq", "config", "show", "--or"), ["--origin"])
    assert.deepEqual(complete("promptmq", "server", "--log-level", "d"), ["debug"])
    assert.deepEqual(complete("promptmq", "--log-le"), ["--log-level"])
    assert.deepEqual(complete("promptmq", "sub", "-V", "mqttv3"), ["mqttv311", "mqttv31"])
    assert.deepEqual(complete("promptmq", "completion", "z"), ["zsh"])
    assert.deepEqual(
      complete("promptmq", "explain-error", "E310"),
      Object.keys(errorCodes).filter((code) => code.startsWith("E310"))
    )
    assert.deepEqual(complete("promptmq", "hel"), ["help"])
    assert.deepEqual(complete("promptmq", "help", "me"), ["messages"])
    assert.include(complete("promptmq", "config", "init", "--preset", "e"), "edge")
  })
})

describe("client identifiers in completion", () => {
  // Skipped without bash, because it runs the script.
  it.skipIf(!hasTool("bash", "--version"))("come from the broker, quoted, and are never run", async () => {
    const { out } = await run(["completion", "bash"])
    const names = "c1\\nc 2\\n$(echo ran >&2)\\nd*\\n"
    const complete = (...words: ReadonlyArray<string>) => {
      const list = words.map((word) => `'${word}'`).join(" ")
      const broker = `promptmq() { echo "asked: $*" >&2; printf '${names}'; }`
      const position = `COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; COMP_LINE="${words.join(" ")}"`
      // What it asks is thrown away: in the copy it is not.
      const script = `${broker}\n${out.replace("2>/dev/null", "")}\n${position}; _promptmq; printf '%s\\n' "\${COMPREPLY[@]}"`
      const { stderr, stdout } = spawnSync("bash", ["-c", script], { encoding: "utf8" })
      return { asked: stderr.trim(), names: stdout.trim().split("\n") }
    }
    const all = complete("promptmq", "client", "-c", "a.yaml", "")
    assert.deepEqual(all, {
      asked: "asked: complete-names clients promptmq client -c a.yaml",
      names: ["c1", "c\\ 2", "\\$\\(echo\\ ran\\ \\>\\&2\\)", "d\\*"]
    })
    assert.deepEqual(complete("promptmq", "kick", "c").names, ["c1", "c\\ 2"])
    assert.deepEqual(complete("promptmq", "subs", "--client", "d").names, ["d\\*"])
    assert.deepEqual(complete("promptmq", "kick", "--end").names, ["--end-session"])
  })

  it("are those of the broker that the line names, and none when it does not answer", async () => {
    const stub = await startAdminStub()
    const folder = mkdtempSync(join(tmpdir(), "promptmq-cli-"))
    writeFileSync(join(folder, "token"), stub.token)
    const url = `http://127.0.0.1:${stub.port}`
    for (const line of [
      `--url ${url} --token-file ${join(folder, "token")} `,
      `--url=${url} --token-file='${folder}/token'`
    ]) {
      const { code, err, out } = await run(["complete-names", "clients", `promptmq client ${line}`])
      // The other one would clear the screen.
      assert.deepEqual([code, out, err], [0, "c1\n", ""])
    }
    await stub.stop()
    const gone = await run(["complete-names", "clients", `promptmq client --url ${url}`])
    assert.deepEqual([gone.code, gone.out, gone.err], [4, "", ""])
    rmSync(folder, { recursive: true })
  })
})

describe("man", () => {
  for (const page of ["promptmq", "promptmq.yaml"]) {
    // Skipped without groff, because only it can say whether a page is well-formed.
    it.skipIf(!hasTool("groff", "--version"))(`${page} is a page that groff takes without a warning`, async () => {
      const { code, out } = await run(["man", page])
      assert.strictEqual(code, 0)
      const judged = spawnSync("groff", ["-man", "-Tutf8", "-ww", "-z"], { input: out, encoding: "utf8" })
      assert.deepEqual([judged.status, judged.stderr], [0, ""])
    })
  }

  it("names every command, option and exit code, and every setting with flag and variable", async () => {
    const plain = (roff: string): string => roff.replaceAll("\\-", "-").replaceAll("\\(aq", "'")
    const commands = plain((await run(["man"])).out)
    for (const command of await loadAllCommands()) {
      assert.include(commands, `.SS promptmq ${command.name}`)
      for (const [name, { isHidden }] of Object.entries(command.options)) {
        if (!isHidden) assert.match(commands, new RegExp(`--(\\[no-\\])?${name}\\b`))
      }
    }
    for (const [, meaning] of exitCodeMeanings) assert.include(commands, meaning)
    const settings = plain((await run(["man", "promptmq.yaml"])).out)
    for (const leaf of settingsLeaves) {
      assert.include(settings, `.B ${leaf.key}\n`)
      assert.include(settings, leaf.env)
      if (!leaf.secret) assert.include(settings, `--${leaf.flag}\n`)
    }
  })
})

describe("version and errors", () => {
  it("--version is one line: version, Node, commit, store format", async () => {
    const { code, out } = await run(["--version"])
    assert.strictEqual(code, 0)
    assert.match(out, /^promptmq \d+\.\d+\.\d+, Node \d+\.\d+\.\d+, commit ([0-9a-f]{12}|unknown), store format \d+\n$/)
  })

  it("explain-error prints the text of a code, lists them, and ends with 6 for one that does not exist", async () => {
    for (const typed of ["E3107", "e3107", "3107"])
      assert.match((await run(["explain-error", typed])).out, /^E3107 {2}.+\n\n.+\n\nfix: .+\n$/)
    assert.match((await run(["explain-error"])).out, /^E1001 {2}/)
    const { code, out, err } = await run(["explain-error", "E3999"])
    assert.deepEqual({ code, out }, { code: exitCodes.notFound, out: "" })
    assert.match(err, /E6001 {2}there is no error code E3999/)
  })

  it("every exit code has one meaning", () => {
    assert.deepEqual(
      exitCodeMeanings.map(([code]) => code),
      Object.values(exitCodes)
    )
  })
})
