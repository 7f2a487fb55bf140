/**
 * Goal: the broker's start does not wait for what only the API needs: nothing that app.ts imports at once brings the HTTP
 * API, its schemas' groups or its page along.
 */
import { readFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

const importPattern = /^(?:import|export)\s+(?!type\b)([\s\S]*?)from\s+"([^"]+)"/gm
const isTypesOnly = (names: string): boolean =>
  /^\{[^}]*\}$/.test(names.trim()) &&
  names
    .replace(/[{}]/g, "")
    .split(",")
    .every((name) => name.trim() === "" || name.trim().startsWith("type "))

/** Packages that the file, and what it imports, import at once; by who does. */
const packagesOf = (file: string, seen = new Set<string>(), found = new Map<string, string>()) => {
  if (seen.has(file)) return found
  seen.add(file)
  const text = readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\//g, "")
  for (const [, names = "", from = ""] of text.matchAll(importPattern)) {
    if (isTypesOnly(names)) continue
    if (from.startsWith(".")) packagesOf(resolve(dirname(file), from), seen, found)
    else found.set(from, file)
  }
  return found
}

describe("the start of the broker", () => {
  it("loads no HTTP API", () => {
    const packages = packagesOf(fileURLToPath(new URL("../../src/app.ts", import.meta.url)))
    assert.isAbove(packages.size, 20)
    const heavy = [...packages.keys()].filter((name) => /effect\/(http|http-api)\//.test(name))
    assert.deepEqual(heavy, [])
  })
})
