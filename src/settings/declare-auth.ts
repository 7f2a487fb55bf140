/**
 * Settings of `auth`: who may connect, and how they prove it.
 *
 * The keys of one provider are in its own file, declare-auth-<name>.ts, as a section under its name: auth.jwt.issuer.
 * Defaults are closed: a chain without an entry lets nobody in beyond loopback (rules.ts, E3202), a chain with one
 * lets nobody in whom it does not know.
 *
 * Deliberately elsewhere: what the providers do (src/access), what their clients may do then (acl).
 */
import { customSection } from "./declare-auth-custom.ts"
import { httpSection } from "./declare-auth-http.ts"
import { jwtSection } from "./declare-auth-jwt.ts"
import { ldapSection } from "./declare-auth-ldap.ts"
import { pskSection } from "./declare-auth-psk.ts"
import { x509Section } from "./declare-auth-x509.ts"
import { booleanOrUnset, choice, duration, integer, text, texts } from "./kinds.ts"
import { section } from "./section.ts"

/** In the order of their cost: what `auth.chain` may name. The files behind the names: access/providers.ts. */
export const providerNames = ["psk", "x509", "jwt", "password-file", "user-database", "ldap", "http", "custom"] as const

export type ProviderName = (typeof providerNames)[number]

const nameOfProvider = new RegExp(`^(${providerNames.join("|")})$`)
const nameWords = `names of providers: ${providerNames.join(", ")}`

export const authSection = section({
  allowAnonymous: booleanOrUnset({
    fallbackWords: "only while auth.chain is empty and every listener is on loopback",
    summary:
      "Let clients in without credentials. A listener beyond loopback needs this written as true, or authentication."
  }),
  chain: texts({
    fallback: [],
    pattern: nameOfProvider,
    patternWords: nameWords,
    mayBeEmpty: true,
    summary:
      "Who is asked about a client, in this order, until one knows it: password-file, user-database, jwt, ldap, http, x509, psk, custom."
  }),
  fallThrough: texts({
    fallback: [],
    pattern: nameOfProvider,
    patternWords: nameWords,
    mayBeEmpty: true,
    summary: "Providers whose denial is not the last word: the next one of the chain is asked all the same."
  }),
  passwordFile: text({
    fallback: "",
    fallbackWords: "<data-dir>/passwords",
    summary: "File of the provider password-file, which promptmq user writes; read again when it changes."
  }),
  passwordHash: choice({
    choices: ["argon2id", "scrypt"],
    fallback: "argon2id",
    summary: "How new passwords are hashed, by promptmq user and the admin API. All known kinds are read."
  }),
  hashWorkers: integer({
    fallback: 2,
    minimum: 1,
    maximum: 16,
    summary: "Threads that check passwords, started when the first one is; the rest of the broker never waits for them."
  }),
  hashQueue: integer({
    fallback: 512,
    minimum: 1,
    maximum: 100_000,
    summary: "Passwords that wait for a thread; a client above that is told 0x89, server busy."
  }),
  maxDatabaseUsers: integer({
    fallback: 100_000,
    minimum: 1,
    maximum: 10_000_000,
    summary: "Most users in the built-in database, which the admin API writes."
  }),
  cache: section({
    maxEntries: integer({
      fallback: 10_000,
      minimum: 0,
      maximum: 1_000_000,
      summary: "Results of the chain that are remembered, under a keyed hash; 0 remembers none."
    }),
    ttlMs: duration({
      fallback: "1m",
      minimum: "0s",
      maximum: "24h",
      summary: "How long a client that was let in may come back without its provider being asked."
    }),
    deniedTtlMs: duration({
      fallback: "5s",
      minimum: "0s",
      maximum: "1h",
      summary: "How long the same wrong credentials are refused without asking again."
    })
  }),
  custom: customSection,
  http: httpSection,
  jwt: jwtSection,
  ldap: ldapSection,
  psk: pskSection,
  x509: x509Section
})
