/**
 * CONNECT packets that are refused, by the hundred thousand, and what they leave in memory: nothing. Each way to be
 * refused in turn, wills and credentials among them (CVE-2023-3592, CVE-2021-34431, CVE-2017-7654).
 */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { assert } from "@effect/vitest"
import { frame } from "../codec/frames.ts"
import { Random } from "../fault/random.ts"
import { FuzzWorld } from "../fuzz/fuzz-world.ts"
import { grammarLimits } from "../fuzz/grammar-round.ts"
import { judgeRest } from "../fuzz/hostile-case.ts"

/** Compiled code and caches come and go by some megabytes; a leak of 300 bytes per CONNECT is more at commit size. */
const HEAP_GROWTH_BYTES_MAX = 12_000_000

const refused: ReadonlyArray<Buffer> = [
  `10 "MQTT" 05 02 003c {} "c\\xff"`,
  `10 "MQTT" 05 ff 003c {} "c"`,
  `10 "MQTT" 06 02 003c {} "c"`,
  `10 "MQTT" 05 06 003c {} "c" { 08 "r" 03 "t" 09 "${"d".repeat(300)}" 26 "n" "v" 08 "r" } "w" "${"p".repeat(500)}"`,
  `10 "MQTT" 05 c6 003c { 11 ffffffff } "c" {} "w/#" "${"p".repeat(500)}" "user" "${"s".repeat(300)}"`,
  `10 "MQTT" 05 06 003c {} "c" {} "$SYS/w" "${"p".repeat(500)}"`,
  `10 "MQTT" 05 02 003c { 15 "unknown" 16 "${"d".repeat(300)}" } "c"`,
  `10 "MQTT" 05 02 003c { 15 "w" } "c"`,
  `10 "MQTT" 05 06 003c {} "${"c".repeat(300)}" {} "w" "p" 00`
].map((notation) => frame(notation, 5))
const notConnects = [frame(`30 "t" . 'x'`, 5), Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff])]

export const invalidConnects = async (count: number): Promise<void> => {
  const world = new FuzzWorld(new Random(1), grammarLimits)
  const packets = [...refused, ...notConnects]
  let before = 0
  for (let i = 0; i < count; i++) {
    // The first tenth warms up whatever is warm in a broker that runs.
    if (i === Math.ceil(count / 10)) before = heapBytes()
    const peer = world.connect((answer) => assert.notStrictEqual(answer[answer[1] === undefined ? 0 : 3], 0))
    peer.send(packets[i % packets.length] as Buffer)
    world.run()
    assert.isTrue(peer.closed)
    if (i % 20_000 === 19_999) await new Promise((resolve) => setImmediate(resolve))
  }
  const grown = heapBytes() - before
  world.advance(120_000)
  world.run()
  judgeRest(world)
  process.stdout.write(`${count} invalid CONNECTs: the heap grew by ${grown} bytes\n`)
  assert.isBelow(grown, HEAP_GROWTH_BYTES_MAX)
}

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

/** What is in use after everything that can go has gone. */
export const heapBytes = (): number => {
  // What the first finds finalizers for, the second frees.
  collect()
  collect()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
