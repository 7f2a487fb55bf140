/**
 * Names of clients inside the languages of LDAP: read back by an independent reader (ldapts) they are one value, whatever
 * they contain.
 */
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { type EqualityFilter, FilterParser } from "ldapts"
import { escapeDnValue, escapeFilterValue, fillTemplate } from "../../src/access/ldap-escape.ts"

describe("LDAP escaping", () => {
  it("the examples of RFC 4514 and RFC 4515", () => {
    assert.strictEqual(escapeDnValue('James "Jim" Smith, III'), 'James \\"Jim\\" Smith\\, III')
    assert.strictEqual(escapeDnValue("Before\rAfter"), "Before\\0dAfter")
    assert.strictEqual(escapeDnValue(" #x "), "\\ #x\\ ")
    assert.strictEqual(escapeDnValue("#x+y;<z>=\\"), "\\#x\\+y\\;\\<z\\>\\=\\\\")
    assert.strictEqual(
      escapeFilterValue("Parens R Us (for all your parenthetical needs)*\\"),
      "Parens R Us \\28for all your parenthetical needs\\29\\2a\\5c"
    )
    assert.strictEqual(escapeFilterValue("a\0b"), "a\\00b")
  })

  it("in a filter every name is one value of one comparison", () => {
    const special = fc.string({
      unit: fc.constantFrom("*", "(", ")", "\\", "\0", "=", "&", "|", "!", "a", "é", " ", "$", "{", "}")
    })
    fc.assert(
      fc.property(fc.oneof(special, fc.string({ unit: "grapheme" })), (name) => {
        fc.pre(name !== "")
        const filter = FilterParser.parseString(
          fillTemplate("(uid=${username})", { username: name }, escapeFilterValue)
        )
        const { attribute, value } = filter as EqualityFilter
        assert.deepEqual([attribute, String(value)], ["uid", name])
      })
    )
  })

  it("in a DN no name begins another part", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (name) => {
        const dn = fillTemplate("uid=${username},dc=example", { username: name }, escapeDnValue)
        const unescaped = dn.replaceAll(/\\([0-9a-f]{2}|.)/gsu, "")
        assert.strictEqual(unescaped.match(/,/g)?.length, 1, dn)
        assert.strictEqual(unescaped.match(/[+;]/g), null, dn)
      })
    )
  })

  it("a name that looks like a placeholder is not filled", () => {
    const values = { username: "${dn}", dn: "secret" }
    assert.strictEqual(fillTemplate("(a=${username})(b=${dn})", values, escapeFilterValue), "(a=${dn})(b=secret)")
  })
})
