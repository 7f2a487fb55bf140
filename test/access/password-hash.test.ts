/**
 * Hashes as text: what we write we read, what others write we read, what asks for too much we do not.
 */
import { execFileSync } from "node:child_process"
import * as crypto from "node:crypto"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { derive, formatPasswordHash, isSameHash, newRecipe, parsePasswordHash } from "../../src/access/password-hash.ts"

const matches = (text: string, password: string): boolean | undefined => {
  const parsed = parsePasswordHash(text)
  return parsed && isSameHash(derive(crypto, Buffer.from(password), parsed.recipe), parsed.hash)
}

describe("password hashes", () => {
  for (const kind of ["argon2id", "scrypt"] as const) {
    it(`${kind}: written, read, and only the password fits`, () => {
      const recipe = newRecipe(kind, crypto.randomBytes(16))
      const text = formatPasswordHash({ recipe, hash: derive(crypto, Buffer.from("pässword"), recipe) })
      assert.isTrue(text.startsWith(`$${kind}$`))
      assert.strictEqual(formatPasswordHash(parsePasswordHash(text) as never), text)
      assert.isTrue(matches(text, "pässword"))
      assert.isFalse(matches(text, "password"))
      assert.isFalse(matches(text, ""))
    })
  }

  // From the reference implementation's own tests (github.com/P-H-C/phc-winner-argon2, test.c, version 0x13).
  it("argon2id of others", () => {
    const text = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
    assert.isTrue(matches(text, "password"))
    assert.isFalse(matches(text, "Password"))
  })

  // RFC 7914, section 12.
  it("scrypt of others", () => {
    const hash = Buffer.from(
      "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
      "hex"
    )
    const text = `$scrypt$ln=10,r=8,p=16$${Buffer.from("NaCl").toString("base64").replace(/=+$/, "")}$${hash.toString("base64").replace(/=+$/, "")}`
    assert.isTrue(matches(text, "password"))
  })

  for (const [form, words] of [
    ["$7$", []],
    ["$6$", ["-H", "sha512"]]
  ] as const) {
    it(`mosquitto_passwd's ${form}`, () => {
      const folder = mkdtempSync(join(tmpdir(), "promptmq-mosquitto-"))
      try {
        execFileSync("mosquitto_passwd", [...words, "-c", "-b", join(folder, "p"), "u", "pass word"])
        const text = readFileSync(join(folder, "p"), "utf8").trim().slice(2)
        assert.isTrue(text.startsWith(form))
        assert.isTrue(matches(text, "pass word"))
        assert.isFalse(matches(text, "password"))
        assert.strictEqual(formatPasswordHash(parsePasswordHash(text) as never), text)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    })
  }

  for (const text of [
    "",
    "password",
    "$",
    "$1$salt$hash",
    "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    "$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    "$argon2id$v=19$m=262145,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    "$argon2id$v=19$m=256,t=65,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    "$argon2id$v=19$m=7,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65",
    "$argon2id$v=19$m=256,t=2,p=1$c29t ZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    "$scrypt$ln=30,r=8,p=1$c2FsdA$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    "$scrypt$ln=0,r=8,p=1$c2FsdA$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    "$7$0$c2FsdA==$AAAA",
    "$7$99999999999$c2FsdA==$AAAA",
    "$6$c2FsdA==$c2hvcnQtaGFzaC1vZi0xNi1ieXRlcw=="
  ]) {
    it(`refuses ${JSON.stringify(text.slice(0, 50))}`, () => assert.isUndefined(parsePasswordHash(text)))
  }

  it("whatever is parsed is written back as it was", () => {
    const base64 = fc
      .uint8Array({ minLength: 1, maxLength: 70 })
      .map((bytes) => Buffer.from(bytes).toString("base64").replace(/=+$/, ""))
    const number = fc.integer({ min: 0, max: 300_000 })
    fc.assert(
      fc.property(number, number, fc.integer({ min: 0, max: 20 }), base64, base64, (m, t, p, salt, hash) => {
        const text = `$argon2id$v=19$m=${m},t=${t % 80},p=${p}$${salt}$${hash}`
        const parsed = parsePasswordHash(text)
        return parsed === undefined || formatPasswordHash(parsed) === text
      })
    )
  })
})
