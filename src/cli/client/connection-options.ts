/**
 * The options that pub, sub and ping share: where to connect, as whom, how. Letters and long names are
 * Mosquitto's; what has only a letter there has a long name here too.
 *
 * Deliberate differences to the Mosquitto tools, stated in --help: MQTT 5 is the default version (reason
 * codes are worth seeing), `--tls` uses the system's certificates, passwords may come from a file.
 */
import { flag, number, type Option, text } from "../grammar/option.ts"
import { type PropertyCommand, propertyOption } from "./property-option.ts"

const where = { section: "Where" }
const who = { section: "Session and user" }
const tls = { section: "TLS" }
const will = { section: "Will" }

export const targetOptions = {
  host: text("host of the broker (localhost)", { ...where, letter: "h", placeholder: "host" }),
  port: number("port (1883, with TLS 8883, WebSocket 8080, WebSocket with TLS 8084)", {
    ...where,
    letter: "p",
    placeholder: "port",
    minimum: 1,
    maximum: 65_535
  }),
  url: text("all at once: mqtt[s]://[user[:password]@]host[:port][/topic], also ws:// and wss://", {
    ...where,
    letter: "L",
    placeholder: "url"
  }),
  unix: text("connect through a Unix domain socket", { ...where, placeholder: "path", isFile: true }),
  ws: flag("connect through WebSocket", where),
  "ws-path": text("path of the WebSocket (/mqtt)", { ...where, placeholder: "path" }),
  bind: text("local address to connect from", { ...where, letter: "A", placeholder: "address" }),
  nodelay: flag("accepted for Mosquitto's sake: packets are never held back here", where)
}

const tlsOptions = {
  tls: flag("use TLS with the certificate authorities of the system", tls),
  cafile: text("trust the authorities in this PEM file", { ...tls, placeholder: "file", isFile: true }),
  cert: text("certificate of this client", { ...tls, placeholder: "file", isFile: true }),
  key: text("private key of this client", { ...tls, placeholder: "file", isFile: true }),
  insecure: flag("do not check the host name in the broker's certificate (tests only)", tls)
}

const userOptions = {
  username: text("user name", { ...who, letter: "u", placeholder: "name" }),
  pw: text("password; visible to other users of this machine, better --password-file", {
    ...who,
    letter: "P",
    placeholder: "password",
    aliases: ["password"]
  }),
  "password-file": text("read the password from the first line of a file", {
    ...who,
    placeholder: "file",
    isFile: true
  }),
  id: text("client identifier", { ...who, letter: "i", placeholder: "id" }),
  "id-prefix": text("client identifier: this and the process id", { ...who, letter: "I", placeholder: "prefix" })
}

const sessionOptions = {
  "protocol-version": text("MQTT version (mqttv5)", {
    ...who,
    letter: "V",
    placeholder: "version",
    choices: ["mqttv5", "mqttv311", "mqttv31", "5", "311", "31"]
  }),
  keepalive: number("keep-alive in seconds (60)", {
    ...who,
    letter: "k",
    placeholder: "seconds",
    minimum: 0,
    maximum: 65_535
  }),
  "disable-clean-session": flag("keep the session when this client leaves; needs -i", { ...who, letter: "c" }),
  "session-expiry-interval": text("seconds the session outlives the connection; -1, 4294967295 or ∞: for ever", {
    ...who,
    letter: "x",
    placeholder: "seconds"
  })
}

const willOptions = {
  "will-topic": text("topic the broker publishes to when this client is lost", { ...will, placeholder: "topic" }),
  "will-payload": text("its payload (empty)", { ...will, placeholder: "payload" }),
  "will-qos": number("its QoS (0)", { ...will, placeholder: "qos", minimum: 0, maximum: 2 }),
  "will-retain": flag("it is retained", will)
}

const talkOptions = {
  debug: flag("say on stderr what is sent and received", { letter: "d", section: "Talk" }),
  quiet: flag("say nothing on stderr but errors of usage", { section: "Talk" })
}

export type ConnectionOptions = typeof targetOptions &
  typeof tlsOptions &
  typeof userOptions &
  typeof sessionOptions &
  typeof willOptions &
  typeof talkOptions & { readonly property: ReturnType<typeof propertyOption> }

/** `commands`: the packets besides CONNECT, DISCONNECT and the will that -D may address. */
export function connectionOptions(commands: ReadonlyArray<PropertyCommand>): ConnectionOptions {
  return {
    ...targetOptions,
    ...userOptions,
    ...sessionOptions,
    property: propertyOption(["connect", "will", "disconnect", ...commands], who.section) satisfies Option<unknown>,
    ...willOptions,
    ...tlsOptions,
    ...talkOptions
  }
}
