/**
 * The least that a Node program does for rows H: `node bare-relay.ts PORT`. What a PUBLISH brings goes to the one subscriber of
 * its topic, QoS 1 is acknowledged; nothing is kept, checked or counted. Its latency is what Node's sockets, its event loop and V8
 * cost for a wake-up, so what a broker in Node takes beyond it is the broker's.
 *
 * It reads whole frames of mqttload and is no broker: no session, no wildcard, no QoS 2, one subscriber a topic.
 */
import { createServer, type Socket } from "node:net"

const [port = ""] = process.argv.slice(2)
const connack = Buffer.from([0x20, 2, 0, 0])
const connack5 = Buffer.from([0x20, 3, 0, 0, 0])

class Peer {
  static readonly subscribers = new Map<string, Socket>()
  readonly #socket: Socket
  #isVersion5 = false
  #rest: Buffer | undefined = undefined

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on("error", () => undefined)
    socket.on("data", (chunk: Buffer) => this.#took(chunk))
  }

  #took(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
    this.#rest = undefined
    for (let at = 0; at < bytes.length; ) {
      let body = at + 1
      let length = 0
      for (let shift = 0, more = true; more && body < bytes.length; shift += 7) {
        const digit = bytes[body++] as number
        length |= (digit & 127) << shift
        more = digit > 127
      }
      if (body + length > bytes.length || body === at + 1) {
        this.#rest = bytes.subarray(at)
        return
      }
      this.#packet(bytes, at, body, body + length)
      at = body + length
    }
  }

  #packet(bytes: Buffer, at: number, body: number, end: number): void {
    const first = bytes[at] as number
    const type = first >> 4
    if (type === 3) {
      const topicEnd = body + 2 + bytes.readUInt16BE(body)
      Peer.subscribers.get(bytes.toString("latin1", body + 2, topicEnd))?.write(bytes.subarray(at, end))
      if ((first & 6) === 2) this.#socket.write(Buffer.from([0x40, 2, bytes[topicEnd] ?? 0, bytes[topicEnd + 1] ?? 0]))
    } else if (type === 1) {
      this.#isVersion5 = bytes[body + 6] === 5
      this.#socket.write(this.#isVersion5 ? connack5 : connack)
    } else if (type === 8) {
      const filter = body + (this.#isVersion5 ? 3 : 2)
      const filterEnd = filter + 2 + bytes.readUInt16BE(filter)
      Peer.subscribers.set(bytes.toString("latin1", filter + 2, filterEnd), this.#socket)
      const head = [0x90, this.#isVersion5 ? 4 : 3, bytes[body] ?? 0, bytes[body + 1] ?? 0]
      this.#socket.write(Buffer.from([...head, ...(this.#isVersion5 ? [0] : []), bytes[filterEnd] ?? 0]))
    } else if (type === 14) this.#socket.end()
  }
}

if (port === "--version") process.stdout.write(`${process.versions.node}\n`)
else {
  createServer({ noDelay: true }, (socket) => void new Peer(socket)).listen(Number(port), "127.0.0.1", 4096)
  process.on("SIGTERM", () => process.exit(0))
}
