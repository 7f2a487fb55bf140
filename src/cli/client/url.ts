/**
 * `-L mqtt[s]://[user[:password]@]host[:port][/topic]`, and ws:// and wss:// in the same shape (the path
 * of the WebSocket is --ws-path: what stands after the host is always the topic). User, password and topic
 * may be percent-encoded.
 */
import { UsageFault } from "../grammar/option.ts"

export interface UrlParts {
  readonly host?: string
  readonly port?: number
  readonly username?: string
  readonly password?: string
  readonly topic?: string
  readonly isTls?: boolean
  readonly isWebSocket?: boolean
}

const schemes: Readonly<Record<string, Pick<UrlParts, "isTls" | "isWebSocket">>> = {
  mqtt: { isTls: false, isWebSocket: false },
  mqtts: { isTls: true, isWebSocket: false },
  ws: { isTls: false, isWebSocket: true },
  wss: { isTls: true, isWebSocket: true }
}

/** Taken apart by hand: the topic may hold `#`, `?` and `%`, of which the URL standard has its own idea. */
const shape = /^([a-z]+):\/\/(?:([^@/]*)@)?(\[[^\]]*\]|[^:/]*)(?::([^/]*))?(?:\/(.*))?$/s

export function parseUrl(url: string): UrlParts | UsageFault {
  const match = shape.exec(url)
  const scheme = schemes[match?.[1] ?? ""]
  if (match === null || scheme === undefined) {
    return new UsageFault(`-L ${withoutPassword(url)}: not mqtt[s]:// or ws[s]://[user[:password]@]host[:port][/topic]`)
  }
  const [, , userInfo, bracketed = "", portText, topicText] = match
  const host = bracketed.replace(/^\[|\]$/g, "")
  if (host === "") return new UsageFault(`-L ${withoutPassword(url)}: the host is missing`)
  const port = portText === undefined ? undefined : Number(portText)
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
    return new UsageFault(`-L ${withoutPassword(url)}: the port is "${portText}", it takes 1 to 65535`)
  }
  const colon = userInfo?.indexOf(":") ?? -1
  const username = userInfo === undefined ? undefined : colon < 0 ? userInfo : userInfo.slice(0, colon)
  const password = userInfo === undefined || colon < 0 ? undefined : userInfo.slice(colon + 1)
  return {
    ...scheme,
    host,
    ...(port === undefined ? {} : { port }),
    ...(username === undefined || username === "" ? {} : { username: decoded(username) }),
    ...(password === undefined ? {} : { password: decoded(password) }),
    ...(topicText === undefined || topicText === "" ? {} : { topic: decoded(topicText) })
  }
}

/** A wrong escape is left as it was typed. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function withoutPassword(url: string): string {
  return url.replace(/:[^:@/]*@/, ":***@")
}
