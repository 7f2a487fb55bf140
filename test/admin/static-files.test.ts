/** The dashboard's files: types, compression, caching, the policy of contents; and nothing that is not one of them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { openAdmin } from "../../src/admin/server.ts"
import { accepts, contentPolicy, StaticFiles } from "../../src/admin/static-files.ts"
import { call, knownSources, recordingLog, scratchFolder } from "./support.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-static-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const site = join(folder, "site")
mkdirSync(join(site, "assets"), { recursive: true })
writeFileSync(join(folder, "secret.txt"), "secret")
writeFileSync(join(site, "index.html"), "<!doctype html>page")
writeFileSync(join(site, "index.html.br"), "page in brotli")
writeFileSync(join(site, "index.html.gz"), "page in gzip")
writeFileSync(join(site, "assets", "main-B1x.js"), "script")
writeFileSync(join(site, "assets", "main-B1x.js.map"), "map")
const files = new StaticFiles(site)
const text = (path: string, encoding = ""): string => files.answer(path, encoding).body.toString()

describe("static files", () => {
  it("a hashed file is kept for good, the page is asked for again", () => {
    const script = files.answer("/assets/main-B1x.js", "")
    assert.strictEqual(script.status, 200)
    assert.strictEqual(script.headers["content-type"], "text/javascript; charset=utf-8")
    assert.include(script.headers["cache-control"], "immutable")
    assert.strictEqual(files.answer("/", "").headers["cache-control"], "no-cache")
  })

  it("paths of pages are the page, files that are not there are not", () => {
    for (const path of ["/", "/index.html", "/clients", "/clients/a%2Fb", "/topics/x.y"]) {
      assert.strictEqual(text(path), "<!doctype html>page", path)
    }
    for (const path of [
      "/assets/",
      "/assets/gone.js",
      "/favicon.ico",
      "/assets/main-B1x.js.map",
      "/metrics",
      "/clientsx"
    ]) {
      assert.strictEqual(files.answer(path, "").status, 404, path)
    }
  })

  it("the smallest form that the browser takes", () => {
    assert.strictEqual(text("/", "gzip, br"), "page in brotli")
    assert.strictEqual(text("/", "gzip, br;q=0"), "page in gzip")
    assert.strictEqual(text("/", "identity"), "<!doctype html>page")
    assert.strictEqual(files.answer("/", "br").headers["vary"], "accept-encoding")
    assert.isFalse(accepts("brotli", "br"))
  })

  it("every answer, the refusals too, has the policy of contents", () => {
    for (const path of ["/", "/assets/gone.js", "/assets/main-B1x.js"]) {
      const { headers } = files.answer(path, "")
      assert.strictEqual(headers["content-security-policy"], contentPolicy)
      assert.strictEqual(headers["x-content-type-options"], "nosniff")
      assert.strictEqual(headers["referrer-policy"], "no-referrer")
    }
    assert.include(contentPolicy, "frame-ancestors 'none'")
    assert.notInclude(contentPolicy, "unsafe")
  })

  it("without a build there is a page that says so", () => {
    const none = new StaticFiles(join(folder, "nowhere"))
    assert.include(none.answer("/", "").body.toString(), "npm run build")
  })

  const hostile = [
    "/../secret.txt",
    "/assets/../../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/assets/..%5c..%5csecret.txt",
    "//secret.txt",
    "/assets/%00",
    "/index.html/../../secret.txt",
    "/.%2e/.%2e/.%2e/etc/passwd",
    "/%",
    "/__proto__",
    "/constructor"
  ]

  it.live("no path leads out of the folder, however it is written", () =>
    Effect.gen(function* () {
      const scratch = yield* scratchFolder
      const sources = yield* knownSources()
      const { lines, log } = recordingLog()
      const parts = { tokenFile: join(scratch, "t"), tokensFile: join(scratch, "ts"), log, dashboard: site }
      const { port } = yield* openAdmin({ ...sources, ...parts, address: { host: "127.0.0.1", port: 0 } })
      for (const path of hostile) {
        const answer = yield* rawGet(port, path)
        assert.notInclude(answer, "secret", path)
        assert.notInclude(answer, "root:", path)
        assert.match(answer, /^HTTP\/1.1 (200|400|404) /, path)
      }
      for (const path of ["http://evil.example/", "*", "evil.example:80"]) {
        assert.match(yield* rawGet(port, path), /^HTTP\/1.1 400 /, path)
      }
      // A method that pages do not take.
      assert.strictEqual((yield* call(port, { method: "POST", path: "/" })).status, 405)
      assert.notInclude(lines.join(""), "the admin API failed")
    })
  )
})

/** The request's target as it is: neither node nor a browser would send it so. */
const rawGet = (port: number, target: string): Effect.Effect<string> =>
  Effect.callback((resume) => {
    let answer = ""
    const socket = connect(port, "127.0.0.1")
    socket.on("data", (chunk) => {
      answer += chunk
    })
    socket.on("error", () => {})
    socket.on("close", () => resume(Effect.succeed(answer)))
    socket.end(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
  })
