/**
 * Goal: src/README.md, the map of the internals, names only what exists.
 * Method: every path in it is a file or a folder, every identifier that stands alone in code marks occurs in src/.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

const root = fileURLToPath(new URL("../..", import.meta.url))
const map = readFileSync(join(root, "src", "README.md"), "utf8")
const linesMax = 190

describe("src/README.md", () => {
  it("names files that exist", () => {
    const paths = [...map.matchAll(/\b[a-z]+\/[a-z*/-]*[a-z*](?:\.test)?\.ts\b/g)].map(([path]) => path)
    assert.isAbove(paths.length, 50)
    assert.deepEqual(
      paths.filter((path) => !exists(path)),
      []
    )
  })

  it("names what is in the sources", () => {
    const names = [...map.matchAll(/`([A-Za-z]+)(?:\(\))?`/g)].map(([, name]) => name ?? "")
    const sources = readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
      .join("\n")
    assert.isAbove(names.length, 30)
    assert.deepEqual(
      names.filter((name) => !new RegExp(`\\b${name}\\b`).test(sources)),
      []
    )
  })

  it("can be read in one sitting", () => assert.isAtMost(map.split("\n").length, linesMax))
})

function exists(path: string): boolean {
  if (!path.includes("*")) return existsSync(join(root, "src", path)) || existsSync(join(root, path))
  const [folder = "", start = ""] = path.replace("*.ts", "").split("/")
  return readdirSync(join(root, "src", folder)).some((name) => name.startsWith(start))
}
