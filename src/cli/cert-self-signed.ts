/**
 * `promptmq cert self-signed`: an authority and a server's certificate for trying TLS out, and the words that make the
 * broker and its clients use them. No program but this one is needed.
 *
 * Exit codes: 0 written; 1 the files are there already, or the folder cannot be written; 2 a host that is none.
 * Never overwrites without --force. All keys have mode 0600. Made by root, files belong to the owner of the folder in which
 * they are made, as the service's user must read them; ca.key stays root's.
 */
import { chownSync, existsSync, mkdirSync, rmSync, type Stats, statSync, writeFileSync } from "node:fs"
import { isIP } from "node:net"
import { dirname, join, resolve } from "node:path"
import { type IssuedPair, issuePair } from "./certificate/issue.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { flag, number, text, texts, UsageFault } from "./grammar/option.ts"
import { complain, say, type World } from "./world.ts"

const DAY_MS = 86_400_000
const DAYS_DEFAULT = 397
const FOLDER_DEFAULT = "certificates"
/** Clocks of clients may be a little behind. */
const SLACK_MS = 3_600_000
const hostsMax = 64

export const body = commandBody({
  notes: [
    "For tests and closed networks: whoever has ca.key can be your broker. Keep it away from the broker's machine, or remove it when the certificate is made.",
    "Clients need ca.pem (--cafile) and must connect by one of the hosts. Run it again with --force before the certificate ends; the broker takes new files without a restart."
  ],
  examples: [
    { line: "promptmq cert self-signed --host localhost", why: "for this machine: localhost, 127.0.0.1 and ::1" },
    { line: "promptmq cert self-signed --host broker.lan --host 192.168.1.10 --out tls", why: "for others" }
  ],
  operands: [],
  options: {
    host: texts("name or address of the broker (localhost); may be given again", { placeholder: "host" }),
    out: text(`folder for the files (${FOLDER_DEFAULT})`, { placeholder: "folder", isFile: true }),
    days: number(`days until it ends (${DAYS_DEFAULT})`, { placeholder: "days", minimum: 1, maximum: 36_500 }),
    force: flag("write over files of an earlier time"),
    json: flag("one JSON document on stdout, for programs")
  },
  isHelpWhenBare: false,
  run: async ({ options }, world) => {
    const hosts = hostsOf(options.host)
    if (hosts instanceof UsageFault) return hosts
    const folder = resolve(world.workingDirectory, options.out ?? FOLDER_DEFAULT)
    const files = filesIn(folder)
    const there = options.force ? undefined : Object.values(files).find((file) => existsSync(file))
    if (there !== undefined) {
      const fix = "choose another folder with --out, or write over it with --force"
      complain(world, { code: "E1321", fact: `${there} is there already`, fix })
      return exitCodes.failed
    }
    const nowMs = world.wallClockMs()
    const notAfterMs = nowMs + (options.days ?? DAYS_DEFAULT) * DAY_MS
    return write(
      { hosts, folder, files, notAfterMs, isJson: options.json },
      issuePair({ hosts, notBeforeMs: nowMs - SLACK_MS, notAfterMs }),
      world
    )
  }
})

interface Written {
  readonly hosts: ReadonlyArray<string>
  readonly folder: string
  readonly files: ReturnType<typeof filesIn>
  readonly notAfterMs: number
  readonly isJson: boolean
}

function filesIn(folder: string) {
  const file = (name: string): string => join(folder, name)
  return {
    authority: file("ca.pem"),
    authorityKey: file("ca.key"),
    certificate: file("server.pem"),
    key: file("server.key")
  }
}

/** "localhost" stands for its addresses too: people write either. */
function hostsOf(given: ReadonlyArray<string>): ReadonlyArray<string> | UsageFault {
  const named = given.length === 0 ? ["localhost"] : given
  const hosts = [
    ...new Set(named.flatMap((host) => (host === "localhost" ? ["localhost", "127.0.0.1", "::1"] : [host])))
  ]
  if (hosts.length > hostsMax) return new UsageFault(`--host is given ${hosts.length} times, at most ${hostsMax}`)
  const bad = hosts.find((host) => isIP(host) === 0 && !isHostName(host))
  if (bad === undefined) return hosts
  return new UsageFault(`--host is ${JSON.stringify(bad)}, it takes a host name or an address, without port or scheme`)
}

/** One label at the front may be a wildcard. */
function isHostName(host: string): boolean {
  const labels = host.split(".")
  const isLabel = (label: string): boolean => /^[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?$/.test(label)
  return (
    host.length <= 253 &&
    labels.every((label, index) => isLabel(label) || (index === 0 && label === "*" && labels.length > 1))
  )
}

function write(written: Written, { authority, server }: IssuedPair, world: World): ExitCode {
  const { files, folder } = written
  try {
    const owner = statSync(nearestThere(folder))
    const made = mkdirSync(folder, { recursive: true, mode: 0o700 })
    if (made !== undefined) give(folder, owner)
    // The mode is that of a new file: an old one is removed first, so that a key is never in a file that others read.
    for (const [file, content, mode] of [
      [files.authorityKey, authority.key, 0o600],
      [files.authority, authority.certificate, 0o644],
      [files.key, server.key, 0o600],
      [files.certificate, server.certificate, 0o644]
    ] as const) {
      replace(file, content, mode)
      if (file !== files.authorityKey) give(file, owner)
    }
  } catch (cause) {
    const fact = `${folder} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`
    complain(world, { code: "E1321", fact, fix: "choose a folder this user may write: --out" })
    return exitCodes.failed
  }
  if (written.isJson) world.stdout.write(`${JSON.stringify(toJson(written))}\n`)
  else world.stdout.write(words(written))
  if (!written.isJson) say(world, `valid until ${new Date(written.notAfterMs).toISOString().slice(0, 10)}`)
  return exitCodes.done
}

function nearestThere(folder: string): string {
  let at = folder
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at)
  return at
}

/** Written by root for a broker that is not: it must be able to read it. */
function give(path: string, { gid, uid }: Stats): void {
  if (process.getuid?.() === 0) chownSync(path, uid, gid)
}

function replace(file: string, content: string, mode: number): void {
  rmSync(file, { force: true })
  writeFileSync(file, content, { mode, flag: "wx" })
}

function words({ files, hosts }: Written): string {
  const { authority, certificate, key } = files
  return [
    `authority    ${authority}  (for clients)`,
    `certificate  ${certificate}  for ${hosts.join(", ")}`,
    `key          ${key}`,
    "",
    "Set these keys in the configuration:",
    "",
    "server:",
    "  tls: true",
    `  tls-cert: ${JSON.stringify(certificate)}`,
    `  tls-key: ${JSON.stringify(key)}`,
    "",
    "or start it with them, and try:",
    "",
    `  promptmq server --tls --tls-cert ${shell(certificate)} --tls-key ${shell(key)}`,
    `  mosquitto_pub --cafile ${shell(authority)} -h ${shell(hosts[0] ?? "localhost")} -p 8883 -t demo/hi -m hello`,
    ""
  ].join("\n")
}

function shell(word: string): string {
  return /^[\w./:@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

function toJson({ files, hosts, notAfterMs }: Written) {
  const { authority, authorityKey, certificate, key } = files
  return {
    version: 1,
    hosts,
    validUntil: new Date(notAfterMs).toISOString(),
    authority,
    authorityKey,
    certificate,
    key
  }
}
