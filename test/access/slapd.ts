/**
 * A real directory for a test: OpenLDAP's slapd as a process on loopback, with plain and TLS ports, its data in a folder
 * of its own.
 *
 * It is set up to say yes to a bind without a password (RFC 4513, 5.1.2), as many directories do: whoever lets one
 * through is found out.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { type AddressInfo, connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Pair } from "../listener/certificates.ts"
import { eventually } from "../support/eventually.ts"

export const base = "dc=example,dc=com"
export const people = `ou=people,${base}`
export const groups = `ou=groups,${base}`
export const reader = { dn: `cn=reader,${base}`, password: "secret-of-the-reader" }

const START_MS = 20_000
const schemas = ["core", "cosine", "inetorgperson"].map((name) => `include /etc/ldap/schema/${name}.schema`)

/** `lines` of LDIF below an entry's dn. */
export const entry = (dn: string, ...lines: ReadonlyArray<string>): string =>
  // Base64 for the name, so that any name can be written.
  [`dn:: ${Buffer.from(dn).toString("base64")}`, ...lines].join("\n")

export const person = (uid: string, dn: string, password: string): string =>
  entry(
    dn,
    "objectClass: inetOrgPerson",
    `uid:: ${Buffer.from(uid).toString("base64")}`,
    "cn: x",
    "sn: x",
    `userPassword: ${password}`
  )

const tree = [
  entry(base, "objectClass: organization", "objectClass: dcObject", "o: Example", "dc: example"),
  entry(people, "objectClass: organizationalUnit", "ou: people"),
  entry(groups, "objectClass: organizationalUnit", "ou: groups"),
  entry(
    reader.dn,
    "objectClass: organizationalRole",
    "objectClass: simpleSecurityObject",
    "cn: reader",
    `userPassword: ${reader.password}`
  )
]

export class Slapd implements AsyncDisposable {
  readonly port: number
  readonly securePort: number
  readonly #folder: string
  readonly #flags: ReadonlyArray<string>
  #child: ChildProcess | undefined

  static async start(entries: ReadonlyArray<string>, pair: Pair, authority: string): Promise<Slapd> {
    const folder = mkdtempSync(join(tmpdir(), "promptmq-slapd-"))
    const config = join(folder, "slapd.conf")
    mkdirSync(join(folder, "data"))
    const lines = [
      ...schemas,
      "modulepath /usr/lib/ldap",
      "moduleload back_mdb",
      `pidfile ${join(folder, "pid")}`,
      `TLSCACertificateFile ${authority}`,
      `TLSCertificateFile ${pair.certificate}`,
      `TLSCertificateKeyFile ${pair.key}`,
      "allow bind_anon_cred bind_anon_dn",
      "database mdb",
      `suffix "${base}"`,
      `directory ${join(folder, "data")}`,
      "access to attrs=userPassword by anonymous auth by * none",
      `access to dn.subtree="${groups}" by dn.exact="${reader.dn}" read by users read by * none`,
      `access to * by dn.exact="${reader.dn}" read by users none by anonymous auth`
    ]
    writeFileSync(config, `${lines.join("\n")}\n`)
    writeFileSync(join(folder, "tree.ldif"), `${[...tree, ...entries].join("\n\n")}\n`)
    execFileSync("slapadd", ["-f", config, "-l", join(folder, "tree.ldif")], { stdio: "pipe", env: withSbin })
    const slapd = new Slapd(folder, config, await freePort(), await freePort())
    await slapd.resume()
    return slapd
  }

  private constructor(folder: string, config: string, port: number, securePort: number) {
    this.#folder = folder
    this.port = port
    this.securePort = securePort
    this.#flags = ["-f", config, "-h", `ldap://127.0.0.1:${port} ldaps://127.0.0.1:${securePort}`, "-d", "0"]
  }

  get url(): string {
    return `ldap://127.0.0.1:${this.port}`
  }

  get secureUrl(): string {
    return `ldaps://127.0.0.1:${this.securePort}`
  }

  /** It answers on both ports when this resolves. */
  async resume(): Promise<void> {
    const child = spawn("slapd", this.#flags, { stdio: "ignore", env: withSbin })
    this.#child = child
    const deadline = Date.now() + START_MS
    await eventually(async () => {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error("slapd does not answer")
      return ((await answers(this.port)) && (await answers(this.securePort))) || undefined
    })
  }

  async halt(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null) return
    const ended = once(child, "close")
    child.kill("SIGKILL")
    await ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.halt()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Debian keeps daemons where not every user's path leads. */
const withSbin = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` }

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" })
    socket.on("error", () => resolve(false))
    socket.on("connect", () => {
      socket.destroy()
      resolve(true)
    })
  })

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  return port
}
