/**
 * Goal: nothing is installed with the broker that nobody can say the reason for, and no script of a stranger runs on the way.
 * Method: package.json and its lock file against the table in config/README.md.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

const root = fileURLToPath(new URL("../..", import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), "utf8")

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly allowScripts: Readonly<Record<string, boolean>>
}
interface Locked {
  readonly integrity?: string
  readonly hasInstallScript?: boolean
  readonly dev?: boolean
  readonly optional?: boolean
  readonly peerDependencies?: Readonly<Record<string, string>>
}

const manifest = JSON.parse(read("package.json")) as Manifest
const { packages } = JSON.parse(read("package-lock.json")) as { readonly packages: Readonly<Record<string, Locked>> }
const section = /## Dependencies\n([\s\S]*?)\n(?:## |Everything below)/.exec(read("config/README.md"))?.[1] ?? ""
const reasons = [...section.matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)].map(([, name = "", why = ""]) => ({ name, why }))

describe("dependencies", () => {
  it("have a reason each, and the table names no others", () => {
    assert.deepEqual(reasons.map(({ name }) => name).toSorted(), Object.keys(manifest.dependencies).toSorted())
    for (const { name, why } of reasons) assert.isAbove(why.split(" ").length, 3, name)
  })

  it("are loaded by the source, or asked for by one that is", () => {
    const source = readdirSync(join(root, "src"), { recursive: true })
      .filter((path) => /\.tsx?$/.test(String(path)))
      .map((path) => read(join("src", String(path))))
      .join("\n")
    const peers = Object.keys(manifest.dependencies).flatMap((name) =>
      Object.keys(packages[`node_modules/${name}`]?.peerDependencies ?? {})
    )
    const idle = reasons.filter(({ name }) => {
      const isLoaded = source.includes(`"${name}"`) || source.includes(`"${name}/`)
      return !isLoaded && !peers.includes(name)
    })
    assert.deepEqual(
      idle.map(({ name }) => name),
      []
    )
  })

  it("run no script while they are installed, but the one that brings Node for the developer", () => {
    const scripted = Object.entries(packages)
      .filter(([, { hasInstallScript }]) => hasInstallScript === true)
      .map(([path]) => path.replace(/^.*node_modules\//, ""))
    assert.deepEqual(scripted.toSorted(), ["lmdb", "msgpackr-extract", "node"])
    const allowed = Object.entries(manifest.allowScripts).filter(([, isAllowed]) => isAllowed)
    assert.deepEqual(
      allowed.map(([name]) => name),
      ["node"]
    )
    assert.isTrue(packages["node_modules/node"]?.dev, "Node as a package is for the developer only")
    assert.isTrue(packages["node_modules/msgpackr-extract"]?.optional)
  })

  it("are the very bytes that were looked at: each entry of the lock file has its hash", () => {
    const entries = Object.entries(packages).filter(([path]) => path !== "")
    const bare = entries.filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ""))
    // Builds for other systems, which are optional and were never here: nobody could ask for their hashes.
    const others = bare.filter(([path, { optional }]) => optional !== true || existsSync(join(root, path)))
    assert.deepEqual(
      others.map(([path]) => path),
      []
    )
    assert.isBelow(bare.length, 13)
  })
})
