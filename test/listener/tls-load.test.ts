/**
 * Files of TLS under judgement: whatever is wrong is found before anything is served, named by file and code, and
 * nothing secret is repeated.
 */
import { readFileSync } from "node:fs"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { loadTls, type TlsSettings } from "../../src/listener/tls-load.ts"
import { Certificates, hasOpenssl, tlsSettings } from "./certificates.ts"

const DAY_MS = 86_400_000

// Skipped where there is no openssl command, because these tests make their certificates with it.
describe.skipIf(!hasOpenssl)("files of TLS", () => {
  const files = new Certificates()
  afterAll(() => files.remove())
  const authority = hasOpenssl ? files.authority("authority") : { certificate: "", key: "" }
  const own = hasOpenssl ? files.server("own", authority) : authority
  const other = hasOpenssl ? files.server("other", authority) : authority
  const both = (first: string, second: string) => readFileSync(first, "utf8") + readFileSync(second, "utf8")

  const judge = (settings: TlsSettings, nowMs = Date.now()) => {
    const loaded = loadTls(settings, nowMs)
    return "context" in loaded ? [] : loaded
  }
  const codes = (settings: TlsSettings, nowMs?: number) => judge(settings, nowMs).map(({ code }) => code)

  it("a certificate with its key can be served; the chain's earliest end is known", () => {
    const chain = files.write("chain.pem", both(own.certificate, authority.certificate))
    const loaded = loadTls(tlsSettings({ certificate: chain, key: own.key }), Date.now())
    if (!("context" in loaded)) return assert.fail(JSON.stringify(loaded))
    assert.strictEqual(loaded.certificate?.subject, "CN=own")
    assert.approximately(loaded.expiresAtMs, Date.now() + 30 * DAY_MS, DAY_MS)
  })

  it("a key of another certificate is refused, naming both files", () => {
    const [problem, ...more] = judge(tlsSettings({ certificate: own.certificate, key: other.key }))
    assert.deepStrictEqual(more, [])
    assert.strictEqual(problem?.code, "E3503")
    assert.include(problem?.fact ?? "", own.certificate)
    assert.include(problem?.fact ?? "", other.key)
  })

  it("a chain that begins with the authority is refused with the place of the right one", () => {
    const chain = files.write("upside-down.pem", both(authority.certificate, own.certificate))
    const [problem] = judge(tlsSettings({ certificate: chain, key: own.key }))
    assert.strictEqual(problem?.code, "E3503")
    assert.include(problem?.fact ?? "", "certificate 2 of 2")
  })

  it("a certificate counts from its first to its last day", () => {
    const late = judge(tlsSettings(own), Date.now() + 31 * DAY_MS)
    assert.deepStrictEqual(
      late.map(({ code }) => code),
      ["E3504"]
    )
    assert.include(late[0]?.fact ?? "", `${own.certificate} expired at 20`)
    const early = judge(tlsSettings(own), Date.now() - DAY_MS)
    assert.include(early[0]?.fact ?? "", `${own.certificate} is not valid before 20`)
  })

  it("an authority that has expired lets nobody in and is refused", () => {
    const settings = tlsSettings(own, { authorityFile: authority.certificate })
    assert.deepStrictEqual(codes(settings), [])
    assert.deepStrictEqual(codes(settings, Date.now() + 31 * DAY_MS), ["E3504", "E3504"])
  })

  it("an encrypted key needs its passphrase, which is never repeated", () => {
    const key = files.encryptKey(own, "correct horse")
    const settings = tlsSettings({ certificate: own.certificate, key })
    assert.deepStrictEqual(codes({ ...settings, passphrase: "correct horse" }), [])
    for (const passphrase of ["", "battery staple"]) {
      const problems = judge({ ...settings, passphrase })
      assert.deepStrictEqual(
        problems.map(({ code }) => code),
        ["E3505"]
      )
      assert.include(problems[0]?.fact ?? "", key)
      assert.notInclude(JSON.stringify(problems), "battery staple")
    }
  })

  it("files that are missing, no files, empty, cut off, in another form or swapped are told apart", () => {
    const der = files.write("der.pem", Buffer.from([0x30, 0x82, 1, 2]))
    const damaged = readFileSync(own.certificate, "utf8").replace(/^M.{20}/m, "AAAAAAAAAAAAAAAAAAAAA")
    const cases: ReadonlyArray<readonly [file: string, code: string, words: string]> = [
      [files.path("nowhere.pem"), "E3501", "does not exist"],
      [files.folder, "E3501", "is not a plain file"],
      [files.write("empty.pem", ""), "E3502", "it is empty"],
      [files.write("damaged.pem", damaged), "E3502", "certificate 1 of 1"],
      [files.write("cut.pem", readFileSync(own.certificate, "utf8").slice(0, 300)), "E3502", "holds no certificate"],
      [der, "E3502", "DER"],
      [own.key, "E3502", "swapped"],
      [files.write("huge.pem", Buffer.alloc(5_000_000, "a")), "E3502", "larger than 4 MiB"]
    ]
    for (const [certificate, code, words] of cases) {
      const [problem] = judge(tlsSettings({ certificate, key: own.key }))
      assert.strictEqual(problem?.code, code, certificate)
      assert.include(problem?.fact ?? "", words)
      assert.include(problem?.fact ?? "", certificate)
    }
    const swapped = judge(tlsSettings({ certificate: own.certificate, key: own.certificate }))
    assert.include(swapped[0]?.fact ?? "", "swapped")
  })

  it("all problems come in one report", () => {
    const settings = tlsSettings({ certificate: "/nowhere/a", key: "/nowhere/b" }, { authorityFile: "/nowhere/c" })
    assert.deepStrictEqual(codes(settings), ["E3501", "E3501", "E3501"])
    assert.deepStrictEqual(codes(tlsSettings({ certificate: own.certificate, key: other.key }), 0), ["E3504", "E3503"])
  })

  it("cipher suites that do not exist are refused by name", () => {
    const [problem] = judge(tlsSettings(own, { ciphers: "NO-SUCH-SUITE" }))
    assert.strictEqual(problem?.code, "E3506")
    assert.include(problem?.fact ?? "", "NO-SUCH-SUITE")
  })
})
