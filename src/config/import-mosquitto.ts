/**
 * `promptmq config import mosquitto.conf`: translates what it can and lists the rest, line by line.
 *
 * Every directive of the file ends either in `translated` or in `untranslated` with a reason; none is
 * skipped silently. A listener that had TLS keeps it; one that had it in a form that does not exist here is left
 * out: opened in plain text it would publish what was protected. Values are never repeated in `untranslated`: passwords stand in such lines.
 */
import { parseAddress } from "../settings/address.ts"
import { leafByKey, settingsLeaves } from "../settings/leaves.ts"
import type { WireValue } from "../settings/setting.ts"
import { ValueRefused } from "../settings/setting-fault.ts"
import { logTypes, reasons, translations } from "./mosquitto-directives.ts"
import { schemaLine } from "./presets.ts"
import { type YamlEntry, yamlDocument, yamlValue } from "./yaml-text.ts"

export interface TranslatedDirective {
  readonly line: number
  readonly directive: string
  readonly key: string
}

export interface UntranslatedDirective {
  readonly line: number
  readonly directive: string
  readonly reason: string
}

export interface MosquittoImport {
  readonly yaml: string
  readonly translated: ReadonlyArray<TranslatedDirective>
  readonly untranslated: ReadonlyArray<UntranslatedDirective>
}

export const importMosquitto = (text: string): MosquittoImport => {
  const importer = new Importer()
  text.split(/\r?\n/).forEach((line, index) => {
    const match = /^\s*([a-z0-9_.]+)(?:\s+(.*?))?\s*$/i.exec(line)
    if (match !== null) importer.read(index + 1, (match[1] ?? "").toLowerCase(), match[2] ?? "")
    else if (!/^\s*(#.*)?$/.test(line)) importer.refuse(index + 1, "(unreadable)", "not a directive")
  })
  return importer.finish()
}

interface ListenerBlock {
  readonly line: number
  readonly directive: string
  readonly port: string
  host: string
  isWebSocket: boolean
  tls: "none" | "certificate" | "other"
}

const listenerKeys = [
  "server.bind",
  "server.ws-bind",
  "server.tls-bind",
  "server.wss-bind",
  "server.unix-bind"
] as const
type ListenerKey = (typeof listenerKeys)[number]

/** The same list each time: a second password_file contradicts the first by its name, not by this. */
const passwordChain: ReadonlyArray<string> = ["password-file"]

class Importer {
  private readonly values = new Map<string, { value: WireValue; comments: Array<string> }>()
  private readonly translated: Array<TranslatedDirective> = []
  private readonly untranslated: Array<UntranslatedDirective> = []
  private readonly listeners: Array<ListenerBlock> = []
  private logLevel = -1

  read(line: number, directive: string, value: string): void {
    if (this.readListener(line, directive, value)) return
    const translation = translations[directive]
    if (directive === "log_type") {
      this.readLogType(line, value)
    } else if (directive === "require_certificate" && value === "false") {
      // Said of one listener; another one's "true" is for the whole broker here, and must win.
      this.refuse(line, directive, "so it is here unless another listener's is true")
    } else if (directive === "persistence") {
      this.set(line, directive, "storage.engine", value === "true" ? "wal" : value === "false" ? "memory" : undefined)
    } else if (translation !== undefined) {
      this.set(line, directive, translation.key, translation.value(value))
      if (directive === "password_file") this.set(line, directive, "auth.chain", passwordChain)
    } else {
      const bridge =
        directive.startsWith("bridge_") || directive.startsWith("remote_") || directive.startsWith("local_")
      this.refuse(line, directive, reasons[bridge ? "connection" : directive] ?? "there is no setting like it")
    }
  }

  refuse(line: number, directive: string, reason: string): void {
    this.untranslated.push({ line, directive, reason })
  }

  finish(): MosquittoImport {
    this.placeListeners()
    const entries = settingsLeaves.flatMap((leaf): ReadonlyArray<YamlEntry> => {
      const entry = this.values.get(leaf.key)
      if (entry === undefined) return []
      return [{ path: leaf.path, comment: entry.comments, value: yamlValue(entry.value), isCommentedOut: false }]
    })
    this.untranslated.sort((left, right) => left.line - right.line)
    this.translated.sort((left, right) => left.line - right.line)
    const rest = this.untranslated.map(({ line, directive, reason }) => `#   line ${line}, ${directive}: ${reason}`)
    const head = [
      schemaLine,
      `# Translated from mosquitto.conf: ${this.translated.length} directives.`,
      ...(rest.length === 0 ? [] : ["# Not translated:", ...rest])
    ]
    const yaml = `${head.join("\n")}\n${entries.length === 0 ? "" : `\n${yamlDocument(entries)}`}`
    return { yaml, translated: this.translated, untranslated: this.untranslated }
  }

  private set(line: number, directive: string, key: string, value: WireValue): void {
    const earlier = this.values.get(key)
    const refused = value === undefined ? undefined : leafByKey.get(key)?.spec.decode(value)
    if (value === undefined) {
      this.refuse(line, directive, "its value cannot be read")
    } else if (refused instanceof ValueRefused) {
      this.refuse(line, directive, `${key}: ${refused.fault.fact}`)
    } else if (earlier !== undefined && earlier.value !== value) {
      this.refuse(line, directive, `${key} is for the whole broker and already ${yamlValue(earlier.value)}`)
    } else {
      const comments = [...(earlier?.comments ?? []), `mosquitto.conf line ${line}: ${directive}`]
      this.values.set(key, { value, comments })
      this.translated.push({ line, directive, key })
    }
  }

  private readListener(line: number, directive: string, value: string): boolean {
    const block = this.listeners.at(-1)
    if (directive === "listener" || directive === "port") {
      const [port = "", host = ""] = value.split(/\s+/)
      this.listeners.push({ line, directive, port, host, isWebSocket: false, tls: "none" })
    } else if (directive === "bind_address" && block !== undefined) {
      block.host = value
      this.translated.push({ line, directive, key: "server.bind" })
    } else if (directive === "protocol" && (value === "mqtt" || value === "websockets") && block !== undefined) {
      block.isWebSocket = value === "websockets"
      this.translated.push({ line, directive, key: block.isWebSocket ? "server.ws-bind" : "server.bind" })
    } else {
      if (block !== undefined && /^(psk_hint|tls_keyform)$/.test(directive)) block.tls = "other"
      if (block?.tls === "none" && /^(certfile|keyfile)$/.test(directive)) block.tls = "certificate"
      return false
    }
    return true
  }

  private placeListeners(): void {
    if (this.listeners.length === 0) return
    const placed = new Map<ListenerKey, { texts: Array<string>; comments: Array<string> }>()
    // An empty list stands for "Mosquitto had none of this kind": our own default must not open one.
    for (const key of ["server.bind", "server.ws-bind"] as const) placed.set(key, { texts: [], comments: [] })
    for (const block of this.listeners) {
      const { directive, host, isWebSocket, line, port, tls } = block
      const isFile = host.startsWith("/")
      const text = isFile ? host : `${host.includes(":") ? `[${host}]` : host}:${port}`
      if (tls === "other") {
        this.refuse(line, directive, "its kind of TLS is not in this version; it is left out, not opened in plain text")
      } else if (port === "0" ? !isFile : parseAddress(text) === undefined) {
        this.refuse(line, directive, "its address cannot be read")
      } else {
        const web = isWebSocket ? "server.ws-bind" : "server.bind"
        const secure = isWebSocket ? "server.wss-bind" : "server.tls-bind"
        const key = isFile ? "server.unix-bind" : tls === "none" ? web : secure
        const place = placed.get(key) ?? { texts: [], comments: [] }
        place.texts.push(text)
        place.comments.push(`mosquitto.conf line ${line}: ${directive} ${port}`)
        placed.set(key, place)
        this.translated.push({ line, directive, key })
      }
    }
    this.openTls(placed)
    for (const [key, { texts, comments }] of placed) this.values.set(key, { value: texts, comments })
  }

  /** Of the two kinds with TLS the one that Mosquitto did not have stays closed. */
  private openTls(placed: Map<ListenerKey, { texts: Array<string>; comments: Array<string> }>): void {
    if (!placed.has("server.tls-bind") && !placed.has("server.wss-bind")) return
    this.values.set("server.tls", { value: true, comments: ["for the listeners with certfile and keyfile"] })
    for (const key of ["server.tls-bind", "server.wss-bind"] as const) {
      if (!placed.has(key)) placed.set(key, { texts: [], comments: [] })
    }
  }

  private readLogType(line: number, value: string): void {
    const rank = logTypes.findIndex(([type]) => type === value)
    if (rank === -1) {
      this.refuse(line, "log_type", "there is no such kind of entry here")
      return
    }
    this.logLevel = Math.max(this.logLevel, rank)
    const level = logTypes[this.logLevel]?.[1] ?? "info"
    this.values.set("log.level", { value: level, comments: [`mosquitto.conf line ${line} and others: log_type`] })
    this.translated.push({ line, directive: "log_type", key: "log.level" })
  }
}
