/**
 * One round: a broker in memory, a healthy client, and a few hundred connections that each play a script
 * (grammar-script.ts), in chunks cut anywhere, several at a time. The seed decides everything.
 *
 * What must hold
 * - No exception leaves the broker, and the healthy client gets its own messages, all of them, in order.
 * - Every connection gets the answers that the grammar demands.
 * - Afterwards nothing is left: see judgeRest in hostile-case.ts.
 */
import { type Limits, limitsOf } from "../../src/broker/limits.ts"
import { defaultSettings } from "../../src/settings/settings.ts"
import { Random } from "../fault/random.ts"
import { type FuzzPeer, FuzzWorld, SESSION_EXPIRY_SECONDS_MAX } from "./fuzz-world.ts"
import { judgePlay, makePlay, type Play } from "./grammar-script.ts"
import { Healthy, judgeRest } from "./hostile-case.ts"

/** As shipped, but for what would take long to reach, or to end. */
export const grammarLimits: Limits = {
  ...limitsOf(defaultSettings),
  topicLevelsMax: 20,
  topicLengthBytesMax: 200,
  filtersPerPacketMax: 10,
  userPropertiesMax: 12,
  topicAliasMaximum: 3,
  sessionExpirySecondsMax: SESSION_EXPIRY_SECONDS_MAX
}

const AT_ONCE_MAX = 5
const HEALTH_EVERY = 20
/** Sessions that were left expire on the way: they would only become more. */
const ADVANCE_EVERY = 100

interface Playing {
  readonly play: Play
  readonly peer: FuzzPeer
  readonly frames: Array<Buffer>
  at: number
}

export const playRound = (seed: number, cases: number, onPlay: (play: Play) => void): void => {
  const random = new Random(seed)
  const world = new FuzzWorld(random, grammarLimits)
  const healthy = new Healthy(world)
  for (let done = 0; done < cases; ) {
    const together = Math.min(1 + random.below(AT_ONCE_MAX), cases - done)
    const playing = Array.from({ length: together }, (_, i) => {
      const play = makePlay(random, `g${done + i}`, grammarLimits)
      onPlay(play)
      const frames: Array<Buffer> = []
      return { play, frames, peer: world.connect((frame) => void frames.push(frame)), at: 0 }
    })
    sendAll(world, random, playing)
    world.run()
    for (const one of playing) judged(one)
    for (const { peer } of playing) peer.cut()
    world.run()
    if (Math.floor((done + together) / HEALTH_EVERY) > Math.floor(done / HEALTH_EVERY)) healthy.proveHealth()
    if (Math.floor((done + together) / ADVANCE_EVERY) > Math.floor(done / ADVANCE_EVERY)) pass(world, 10)
    done += together
  }
  healthy.proveHealth()
  healthy.leave()
  for (let seconds = 0; seconds <= 2 * SESSION_EXPIRY_SECONDS_MAX; seconds += 10) pass(world, 10)
  judgeRest(world)
}

/** In turns; whole, in pieces, or byte by byte. */
const sendAll = (world: FuzzWorld, random: Random, playing: ReadonlyArray<Playing>): void => {
  const pieceMax = random.pick([100_000, 100_000, 30, 5, 1])
  for (let left = [...playing]; left.length > 0; left = left.filter(({ play, at }) => at < play.bytes.length)) {
    const one = random.pick(left)
    const end = Math.min(one.play.bytes.length, one.at + 1 + random.below(pieceMax))
    one.peer.send(Buffer.from(one.play.bytes.subarray(one.at, pieceMax > 1000 ? one.play.bytes.length : end)))
    one.at = pieceMax > 1000 ? one.play.bytes.length : end
    if (random.chance(0.3)) world.run(random.below(10))
  }
}

const judged = ({ play, frames, peer }: Playing): void => {
  try {
    judgePlay(play, frames, peer.closed)
  } catch (cause) {
    const heard = frames.map((frame) => frame.toString("hex", 0, 60)).join(" ")
    const sent = play.bytes.toString("hex", 0, 4000)
    throw new Error(`${play.what}, version ${play.version}: ${String(cause)}\nsent  ${sent}\nheard ${heard}`, { cause })
  }
}

const pass = (world: FuzzWorld, seconds: number): void => {
  world.advance(seconds * 1000)
  world.run()
}
