/**
 * Mutants of the providers that ask others or rely on TLS: each line is one that an attack of design's table goes through
 * when it is missing.
 */
import type { Mutant } from "./mutant.ts"

const jwt = ["test/access/jwt-provider.test.ts"]
const ldap = ["test/access/ldap-provider.test.ts"]
const http = ["test/access/http-provider.test.ts"]

export const providersMutants: ReadonlyArray<Mutant> = [
  {
    file: "src/access/jwt-provider.ts",
    find: "algorithms: [...algorithmsOf(settings)], // [AUTH-JWT]",
    replace: "// [AUTH-JWT]",
    statement: "AUTH-JWT",
    tests: jwt
  },
  {
    file: "src/access/jwt-claims.ts",
    find: "claimIn(claims, superuserClaim) === true,",
    replace: "Boolean(claimIn(claims, superuserClaim)),",
    statement: "AUTH-CLAIM",
    tests: jwt
  },
  {
    file: "src/access/jwt-claims.ts",
    find: "if (groups === null) return",
    replace: "if (false) return",
    statement: "AUTH-CLAIM",
    tests: jwt
  },
  {
    file: "src/access/ldap-provider.ts",
    find: 'if (password.length === 0) return denied("the password is empty") // [AUTH-LDAP]',
    replace: "// [AUTH-LDAP]",
    statement: "AUTH-LDAP",
    tests: ldap
  },
  {
    file: "src/access/ldap-provider.ts",
    find: "escapeDnValue) // [AUTH-LDAP]",
    replace: "(text) => text) // [AUTH-LDAP]",
    statement: "AUTH-LDAP",
    tests: ldap
  },
  {
    file: "src/access/ldap-provider.ts",
    find: "escapeFilterValue) // [AUTH-LDAP]",
    replace: "(text) => text) // [AUTH-LDAP]",
    statement: "AUTH-LDAP",
    tests: ldap
  },
  {
    file: "src/access/ldap-directory.ts",
    find: 'if (this.#socket !== undefined) throw new Error("the connection has ended") // [AUTH-LDAP]',
    replace: "// [AUTH-LDAP]",
    statement: "AUTH-LDAP",
    tests: ldap
  },
  {
    file: "src/access/http-provider.ts",
    find: "if (status !== 200) return",
    replace: "if (status > 299) return",
    statement: "AUTH-HTTP",
    tests: http
  },
  {
    file: "src/access/http-provider.ts",
    find: 'if (answer === undefined) return Effect.fail(failure("the service\'s answer is not understood")) // [AUTH-HTTP]',
    replace: "if (answer === undefined) return Effect.succeed(unknown) // [AUTH-HTTP]",
    statement: "AUTH-HTTP",
    tests: http
  },
  {
    file: "src/access/egress.ts",
    find: 'if (networks.isEmpty && CLOSED.has(address)) return "is in a network',
    replace: 'if (false) return "is in a network',
    statement: "EGRESS-2",
    tests: ["test/access/egress.test.ts"]
  },
  {
    file: "src/access/custom-provider.ts",
    find: 'if (answer === undefined) return Effect.fail(failure("its answer is not understood")) // [AUTH-CUSTOM]',
    replace: "if (answer === undefined) return Effect.succeed(unknown) // [AUTH-CUSTOM]",
    statement: "AUTH-CUSTOM",
    tests: ["test/access/custom-provider.test.ts"]
  },
  {
    file: "src/access/x509-identity.ts",
    find: "if (others.length > 0) return",
    replace: "if (false) return",
    statement: "AUTH-X509",
    tests: ["test/access/x509-identity.test.ts"]
  },
  {
    file: "src/access/x509-identity.ts",
    find: "if (parts.some(hasSeveralValues)) return",
    replace: "if (false) return",
    statement: "AUTH-X509",
    tests: ["test/access/x509-identity.test.ts"]
  },
  {
    file: "src/access/result-cache.ts",
    find: "certificate === undefined ? undefined : JSON.stringify(certificate) // [CACHE-CERT]",
    replace: "certificate?.fingerprint // [CACHE-CERT]",
    statement: "CACHE-CERT",
    tests: ["test/access/tls-providers.test.ts"]
  },
  {
    file: "src/listener/tls-psk.ts",
    find: "return isMadeWithKey(socket) ? this.#found.get(socket)?.identity : undefined // [PSK-1]",
    replace: "return this.#found.get(socket)?.identity // [PSK-1]",
    statement: "PSK-1",
    tests: ["test/listener/tls-psk.test.ts"]
  },
  {
    file: "src/listener/handshake.ts",
    find: "return material.pskIdentities.of(socket) === undefined ?",
    replace: "return material.settings.pskFile === undefined ?",
    statement: "PSK-2",
    tests: ["test/listener/tls-psk.test.ts"]
  },
  {
    file: "src/listener/tls-load.ts",
    find: "...(revocations.length === 0 ? {} : { crl: revocations.map(({ pem }) => pem) }), // [CRL-1]",
    replace: "// [CRL-1]",
    statement: "CRL-1",
    tests: ["test/listener/tls-crl.test.ts"]
  }
]
