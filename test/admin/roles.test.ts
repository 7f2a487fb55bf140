/**
 * Goal: every endpoint of the API, asked by every role and by nobody, answers as its declaration says. The table is the
 * declaration itself, so an endpoint that is added is in it.
 */
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import { AdminApi } from "../../src/admin/api/api.ts"
import { type Role, RoleNeeded, roles } from "../../src/admin/api/shared.ts"
import { openAdmin } from "../../src/admin/server.ts"
import { openTokenFile } from "../../src/admin/token-file.ts"
import { appendToken } from "../../src/admin/tokens-file.ts"
import { call, knownSources, recordingLog, scratchFolder } from "./support.ts"

interface Endpoint {
  readonly method: string
  readonly path: string
  /** Undefined: anybody. */
  readonly role: Role | undefined
}

const endpoints: Array<Endpoint> = []
HttpApi.reflect(AdminApi, {
  onGroup: () => {},
  onEndpoint: ({ endpoint, middleware }) => {
    const annotations = endpoint.annotations as Context.Context<RoleNeeded>
    const role = middleware.size === 0 ? undefined : Context.getOrUndefined(annotations, RoleNeeded)
    // "x" is nobody: what is asked of it changes nothing.
    const path = endpoint.path.replace(/:\w+/g, "x")
    endpoints.push({ method: endpoint.method, path, role })
  }
})

/** What is sent along is nothing that could be done. */
const body = "{}"
const skipped = new Set(["POST /api/v1/storage/compact", "POST /api/v1/storage/sync"])

describe("roles of the admin API", () => {
  it("every endpoint but the door says which role it takes, and whatever changes something takes more than looking", () => {
    assert.isAbove(endpoints.length, 40)
    const open = endpoints.filter(({ role }) => role === undefined)
    assert.deepEqual(
      open.map(({ method, path }) => `${method} ${path}`),
      ["POST /api/v1/login"]
    )
    const looking = endpoints.filter(({ method, role }) => method !== "GET" && role === "viewer")
    assert.sameMembers(
      looking.map(({ path }) => path),
      ["/api/v1/acl/explain", "/api/v1/acl/preview", "/api/v1/config/check"]
    )
  })

  it.live("every endpoint, asked by every role and by nobody", () =>
    Effect.gen(function* () {
      const folder = yield* scratchFolder
      const tokensFile = join(folder, "tokens")
      for (const role of roles) appendToken(tokensFile, role, role, `token-of-the-${role}`)
      const sources = yield* knownSources({ admin: { maxWrongTokens: 1000 } })
      const { log } = recordingLog()
      const tokenFile = join(folder, "admin-token")
      const address = { host: "127.0.0.1", port: 0 }
      const { port } = yield* openAdmin({ ...sources, address, tokenFile, tokensFile, log })
      const statusOf = ({ method, path }: Endpoint, token: string | undefined) =>
        Effect.map(
          call(port, {
            method,
            path,
            ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
            ...(method === "GET" || method === "DELETE" ? {} : { body })
          }),
          ({ status }) => status
        )
      for (const endpoint of endpoints) {
        const name = `${endpoint.method} ${endpoint.path}`
        if (endpoint.role === undefined || skipped.has(name)) continue
        assert.strictEqual(yield* statusOf(endpoint, undefined), 401, `${name} by nobody`)
        assert.strictEqual(yield* statusOf(endpoint, "token-of-the-stranger"), 401, `${name} by a stranger`)
        for (const role of roles) {
          const mayIt = roles.indexOf(role) >= roles.indexOf(endpoint.role)
          const status = yield* statusOf(endpoint, `token-of-the-${role}`)
          if (mayIt) assert.notInclude([401, 403, 405, 500], status, `${name} by a ${role}`)
          else assert.strictEqual(status, 403, `${name} by a ${role}`)
        }
      }
      // The file's own token is an admin's.
      const own = yield* openTokenFile(tokenFile)
      const whoami = yield* call(port, { path: "/api/v1/whoami", headers: { authorization: `Bearer ${own}` } })
      assert.deepEqual(whoami.json, { name: "admin", role: "admin" })
    })
  )
})
