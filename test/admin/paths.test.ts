/** Names of clients are any text, and so are parts of paths: what cannot be one is refused, and nothing fails. */
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { openAdmin } from "../../src/admin/server.ts"
import { openTokenFile } from "../../src/admin/token-file.ts"
import { call, knownSources, recordingLog, scratchFolder } from "./support.ts"

describe("paths of the admin API", () => {
  it.live("hold any name, as it was sent", () =>
    Effect.gen(function* () {
      const folder = yield* scratchFolder
      const sources = yield* knownSources()
      const { lines, log } = recordingLog()
      const tokenFile = join(folder, "token")
      const options = { ...sources, tokenFile, tokensFile: join(folder, "tokens"), log }
      const { port } = yield* openAdmin({ ...options, address: { host: "127.0.0.1", port: 0 } })
      const authorization = `Bearer ${yield* openTokenFile(tokenFile)}`
      const codeOf = (path: string, method = "POST") =>
        Effect.map(call(port, { method, path, headers: { authorization } }), ({ json, status }) => {
          const { errors } = json as { readonly errors: ReadonlyArray<{ readonly code: string }> }
          return `${status} ${errors[0]?.code}`
        })
      for (const name of ["..", ".", "%2e%2e", "a%2Fb", "%00", "%F0%9F%98%80", "a+b", "__proto__", "x".repeat(8000)]) {
        assert.strictEqual(yield* codeOf(`/api/v1/clients/${name}/kick`), "404 E6130", name.slice(0, 20))
      }
      for (const name of ["%zz", "%", "%c3%28", "%ff"]) {
        assert.match(yield* codeOf(`/api/v1/clients/${name}/kick`), /^400 E2101$/, name)
      }
      for (const path of [
        "/api/v1/clients//kick",
        "/api//v1/clients/a/kick",
        "/api/v1/clients/a/kick/",
        "/API/v1/bans"
      ]) {
        const code = yield* codeOf(path)
        assert.match(code, /^(404 E6101|405 E2102)$/, path)
      }
      assert.strictEqual(yield* codeOf("/api/v1/messages/1e400", "GET"), "400 E2130")
      assert.strictEqual(yield* codeOf("/api/v1/messages/x", "GET"), "400 E2130")
      for (const query of [
        "logs?after=x",
        "audit?limit=-1",
        "history?seconds=NaN",
        "traces/1?after=0.5",
        "logs?limit=1e9"
      ]) {
        assert.match(yield* codeOf(`/api/v1/${query}`, "GET"), /^400 E(2104|2130)$/, query)
      }
      assert.notInclude(lines.join(""), "the admin API failed")
    })
  )
})
