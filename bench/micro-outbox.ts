/**
 * Claim: adding a 64-byte packet to an outbox costs tens of nanoseconds, the copy included.
 *
 * Method: one outbox over a transport that takes everything and reports it done after write returned; 900 packets a
 * turn (58 KB: one write each), then 100 outboxes with 10 packets a turn each (a fan-out). Five rounds after one to
 * warm up; the median and the best are printed, in nanoseconds per packet, with everything a turn costs shared out.
 * Run: node bench/micro-outbox.ts
 */
import { FlushTurn } from "../src/listener/flush-turn.ts"
import { Outbox } from "../src/listener/outbox.ts"
import { SlabPool } from "../src/listener/slab-pool.ts"
import type { Transport } from "../src/listener/transport.ts"

const PACKET_BYTES = 64
const PACKETS_PER_ROUND = 9_000_000
const ROUNDS = 5
const LIMIT_BYTES = 1 << 20

class NullTransport implements Transport {
  readonly kind = "memory"
  readonly listener = "null"
  readonly peer = "null"
  unsentBytes = 0
  onData: (chunk: Buffer) => void = () => undefined
  onClose: (error: Error | undefined) => void = () => undefined
  readonly #dones: Array<() => void> = []

  write(_buffer: Buffer, done: () => void): void {
    this.#dones.push(done)
  }
  reportDone(): void {
    for (const done of this.#dones) done()
    this.#dones.length = 0
  }
  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
}

type Put = (outbox: Outbox, source: Buffer, start: number) => void

const append: Put = (outbox, source, start) => outbox.append(source, start, start + PACKET_BYTES)
const reserve: Put = (outbox) => {
  outbox.slab[outbox.reserve(PACKET_BYTES)] = 0x30
}
const appendIfNotCongested: Put = (outbox, source, start) => {
  if (!outbox.congested) outbox.append(source, start, start + PACKET_BYTES)
}

function round(outboxCount: number, packetsPerTurn: number, put: Put): number {
  let endTurn: () => void = () => undefined
  const turn = new FlushTurn((run) => {
    endTurn = run
  })
  const pool = new SlabPool()
  const transports = Array.from({ length: outboxCount }, () => new NullTransport())
  const outboxes = transports.map((transport) => new Outbox(transport, pool, turn, LIMIT_BYTES))
  const source = Buffer.alloc(65_536, 1)
  const turns = Math.round(PACKETS_PER_ROUND / (outboxCount * packetsPerTurn))
  const startedNs = process.hrtime.bigint()
  for (let count = 0; count < turns; count++) {
    for (let packet = 0; packet < packetsPerTurn; packet++) {
      const start = (packet * PACKET_BYTES) % 65_536
      for (let index = 0; index < outboxCount; index++) put(outboxes[index] as Outbox, source, start)
    }
    endTurn()
    for (let index = 0; index < outboxCount; index++) transports[index]?.reportDone()
  }
  return Number(process.hrtime.bigint() - startedNs) / (turns * outboxCount * packetsPerTurn)
}

function report(claim: string, outboxCount: number, packetsPerTurn: number, put: Put): void {
  round(outboxCount, packetsPerTurn, put)
  const figures = Array.from({ length: ROUNDS }, () => round(outboxCount, packetsPerTurn, put)).sort((a, b) => a - b)
  const [best = 0, , median = 0] = figures
  process.stdout.write(`${claim.padEnd(52)} median ${median.toFixed(1)} ns   best ${best.toFixed(1)} ns\n`)
}

report("1 outbox, 900 packets a turn, reserve only", 1, 900, reserve)
report("1 outbox, 900 packets a turn, append", 1, 900, append)
report("1 outbox, 900 packets a turn, congested? + append", 1, 900, appendIfNotCongested)
report("100 outboxes, 10 packets a turn each, append", 100, 10, append)
report("100 outboxes, 1 packet a turn each, append", 100, 1, append)
