/**
 * Failed logins in the log: a few of many, the number of those left out, and a bound on what is remembered.
 */
import { assert, describe, it } from "@effect/vitest"
import { FailedLogins, wordsFor } from "../../src/broker/failed-logins.ts"

const failed = (atMs: number, peer = "192.0.2.1:1000") => ({
  atMs,
  clientIdentifier: "c",
  username: "u",
  peer,
  listener: "tcp",
  reasonCode: 0x86,
  why: "wrong password"
})

describe("failed logins", () => {
  it("three lines a minute from one address, whatever its port; then how many were left out", () => {
    const logins = new FailedLogins()
    const told = Array.from({ length: 10 }, (_, index) => logins.add(failed(index, `192.0.2.1:${index}`)))
    assert.deepEqual(told, [0, 0, 0, ...Array(7).fill(undefined)])
    assert.strictEqual(logins.add(failed(60_000)), 7)
    assert.strictEqual(logins.add(failed(60_001)), 0)
  })

  it("another address has lines of its own, all together have a limit", () => {
    const logins = new FailedLogins()
    for (let index = 0; index < 5; index++) logins.add(failed(0))
    assert.strictEqual(logins.add(failed(0, "[2001:db8::1]:7")), 0)
    const told = Array.from({ length: 1000 }, (_, index) =>
      logins.add(failed(0, `10.0.${index % 250}.${index >> 8}:1`))
    )
    assert.isAtMost(told.filter((leftOut) => leftOut !== undefined).length, 300)
    assert.isAtLeast(told.filter((leftOut) => leftOut !== undefined).length, 200)
  })

  it("the last hundred are remembered, and no more addresses than fit", () => {
    const logins = new FailedLogins()
    for (let index = 0; index < 10_000; index++) logins.add(failed(index, `10.${index >> 8}.${index & 255}.1:1`))
    assert.strictEqual(logins.recent.length, 100)
    assert.strictEqual(logins.recent.at(-1)?.atMs, 9999)
    assert.strictEqual(logins.addresses, 4096)
  })

  it("strangers are told the same for a wrong password and a user nobody has", () => {
    assert.strictEqual(wordsFor(0x86), "bad user name or password")
    assert.strictEqual(wordsFor(0x87), "not authorized")
    assert.notStrictEqual(wordsFor(0x89), wordsFor(0x88))
  })
})
