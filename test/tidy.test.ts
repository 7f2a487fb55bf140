/**
 * The source itself under test: floors, sizes, headers, banned calls, documents, top level.
 *
 * Method: read every file as text, judge it by the tables below. Biome holds the part of these rules that an editor
 * should show while typing; the last test of the first block keeps its list and this one the same.
 */
import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { homedir } from "node:os"
import { dirname, join, relative, sep } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

/** The house: rooms by floor. A file imports from lower floors and from its own room. */
const floors: ReadonlyArray<ReadonlyArray<string>> = [
  ["base", "settings"],
  ["codec", "session", "router", "metrics"],
  ["wal", "listener", "telemetry"],
  ["access", "store"],
  ["broker"],
  ["cluster", "client", "queue"],
  ["config", "admin"],
  ["cli", "embed", "main.ts", "app.ts", "index.ts"]
]
/** Arrows within one floor: on the top floor the doors open onto the commands. */
const sideways: Readonly<Record<string, ReadonlyArray<string>>> = {
  session: ["codec", "router"],
  "main.ts": ["cli", "app.ts"],
  "app.ts": ["cli"],
  embed: ["app.ts", "cli"],
  "index.ts": ["app.ts", "embed"],
  cli: ["app.ts"]
}
const plainRooms = ["base", "codec", "session", "router", "metrics"]
const plainBuiltins = ["node:assert", "node:assert/strict", "node:buffer", "node:zlib"]
const bannedInPlainRooms =
  /\bDate\.now\b|\bnew Date\(\)|\bperformance\.|\bMath\.random\b|\bset(Timeout|Interval|Immediate)\b|\bprocess\.|\bconsole\.|\brandom(Bytes|UUID)\b/

const topLevel = [
  "package.json",
  "tsconfig.json",
  "src",
  "test",
  "bench",
  "config",
  "flake.nix",
  "biome.json",
  "README.md"
]
const topLevelBesides = ["LICENSE", "package-lock.json", "flake.lock"]

const limits = { fileLinesMax: 500, fileLinesMedianMax: 150, headerLinesMin: 3, readmeLinesMax: 120 }

const root = fileURLToPath(new URL("..", import.meta.url))
const tree = ["src", "test", "bench", "config", ".ci"].flatMap((folder) => filesBelow(folder))
const documents = [...tree.filter((file) => file.endsWith(".md")), "README.md"]
const sources = tree.filter((file) => file.startsWith("src/") && file.endsWith(".ts"))
const tests = tree.filter((file) => file.startsWith("test/") && file.endsWith(".ts"))

describe("floors", () => {
  it("imports go to lower floors or the own room", () => {
    complain(
      sources.flatMap((file) =>
        importsOf(file)
          .filter((target) => target.startsWith("."))
          .map((target) =>
            roomOf(
              relative(root, join(root, dirname(file), target))
                .split(sep)
                .join("/")
            )
          )
          .filter((room) => !isAllowed(roomOf(file), room))
          .map((room) => `${file} imports ${room}`)
      )
    )
  })

  it("every room has a floor", () => {
    complain(sources.filter((file) => floorOf(roomOf(file)) === -1).map((file) => `${file}: its room is in no floor`))
  })

  it("plain rooms import no Effect and no I/O", () => {
    const isForeign = (target: string) =>
      /^(effect|@effect|ws$|mqtt$|yaml$)/.test(target) ||
      (target.startsWith("node:") && !plainBuiltins.includes(target))
    complain(inPlainRooms((file) => importsOf(file).filter(isForeign)))
  })

  it("no barrels: modules of effect are imported one by one", () => {
    const barrels = ["effect", "@effect/platform-node"]
    complain(
      tree.filter(isTypeScript).flatMap((file) =>
        importsOf(file)
          .filter((target) => barrels.includes(target))
          .map((target) => `${file} imports ${target}`)
      )
    )
  })

  it("Biome's list of floors is this one", () => {
    for (const room of floors.slice(0, -1).flat()) {
      const forbidden = floors.flat().filter((other) => other !== room && !isAllowed(room, other))
      const told = biomeForbids(room)
      // Biome's patterns name a whole floor at once; the own room never imports itself by its name.
      assert.deepEqual(told.filter((other) => other !== room).sort(), forbidden.sort(), `biome.json, ${room}`)
    }
  })
})

describe("files", () => {
  it("start with a comment that says what lives here", () => {
    complain(
      sources.filter((file) => {
        const text = read(file).replace(/^#!.*\n/, "")
        const header = /^\/\*\*[\s\S]*?\*\//.exec(text)?.[0] ?? ""
        return header.split("\n").length < limits.headerLinesMin
      })
    )
  })

  it("stay small", () => {
    const sizes = sources.map((file) => ({ file, lines: linesOf(file) })).sort((a, b) => a.lines - b.lines)
    const at = (share: number) => sizes[Math.min(sizes.length - 1, Math.floor(sizes.length * share))]?.lines ?? 0
    process.stdout.write(`src: ${sizes.length} files, median ${at(0.5)}, p90 ${at(0.9)}, max ${at(1)} lines\n`)
    complain(
      sizes.filter(({ lines }) => lines > limits.fileLinesMax).map(({ file, lines }) => `${file}: ${lines} lines`)
    )
    assert.isAtMost(at(0.5), limits.fileLinesMedianMax, "median lines of a file in src")
  })

  it("of plain rooms know no clock, no chance and no output", () => {
    complain(inPlainRooms((file) => linesWith(code(file), bannedInPlainRooms)))
  })

  it("do not grow buffers in loops", () => {
    complain(sources.filter((file) => hasConcatInLoop(code(file))))
  })

  it("leave nothing behind", () => {
    const marks = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX"].join("|")})\\b`)
    complain([...tree, "README.md"].flatMap((file) => linesWith(read(file), marks).map((line) => `${file}: ${line}`)))
  })

  it("name no path of one machine", () => {
    // What a path of this very machine begins with; invented ones such as /home/me are examples.
    const own = [root, homedir()].filter((folder) => folder.length > 1).map((folder) => folder.replace(/\/$/, ""))
    const places = new RegExp(`(^|[\\s"'\`(=])(${[...own, "/root", "/Users"].join("|")})/\\w`)
    complain(
      [...tree, ...topLevel.filter(isTopLevelFile)].flatMap((file) =>
        linesWith(read(file), places).map((line) => `${file}: ${line}`)
      )
    )
  })
})

describe("tests", () => {
  it("that are switched off say why", () => {
    const off = /\b(it|test|describe)(\.\w+)*\.(skip|skipIf|runIf|todo|fails|only)\b/
    complain(
      tests.flatMap((file) => {
        const lines = read(file).split("\n")
        return lines.flatMap((line, index) => {
          const isReasoned = lines.slice(Math.max(0, index - 2), index + 1).some((near) => near.includes("because"))
          return off.test(line) && !isReasoned ? [`${file}:${index + 1}: ${line.trim()}`] : []
        })
      })
    )
  })

  it("never run alone", () => {
    const alone = new RegExp(`\\b(it|test|describe)(\\.\\w+)*\\.${"on"}ly\\b`)
    complain(tests.flatMap((file) => linesWith(code(file), alone).map((line) => `${file}: ${line}`)))
  })
})

describe("the whole", () => {
  it("has the top level of the house and nothing else", () => {
    const ignored = read(".gitignore")
      .split("\n")
      .map((line) => line.replaceAll("/", "").replaceAll(".", "\\.").replaceAll("*", ".*"))
      .filter((line) => line !== "")
    const isIgnored = (name: string) => ignored.some((pattern) => new RegExp(`^${pattern}$`).test(name))
    const present = readdirSync(root).filter((name) => !name.startsWith(".") && !isIgnored(name))
    complain(
      present.filter((name) => ![...topLevel, ...topLevelBesides].includes(name)).map((name) => `${name}: extra`)
    )
    complain([...topLevel, "LICENSE"].filter((name) => !present.includes(name)).map((name) => `${name}: missing`))
  })

  it("has documents with one title each, and a README one can read at once", () => {
    const titles = (file: string) =>
      read(file)
        .replace(/^```[\s\S]*?^```/gm, "")
        .match(/^# /gm)?.length ?? 0
    complain(documents.filter((file) => titles(file) !== 1).map((file) => `${file}: ${titles(file)} titles`))
    assert.isAtMost(linesOf("README.md"), limits.readmeLinesMax, "lines of README.md")
  })

  it("pins effect exactly, and locks without addresses", () => {
    const { dependencies } = JSON.parse(read("package.json")) as { dependencies: Record<string, string> }
    const loose = Object.entries(dependencies).filter(([, range]) => !/^\d+\.\d+\.\d+$/.test(range))
    assert.deepEqual(loose, [], "dependencies with a range")
    assert.isFalse(read("package-lock.json").includes('"resolved"'), "npm run lock takes the addresses out")
  })

  // Skipped without nix-instantiate, because only Nix can parse Nix; the flake is parsed, never evaluated.
  it.skipIf(spawnSync("nix-instantiate", ["--version"]).status !== 0)("has a flake that parses", () => {
    const { status, stderr } = spawnSync("nix-instantiate", ["--parse", join(root, "flake.nix")], { encoding: "utf8" })
    assert.strictEqual(status, 0, stderr)
  })
})

function filesBelow(folder: string): ReadonlyArray<string> {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((file) => !file.includes("node_modules/"))
}

function read(file: string): string {
  return readFileSync(join(root, file), "utf8")
}

function isTypeScript(file: string): boolean {
  return file.endsWith(".ts")
}

function isTopLevelFile(name: string): boolean {
  return name.includes(".")
}

function linesOf(file: string): number {
  return read(file).replace(/\n$/, "").split("\n").length
}

/** The text without its comments. A `//` after a colon is an address, not a comment. */
function code(file: string): string {
  return read(file)
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|[^:])\/\/.*$/gm, "$1")
}

function importsOf(file: string): ReadonlyArray<string> {
  return [...code(file).matchAll(/(?:\bfrom|^\s*import|\bimport\()\s*"([^"]+)"/gm)].map((match) => match[1] ?? "")
}

function linesWith(text: string, pattern: RegExp): ReadonlyArray<string> {
  return text
    .split("\n")
    .filter((line) => pattern.test(line))
    .map((line) => line.trim())
}

/** src/codec/frame.ts lives in codec; src/main.ts is a room of its own. */
function roomOf(file: string): string {
  return file.split("/")[1] ?? ""
}

function floorOf(room: string): number {
  return floors.findIndex((rooms) => rooms.includes(room))
}

function isAllowed(from: string, to: string): boolean {
  if (from === to || floorOf(to) < floorOf(from)) return true
  return sideways[from]?.includes(to) ?? false
}

function inPlainRooms(faults: (file: string) => ReadonlyArray<string>): ReadonlyArray<string> {
  return sources
    .filter((file) => plainRooms.includes(roomOf(file)))
    .flatMap((file) => faults(file).map((fault) => `${file}: ${fault}`))
}

/** Rooms that the override of biome.json for `room` forbids. */
function biomeForbids(room: string): ReadonlyArray<string> {
  interface Override {
    readonly includes: ReadonlyArray<string>
    readonly linter: {
      rules: { style?: { noRestrictedImports?: { options: { patterns: [{ group: Array<string> }] } } } }
    }
  }
  const { overrides } = JSON.parse(read("biome.json")) as { overrides: ReadonlyArray<Override> }
  const own = overrides.find(({ includes, linter }) => {
    return includes.includes(`src/${room}/**`) && linter.rules.style?.noRestrictedImports !== undefined
  })
  const group = own?.linter.rules.style?.noRestrictedImports?.options.patterns[0].group ?? []
  return group.filter((pattern) => pattern.startsWith("**/")).map((pattern) => pattern.split("/")[1] ?? "")
}

/** Follows the braces: does a block that a loop opened hold `Buffer.concat([a, b])`? Joining a list once is fine, growing is not. */
function hasConcatInLoop(text: string): boolean {
  const blocks: Array<boolean> = []
  for (const match of text.matchAll(/[{}]|\bBuffer\.concat\(\[/g)) {
    if (match[0] === "{")
      blocks.push(/(\b(for|while)\b[^{};]*(;[^{};]*;)?[^{};]*\)|\bdo)\s*$/.test(text.slice(0, match.index)))
    else if (match[0] === "}") blocks.pop()
    else if (blocks.includes(true)) return true
  }
  return /\b(for|while) \(.*\) .*\bBuffer\.concat\(\[/.test(text)
}

function complain(faults: ReadonlyArray<string>): void {
  assert.strictEqual(faults.length, 0, `\n${faults.join("\n")}\n`)
}
