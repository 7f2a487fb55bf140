/**
 * One user, one name: every spelling that a directory takes for an entry comes out as one, or as nobody.
 */
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { nameAttributes, spelledAs, valuesInDn } from "../../src/access/ldap-spelling.ts"

describe("the spelling of a name", () => {
  it("attributes are those that are compared with the name", () => {
    for (const [template, names] of [
      ["(uid=${username})", ["uid"]],
      ["(&(objectClass=person)(|(uid=${username})(mail=${username})))", ["uid", "mail"]],
      ["(cn:caseIgnoreMatch:=${username})", ["cn"]],
      ["(cn~=${username})", ["cn"]],
      ["uid=${username},ou=people,dc=example", ["uid"]],
      ["cn=${username}+ou=x,dc=example", ["cn"]],
      ["(memberOf=cn=${clientid})", []]
    ] as const) {
      assert.deepEqual(nameAttributes(template), names, template)
    }
  })

  it("stands in a distinguished name, whatever is escaped in it", () => {
    for (const [dn, attribute, values] of [
      ["uid=alice,ou=people,dc=example", "uid", ["alice"]],
      ["UID=Alice + cn=x,ou=people", "uid", ["Alice "]],
      ["uid=a\\,ou\\3Dgroups,ou=people", "uid", ["a,ou=groups"]],
      ["uid=\\C3\\A9\\20,ou=p", "uid", ["\u00e9 "]],
      ["cn=x,ou=people", "uid", []],
      ["", "uid", []]
    ] as const) {
      assert.deepEqual(valuesInDn(dn, attribute), values, dn)
    }
  })

  it("is the directory's, for whatever the directory takes as the same", () => {
    for (const typed of ["Alice B", "alice b", " ALICE  B ", "\uff21lice b"]) {
      assert.strictEqual(spelledAs(typed, ["other", "Alice B"]), "Alice B", typed)
    }
    assert.strictEqual(spelledAs("bob", ["Bob", "bob"]), "bob")
  })

  it("[attack: another spelling of a user's name] where the directory shows none, only the plainest is anybody", () => {
    const name = fc.string({ unit: fc.constantFrom("a", "A", " ", "b", "\uff41", "\u00e9", "e\u0301"), maxLength: 6 })
    fc.assert(
      fc.property(name, name, (one, other) => {
        const found = [one, other].flatMap((each) => spelledAs(each, []) ?? [])
        const isSame = (left: string, right: string) =>
          left.normalize("NFKC").toLowerCase() === right.normalize("NFKC").toLowerCase()
        if (found.length === 2 && isSame(one.trim(), other.trim())) assert.strictEqual(found[0], found[1])
      })
    )
    assert.isUndefined(spelledAs("Alice", []))
    assert.strictEqual(spelledAs("alice", []), "alice")
  })
})
