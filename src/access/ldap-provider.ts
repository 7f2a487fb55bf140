/**
 * The provider `ldap`: a directory knows who has which password, by a bind with it, and who is in which group.
 *
 *   user-dn set    bind(user-dn with the name in it) ──────────────────▶ groups
 *   else           bind(bind-dn) ▶ search: one entry ▶ bind(its name) ─▶ bind(bind-dn) ▶ groups
 *
 *   no user name, no password, no entry ▶ unknown      the bind is refused ▶ denied, 0x86      anything else ▶ failed
 *
 * Invariants
 * - An empty password is never sent: directories take it for an anonymous bind and say yes to whatever name
 *   (RFC 4513, 5.1.2). [AUTH-LDAP]
 * - What a client calls itself is one value inside a name or filter, whatever it contains (ldap-escape.ts). [AUTH-LDAP]
 * - A directory takes "ALICE " for alice: the user name is the directory's own spelling, or rules, bans and quotas of alice
 *   would not be about whoever writes it otherwise [AUTH-LDAP-2].
 * - Two entries for one name are nobody; more groups than max-groups is a denial, since a rule that denies may name one
 *   that was left out.
 *
 * Elsewhere: connections and TLS (ldap-directory.ts), their number and the time (circuit-breaker.ts).
 */
import { isIP } from "node:net"
import * as Effect from "effect/Effect"
import type { Entry } from "ldapts"
import { NetworkSet } from "../settings/network-set.ts"
import type { Settings } from "../settings/settings.ts"
import type { ConnectRequest } from "./access.ts"
import { CircuitBreaker, Guard } from "./circuit-breaker.ts"
import { utf8Of } from "./http-provider.ts"
import { type Connection, Directory, type Ldap } from "./ldap-directory.ts"
import { escapeDnValue, escapeFilterValue, fillTemplate } from "./ldap-escape.ts"
import { nameAttributes, spelledAs, valuesInDn } from "./ldap-spelling.ts"
import { type Provider, type ProviderAnswer, ProviderFailed, unknown } from "./provider.ts"
import { type FileProblem, isFileProblem, readProviderFile } from "./provider-file.ts"
import { type MakeProvider, ProviderRefused } from "./providers.ts"

const NAME = "ldap"
const BAD_USER_NAME_OR_PASSWORD = 0x86
const SERVER_UNAVAILABLE = 0x88
/** No attributes are wished (RFC 4511, 4.5.1.8). */
const NO_ATTRIBUTES = "1.1"
const WHO_AM_I = "1.3.6.1.4.1.4203.1.11.3"

type LdapSettings = Settings["auth"]["ldap"]

export const makeProvider: MakeProvider = ({ settings }) =>
  Effect.gen(function* () {
    const { ldap: own } = settings.auth
    const problem = settingsProblem(own)
    if (problem !== undefined) return yield* refused(problem)
    const authorities = own.ca === "" ? undefined : readProviderFile(own.ca, "public")
    if (authorities !== undefined && isFileProblem(authorities)) return yield* refused(authorities)
    const ldap = yield* Effect.promise(() => import("ldapts"))
    const { startTls, timeoutMs, url } = own
    const directory = yield* Effect.acquireRelease(
      Effect.sync(
        () => new Directory({ url, startTls, timeoutMs, ldap, authorities: authorities?.toString("latin1") })
      ),
      (opened) => Effect.sync(() => opened.close())
    )
    const guard = new Guard({
      name: NAME,
      inFlightMax: own.maxConnections,
      waitingMax: own.maxWaiting,
      timeoutMs,
      breaker: new CircuitBreaker({
        failuresMax: own.breakerFailures,
        pauseMs: own.breakerPauseMs,
        loopClockMs: () => performance.now()
      })
    })
    return {
      name: NAME,
      authenticate: (request) =>
        Effect.suspend(() => {
          const credentials = credentialsIn(request)
          if ("kind" in credentials) return Effect.succeed(credentials)
          const asked = directory.use((connection) => login({ connection, ldap, own }, credentials))
          return guard.run(Effect.mapError(asked, (error) => failure(whyOf(error))))
        })
    } satisfies Provider
  })

interface Credentials {
  readonly clientIdentifier: string
  readonly username: string
  readonly password: string
}

function credentialsIn({ clientIdentifier, password, username }: ConnectRequest): Credentials | ProviderAnswer {
  if (username === undefined || username === "" || password === undefined) return unknown
  if (password.length === 0) return denied("the password is empty") // [AUTH-LDAP]
  const text = utf8Of(password)
  return text === undefined ? denied("the password is no UTF-8") : { clientIdentifier, username, password: text }
}

interface Exchange {
  readonly connection: Connection
  readonly ldap: Ldap
  readonly own: LdapSettings
}

async function login(exchange: Exchange, credentials: Credentials): Promise<ProviderAnswer> {
  const { connection, ldap, own } = exchange
  const { clientIdentifier, password, username } = credentials
  const found = own.userDn === "" ? await find(exchange, credentials) : [{ dn: inDn(own.userDn, credentials) }]
  const [entry, ...others] = found
  if (entry === undefined) return unknown
  const { dn } = entry
  if (others.length > 0) return denied("the directory has more than one entry for this name")
  connection.boundAs = undefined
  try {
    await connection.client.bind(dn, password)
  } catch (error) {
    const why = refusalOf(ldap, error)
    if (why === undefined) throw error
    return denied(why)
  }
  connection.boundAs = dn
  const spelled = spelledAs(username, entry.names ?? (await namesOf(exchange)))
  if (spelled === undefined) return denied("the directory does not show how it writes this name") // [AUTH-LDAP-2]
  const groups = own.groupBase === "" ? undefined : await groupsOf(exchange, credentials, dn)
  // Not the directory's failure: a single user must not open the breaker for all.
  if ((groups?.length ?? 0) > own.maxGroups) return denied("the user is in more groups than auth.ldap.max-groups")
  return { kind: "allowed", identity: { clientIdentifier, username: spelled, groups, provider: NAME } }
}

interface FoundEntry {
  readonly dn: string
  /** The user's names as the directory writes them. */
  readonly names?: ReadonlyArray<string>
}

/** The entries that fit; more than two are not asked for. */
async function find({ connection, own }: Exchange, credentials: Credentials): Promise<ReadonlyArray<FoundEntry>> {
  await bindToSearch(connection, own)
  const filter = inFilter(own.userFilter, { username: credentials.username, clientid: credentials.clientIdentifier })
  const attributes = nameAttributes(own.userFilter)
  const { searchEntries } = await connection.client.search(own.userBase, {
    scope: own.scope,
    filter,
    sizeLimit: 2,
    attributes: attributes.length === 0 ? [NO_ATTRIBUTES] : [...attributes]
  })
  return searchEntries.map((entry) => ({ dn: entry.dn, names: attributes.flatMap((name) => valuesOf(entry, name)) }))
}

/**
 * Of the entry that the connection is bound as. The directory says who that is, in its own spelling, without having to
 * show the entry (RFC 4532); none where it does not.
 */
async function namesOf({ connection, ldap, own }: Exchange): Promise<ReadonlyArray<string>> {
  const attributes = nameAttributes(own.userDn)
  try {
    const { value = "" } = await connection.client.exop(WHO_AM_I)
    return value.startsWith("dn:") ? attributes.flatMap((name) => valuesInDn(value.slice(3), name)) : []
  } catch (error) {
    if (error instanceof ldap.ResultCodeError) return []
    throw error
  }
}

async function groupsOf(
  { connection, own }: Exchange,
  { clientIdentifier, username }: Credentials,
  dn: string
): Promise<ReadonlyArray<string>> {
  // With user-dn and no bind-dn the user looks up its own groups.
  if (own.userDn === "" || own.bindDn !== "") await bindToSearch(connection, own)
  const { searchEntries } = await connection.client.search(own.groupBase, {
    scope: own.scope,
    filter: inFilter(own.groupFilter, { username, clientid: clientIdentifier, dn }),
    sizeLimit: own.maxGroups + 1,
    attributes: [own.groupAttribute]
  })
  return searchEntries.flatMap((entry) => valuesOf(entry, own.groupAttribute))
}

/** As bind-dn; without one anonymously, which the empty name and password mean here on purpose. */
async function bindToSearch(connection: Connection, { bindDn, bindPassword }: LdapSettings): Promise<void> {
  if (connection.boundAs === bindDn) return
  await connection.client.bind(bindDn, bindPassword)
  connection.boundAs = bindDn
}

function valuesOf(entry: Entry, attribute: string): ReadonlyArray<string> {
  const key = Object.keys(entry).find((name) => name.toLowerCase() === attribute.toLowerCase())
  const value = key === undefined || key === "dn" ? [] : (entry[key] ?? [])
  return (Array.isArray(value) ? value : [value]).map(String)
}

const inDn = (template: string, { clientIdentifier, username }: Credentials): string =>
  fillTemplate(template, { username, clientid: clientIdentifier }, escapeDnValue) // [AUTH-LDAP]

const inFilter = (template: string, values: Readonly<Record<string, string>>): string =>
  fillTemplate(template, values, escapeFilterValue) // [AUTH-LDAP]

/** The directory's no to this user; undefined for all that says nothing about the password. */
function refusalOf(ldap: Ldap, error: unknown): string | undefined {
  if (error instanceof ldap.InvalidCredentialsError) return "the directory knows no such user with this password"
  if (error instanceof ldap.NoSuchObjectError || error instanceof ldap.InvalidDNSyntaxError) {
    return "the directory has no such entry"
  }
  if (error instanceof ldap.InappropriateAuthError) return "the entry has no password"
  if (error instanceof ldap.UnwillingToPerformError) return "the directory does not let this entry in"
  return undefined
}

function settingsProblem(own: LdapSettings): FileProblem | undefined {
  const { bindDn, bindPassword, groupBase, groupFilter, plainLdap, startTls, url, userBase, userDn, userFilter } = own
  const problem = (fact: string, fix: string): FileProblem => ({ code: "E3545", fact, fix })
  if (url === "") return problem("auth.chain names ldap, and auth.ldap.url is empty", "write the directory's address")
  if (!URL.canParse(url)) return problem(`auth.ldap.url ${url} is no address`, "write ldaps://host or ldap://host:389")
  const isSecure = url.startsWith("ldaps:")
  if (isSecure && startTls) return problem("ldaps has TLS already, and start-tls is true", "set start-tls to false")
  if (!isSecure && !startTls && !plainLdap && !isLoopback(new URL(url).hostname)) {
    const fact = `passwords would go to ${url} in plain text`
    return { code: "E3544", fact, fix: "use ldaps, or set auth.ldap.start-tls" }
  }
  if (userDn === "" && userBase === "") return problem("neither user-dn nor user-base is written", "write one of them")
  const template = userDn === "" ? userFilter : userDn
  if (!template.includes("${username}")) return problem(`${template} has no \${username} in it`, "write it in")
  if (groupBase !== "" && !/\$\{(dn|username)\}/.test(groupFilter)) {
    return problem(`${groupFilter} has neither \${dn} nor \${username} in it`, "write one of them in")
  }
  if ((bindDn === "") === (bindPassword === "")) return undefined
  return problem("only one of bind-dn and bind-password is written", "write both or neither")
}

const LOOPBACK = new NetworkSet(["127.0.0.0/8", "::1/128"])

const isLoopback = (hostname: string): boolean => {
  const host = hostname.replace(/^\[|\]$/g, "")
  return isIP(host) === 0 ? host === "localhost" : LOOPBACK.has(host)
}

/** The directory's words, on one line. */
const whyOf = (error: Error): string => error.message.split("\n")[0] ?? error.name

const denied = (why: string): ProviderAnswer => ({ kind: "denied", reasonCode: BAD_USER_NAME_OR_PASSWORD, why })

const failure = (why: string): ProviderFailed =>
  new ProviderFailed({ provider: NAME, reasonCode: SERVER_UNAVAILABLE, why })

const refused = (problem: FileProblem): Effect.Effect<never, ProviderRefused> =>
  Effect.fail(new ProviderRefused({ provider: NAME, problems: [problem] }))
