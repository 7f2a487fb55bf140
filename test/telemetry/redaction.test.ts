/**
 * Settings that are marked secret are hidden in the log by their names, however a field is called after them: as the key
 * is written, by its last segment, and as the decoded value is called.
 */
import { assert, describe, it } from "@effect/vitest"
import { settingsLeaves } from "../../src/settings/leaves.ts"
import { formatEntry, type LogFormat } from "../../src/telemetry/log-format.ts"

const formats: ReadonlyArray<LogFormat> = ["json", "text", "console"]

describe("the log", () => {
  for (const leaf of settingsLeaves.filter(({ secret }) => secret)) {
    it(`hides ${leaf.key}`, () => {
      for (const name of [leaf.key, leaf.env, leaf.path.at(-1) ?? "", leaf.field.at(-1) ?? ""]) {
        for (const format of formats) {
          const fields = { [name]: "hunter22", inside: { [name]: "hunter22" } }
          const entry = { atMs: 0, level: "info", message: "m", fields, cause: undefined } as const
          assert.notInclude(formatEntry(format, entry, { colour: false }), "hunter22", `${format} ${name}`)
        }
      }
    })
  }
})
