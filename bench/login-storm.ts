/**
 * Claim: with 500 wrong-password logins in flight a QoS 1 publisher's PUBACK p99 stays at most 5 times what it is idle.
 *
 *   npm run bench -- login-storm [--logins 500] [--seconds 10] [--rate 200]
 *
 * Method: one broker with a password file (argon2id) on core 0, its hash workers included: nothing is given to them that
 * the broker does not lose. A publisher sends 64-byte messages at `rate` and waits for each PUBACK, `seconds` without and
 * `seconds` with `logins` connections that always have a CONNECT with a wrong password under way: each that is refused
 * comes again at once, with another password, so that no result is remembered. Latency is from send to PUBACK, on the
 * other core. A login that is let in is a fault.
 */
import * as crypto from "node:crypto"
import { mkdtempSync, writeFileSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { generate } from "mqtt-packet"
import { derive, formatPasswordHash, newRecipe } from "../src/access/password-hash.ts"
import { startBroker } from "./harness/brokers.ts"
import { scratchFolder } from "./harness/folders.ts"
import { Report } from "./harness/report.ts"

const factorMax = 5
const settleMs = 1000
const { values } = parseArgs({
  options: {
    logins: { type: "string", default: "500" },
    seconds: { type: "string", default: "10" },
    rate: { type: "string", default: "200" }
  }
})
const logins = Number(values.logins)
const seconds = Number(values.seconds)
const rate = Number(values.rate)
const report = new Report("login-storm")

const recipe = newRecipe("argon2id", crypto.randomBytes(16))
const hash = formatPasswordHash({ recipe, hash: derive(crypto, Buffer.from("right"), recipe) })
const file = join(mkdtempSync(join(scratchFolder(), "passwords-")), "passwords")
writeFileSync(file, `user:${hash}\n`, { mode: 0o600 })
const broker = await startBroker("promptmq", [
  "--admin=false",
  "--auth-chain=password-file",
  `--auth-password-file=${file}`
])

const publisher = await login("publisher", "right")
await pause(settleMs)
const idle = await publish(publisher)
const storm = { refused: 0, busy: 0, admitted: 0, cut: 0 }
let isStorming = true
const stormers = Array.from({ length: logins }, (_, index) => attack(index))
await pause(settleMs)
const before = storm.refused
const stormFromMs = performance.now()
const busy = await publish(publisher)
const perSecond = (storm.refused - before) / ((performance.now() - stormFromMs) / 1000)
isStorming = false
publisher.destroy()
for (const stormer of stormers) stormer.destroy()
await broker.stop()

const p99 = [quantile(idle, 0.99), quantile(busy, 0.99)] as const
const factor = p99[1] / p99[0]
const row = (name: string, latencies: ReadonlyArray<number>) => [
  name,
  String(latencies.length),
  ...[0.5, 0.99, 1].map((share) => `${quantile(latencies, share).toFixed(2)} ms`)
]
report.table(
  `PUBACK latency, QoS 1, ${rate}/s, with ${logins} wrong logins in flight`,
  ["", "messages", "p50", "p99", "worst"],
  [row("idle", idle), row("login storm", busy)]
)
report.say(`\np99 is ${factor.toFixed(1)} times idle, promised at most ${factorMax}.`)
report.say(
  `Logins refused: ${storm.refused} (${perSecond.toFixed(0)}/s), told "busy": ${storm.busy}, cut: ${storm.cut}.`
)
if (factor > factorMax) report.fault(`PUBACK p99 ${factor.toFixed(1)} times idle, promised ${factorMax}`)
if (storm.admitted > 0) report.fault(`${storm.admitted} wrong passwords were let in`)
if (storm.refused === 0) report.fault("no login was ever answered")
report.data("idleMs", idle)
report.data("stormMs", busy)
report.data("storm", storm)
report.finish()

/** A client whose CONNECT was accepted. */
function login(clientId: string, password: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: broker.port, host: "127.0.0.1", noDelay: true })
    socket.write(connectBytes(clientId, password))
    socket.once("data", (connack: Buffer) => {
      if (connack[3] === 0) resolve(socket)
      else reject(new Error(`CONNECT was refused with ${connack[3]}`))
    })
    socket.once("error", reject)
  })
}

interface Attacker {
  readonly destroy: () => void
}

/** Always one wrong login under way. */
function attack(index: number): Attacker {
  let socket: Socket
  const again = () => {
    let isAnswered = false
    socket = connect({ port: broker.port, host: "127.0.0.1", noDelay: true })
    socket.write(connectBytes(`attacker-${index}`, crypto.randomBytes(8).toString("hex")))
    socket.once("data", (connack: Buffer) => {
      isAnswered = true
      if (connack[3] === 0) storm.admitted++
      else if (connack[3] === 3) storm.busy++
      else storm.refused++
      socket.destroy()
    })
    socket.once("error", () => undefined)
    socket.once("close", () => {
      if (!isStorming) return
      if (!isAnswered) storm.cut++
      again()
    })
  }
  again()
  return { destroy: () => socket.destroy() }
}

/** Latencies in milliseconds. One message at a time: what is measured is the broker, not a queue before it. */
async function publish(socket: Socket): Promise<ReadonlyArray<number>> {
  const latencies: Array<number> = []
  const untilMs = performance.now() + seconds * 1000
  const packet = generate({
    cmd: "publish",
    topic: "bench/login-storm",
    payload: Buffer.alloc(64, 0x78),
    qos: 1,
    messageId: 1,
    dup: false,
    retain: false
  })
  while (performance.now() < untilMs) {
    const fromMs = performance.now()
    const acknowledged = new Promise((resolve) => socket.once("data", resolve))
    socket.write(packet)
    await acknowledged
    const tookMs = performance.now() - fromMs
    latencies.push(tookMs)
    await pause(Math.max(0, 1000 / rate - tookMs))
  }
  return latencies
}

function connectBytes(clientId: string, password: string): Buffer {
  const named = { clientId, username: "user", password: Buffer.from(password) }
  return generate({ cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clean: true, keepalive: 0, ...named })
}

function quantile(latencies: ReadonlyArray<number>, share: number): number {
  const sorted = [...latencies].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
