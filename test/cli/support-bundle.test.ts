/**
 * Goal: a bundle that helps, and that holds no secret of a configuration full of them.
 * Method: a running broker whose settings, files, log and URLs hold known secrets; the bundle is read back with tar.
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { runCommandLine } from "../../src/cli/run.ts"
import { redacted } from "../../src/cli/support/redact.ts"
import { run, testWorld } from "./recorded-world.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-bundle-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const secrets = {
  passphrase: "passphrase-4711",
  authorization: "Bearer auth-token-0815-xyz",
  bind: 'ldap"bind-secret'
}

const written = (port: number) => `server:
  bind: "127.0.0.1:0"
  ws-bind: ""
  tls-key-passphrase: ${secrets.passphrase}
storage: { data-dir: ${join(folder, "data")} }
admin: { bind: "127.0.0.1:${port}" }
auth:
  http: { url: "https://example.test/a", authorization: "${secrets.authorization}" }
  ldap: { bind-password: '${secrets.bind}' }
`

const unpacked = (file: string): ReadonlyMap<string, string> => {
  const list = execFileSync("tar", ["-tzf", file], { encoding: "utf8" }).trim().split("\n")
  return new Map(
    list.map((name) => [
      name.replace(/^[^/]*\//, ""),
      execFileSync("tar", ["-xzOf", file, name], { encoding: "utf8", maxBuffer: 67_108_864 })
    ])
  )
}

describe("promptmq support-bundle", () => {
  it("of a running broker has what helps, and none of its secrets", async () => {
    const file = join(folder, "broker.yaml")
    const port = 20_000 + (process.pid % 10_000)
    writeFileSync(file, written(port))
    const world = testWorld({ workingDirectory: folder })
    const ended = runCommandLine(["server", "-c", file], world)
    await Promise.race([world.stderr.until(/ready/), ended.then((code) => assert.fail(`${code} ${world.stderr.text}`))])
    const bundle = join(folder, "bundle.tar.gz")
    const { code, err, out } = await run(["support-bundle", "-c", file, "--out", bundle], { workingDirectory: folder })
    world.signal("SIGTERM")
    await ended
    assert.strictEqual(code, 0, err)
    assert.strictEqual(out, `${bundle}\n`)
    assert.strictEqual(statSync(bundle).mode & 0o777, 0o600)
    const parts = unpacked(bundle)
    assert.match(parts.get("version.txt") ?? "", /promptmq/)
    assert.match(parts.get("settings.yaml") ?? "", /data-dir/)
    assert.match(parts.get("doctor.txt") ?? "", /disk|open files|clock/i)
    assert.match(parts.get("metrics.txt") ?? "", /promptmq_connections/)
    assert.match(parts.get("health.json") ?? "", /"status"/)
    assert.property(JSON.parse(parts.get("system.json") ?? ""), "uptimeSeconds")
    const all = gunzipSync(readFileSync(bundle)).toString("utf8")
    const token = readFileSync(join(folder, "data", "admin-token"), "utf8").trim()
    for (const secret of [...Object.values(secrets), "auth-token-0815-xyz", token]) {
      assert.notInclude(all, secret, "BUNDLE-1")
      assert.notInclude(all, JSON.stringify(secret).slice(1, -1))
    }
    const again = await run(["support-bundle", "-c", file, "--out", bundle], { workingDirectory: folder })
    assert.strictEqual(again.code, 1, "never over another file")
  })

  it("is written without a broker and with a configuration that is not valid", async () => {
    const file = join(folder, "bad.yaml")
    writeFileSync(file, "mqtt: { max-qos: 7 }\nauth: { http: { url: 'https://url-user:url-secret@example.test/a' } }\n")
    const { code, out } = await run(["support-bundle", "-c", file], { workingDirectory: folder })
    assert.strictEqual(code, 3)
    const told = unpacked(out.trim()).get("settings.yaml") ?? ""
    assert.match(told, /E3105/)
    assert.match(told, /E3110/)
    assert.notInclude(told, "url-secret")
  })
})

describe("what looks like a secret", () => {
  for (const text of [
    "mqtt://me:hunter22@host/x",
    "authorization: Bearer abcdef.ghi",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl",
    "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA",
    "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----"
  ]) {
    it(`goes: ${text.slice(0, 12)}`, () => {
      assert.notMatch(redacted(`a ${text} b`, []), /hunter22|abcdef|c2lnbmF0|aGFzaA|AAAA/)
    })
  }

  it("and a known one goes, however JSON and URLs write it", () => {
    const secret = 'quo"ted/secret'
    const clean = redacted(`${JSON.stringify({ secret })} ?key=${encodeURIComponent(secret)} ${secret}`, [secret])
    assert.notInclude(clean, "quo", "REDACT-1")
  })

  it("and a known one goes wherever it stands", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4, maxLength: 40 }), fc.string(), fc.string(), (secret, before, after) => {
        const clean = redacted(`${before}${secret}${after} ${JSON.stringify(secret)} ${encodeURIComponent(secret)}`, [
          secret
        ])
        fc.pre(!"(redacted)".includes(secret) && !`${before}(redacted)${after}`.includes(secret))
        assert.notInclude(clean, secret, "REDACT-1")
      })
    )
  })
})
