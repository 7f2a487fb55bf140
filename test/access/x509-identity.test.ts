/** Names in certificates: one that says two things names nobody (security.md, rows 31 and 32). */
import { assert, describe, it } from "@effect/vitest"
import { nameIn } from "../../src/access/x509-identity.ts"
import type { PeerCertificate } from "../../src/listener/peer-certificate.ts"

const certificate = (more: Partial<PeerCertificate>): PeerCertificate => ({
  subject: "O=Example\nCN=sensor-7",
  commonNames: ["sensor-7"],
  alternativeNames: [],
  fingerprint: "AB",
  expiresAtMs: 0,
  ...more
})
const faultIn = (...asked: Parameters<typeof nameIn>) => {
  const found = nameIn(...asked)
  return "fault" in found ? found.fault : assert.fail(`it named ${found.name}`)
}

describe("the name in a certificate", () => {
  it("common name, whole subject, alternative names of a kind", () => {
    const names = ["DNS:a.example", "URI:urn:b", "email:c@example", "IP Address:192.0.2.7"]
    const shown = certificate({ alternativeNames: names })
    const all = ["cn", "dn", "san-dns", "san-uri", "san-email", "san-ip"] as const
    assert.deepEqual(
      all.map((source) => nameIn(shown, source)),
      ["sensor-7", "CN=sensor-7,O=Example", "a.example", "urn:b", "c@example", "192.0.2.7"].map((name) => ({ name }))
    )
    assert.deepEqual(nameIn(certificate({ alternativeNames: ['URI:"a, DNS:b"'] }), "san-uri"), { name: "a, DNS:b" })
  })

  it("[row 31] two common names, parts with several values, two alternative names: nobody", () => {
    const two = certificate({ subject: "CN=alice\nCN=admin", commonNames: ["alice", "admin"] })
    assert.match(faultIn(two, "cn"), /more than one/)
    for (const subject of ["CN=alice + OU=x\nO=Example", "O=Example\nOU=x + CN=alice"]) {
      const mixed = certificate({ subject, commonNames: ["alice"] })
      for (const source of ["cn", "dn"] as const) assert.match(faultIn(mixed, source), /several values/)
    }
    assert.match(faultIn(certificate({ alternativeNames: ["DNS:a", "DNS:b"] }), "san-dns"), /more than one/)
  })

  it("a plus sign inside a value is no second value", () => {
    const plus = certificate({ subject: "O=Example\nCN=a \\+ b", commonNames: ["a + b"] })
    assert.deepEqual(nameIn(plus, "cn"), { name: "a + b" })
  })

  it("[row 32] control characters, emptiness and great length are no names", () => {
    for (const name of ["a\r\nb", "a\0admin", "", "x".repeat(1025)]) {
      faultIn(certificate({ commonNames: [name] }), "cn")
    }
    faultIn(certificate({ commonNames: [] }), "cn")
    faultIn(certificate({ subject: "" }), "dn")
  })
})
