/**
 * A script made ready to be sent, and the judgement of what came back. Nothing here knows how the bytes travel: in memory
 * (grammar-round.ts) or over sockets (grammar-sockets.test.ts).
 *
 *   legal packets ... [one damaged packet, or bytes damaged at random] ... what is pipelined behind ... PINGREQ
 *
 * Where the grammar knows the answer (`demand`) it must be exactly that, in order, and after an end nothing. Where bytes
 * were damaged at random nobody knows; then every packet that comes is well-formed and one that a server may send.
 */
import type { Random } from "../fault/random.ts"
import { type Damaged, type Demand, damages, type GrammarLimits } from "./grammar-damage.ts"
import { type Answer, bytesOf, type GrammarPacket, Script, type Version } from "./grammar-packets.ts"

export interface Play {
  readonly version: Version
  readonly bytes: Buffer
  /** What was broken, for the count and the report. */
  readonly what: string
  /** Answers to the legal packets before the damaged one. */
  readonly answers: ReadonlyArray<Answer>
  /** Undefined: bytes were damaged at random. */
  readonly demand: Demand | undefined
  /** The server has answered CONNECT by then. */
  readonly isAccepted: boolean
  /** Answers to what comes behind, when the connection stays. */
  readonly after: ReadonlyArray<Answer>
}

const UNHARMED = "nothing"
const AT_RANDOM = "bytes at random"
const names = Object.keys(damages)
export const everyDamage: ReadonlyArray<string> = [...names, UNHARMED, AT_RANDOM]
/** What a connection is sent after its script: it shows that it goes on. */
const PING_ANSWER: Answer = { type: 13, codes: [] }

export const makePlay = (random: Random, name: string, limits: GrammarLimits): Play => {
  const isAtRandom = random.chance(0.2)
  // A flipped bit must not make one script take over another's session.
  const script = new Script(random, isAtRandom ? `bytes-at-random-${name}` : name)
  const opening = script.opening()
  const packets = [...opening, ...Array.from({ length: random.below(4) }, () => script.next())]
  const behind = [...Array.from({ length: random.below(3) }, () => script.next()), script.ping()]
  if (isAtRandom) return playAtRandom(random, script.version, [...packets, ...behind])
  if (random.chance(0.1)) return playUnharmed(random, script, packets, behind)
  // Every way to break something is as likely as any other, and finds its packet.
  for (;;) {
    const what = random.pick(names)
    const at = random.below(packets.length)
    const victim = random.chance(0.04) && at >= opening.length ? script.disconnect() : (packets[at] as GrammarPacket)
    const damaged = damages[what]?.(victim, random, limits)
    if (damaged !== undefined) return playDamaged({ what, script, packets, behind, at, damaged })
  }
}

interface Broken {
  readonly what: string
  readonly script: Script
  readonly packets: ReadonlyArray<GrammarPacket>
  readonly behind: ReadonlyArray<GrammarPacket>
  readonly at: number
  readonly damaged: Damaged
}

/** What lay behind the damaged packet in the script is left out: it would take itself for answered. */
const playDamaged = ({ what, script, packets, behind, at, damaged }: Broken): Play => {
  const before = packets.slice(0, at)
  const goesOn = damaged.demand.kind === "answer"
  const after = goesOn ? [script.ping()] : damaged.demand.kind === "wait" ? [] : behind
  const bytes = [...before.map((packet) => bytesOf(packet)), damaged.bytes, ...after.map((packet) => bytesOf(packet))]
  return {
    version: script.version,
    bytes: Buffer.concat(bytes),
    what,
    answers: before.flatMap(({ answers }) => answers),
    demand: damaged.demand,
    isAccepted: at >= (script.authenticates ? 2 : 1),
    after: goesOn ? [PING_ANSWER] : []
  }
}

const playUnharmed = (
  random: Random,
  script: Script,
  packets: ReadonlyArray<GrammarPacket>,
  behind: ReadonlyArray<GrammarPacket>
): Play => {
  // AUTH 0x19 begins an exchange, and only AUTH may end it: left open, it is no fault.
  const all = random.chance(0.1) ? [...packets, ...behind, script.disconnect()] : [...packets, ...behind]
  const isLeaving = all.at(-1)?.type === 14
  return {
    version: script.version,
    bytes: Buffer.concat(all.map((packet) => bytesOf(packet))),
    what: UNHARMED,
    answers: all.flatMap(({ answers }) => answers),
    demand: isLeaving ? { kind: "silent" } : { kind: "answer", answers: [] },
    isAccepted: true,
    after: []
  }
}

/** Bits flipped, bytes put in, taken out or written twice, anywhere; or no packet at all. */
const playAtRandom = (random: Random, version: Version, packets: ReadonlyArray<GrammarPacket>): Play => {
  let bytes: Buffer = Buffer.concat(packets.map((packet) => bytesOf(packet)))
  for (let i = 1 + random.below(4); i > 0; i--) {
    // Mostly behind CONNECT: what was not let in says little.
    const from = random.chance(0.8) ? Math.min(bytesOf(packets[0] as GrammarPacket).length, bytes.length - 1) : 0
    const at = from + random.below(bytes.length - from)
    const some = Buffer.from(Array.from({ length: 1 + random.below(8) }, () => random.below(256)))
    const choice = random.below(5)
    if (choice === 0) bytes[at] = (bytes[at] as number) ^ (1 << random.below(8))
    else if (choice === 1) bytes[at] = random.below(256)
    else if (choice === 2) bytes = Buffer.concat([bytes.subarray(0, at), some, bytes.subarray(at)])
    else if (choice === 3) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + some.length)])
    else bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - 40))])
    if (bytes.length === 0) bytes = Buffer.from([0])
  }
  return { version, bytes, what: AT_RANDOM, answers: [], demand: undefined, isAccepted: true, after: [] }
}

/** Throws what is wrong with what came; `frames` are the server's packets in order. */
export const judgePlay = (play: Play, frames: ReadonlyArray<Buffer>, isClosed: boolean): void => {
  const { demand, version } = play
  for (const frame of frames) judgeFrame(frame, version)
  if (demand === undefined) return
  const told = frames.filter((frame) => (frame[0] as number) >> 4 !== 3)
  const isEnd = demand.kind !== "answer" && demand.kind !== "wait"
  const expected = [...play.answers, ...(demand.kind === "answer" ? demand.answers : []), ...play.after]
  const word = isEnd ? lastWord(demand, version, play.isAccepted) : undefined
  if (word !== undefined) expected.push(word)
  for (const [i, answer] of expected.entries()) judgeAnswer(answer, told[i], version)
  if (told.length > expected.length)
    fail(`nothing more was expected than ${expected.length} answers`, told[expected.length])
  if (isClosed !== isEnd) fail(isEnd ? "the connection stays" : "the connection was closed")
}

const lastWord = (demand: Demand, version: Version, isAccepted: boolean): Answer | undefined => {
  if (demand.kind === "refuse") return { type: 2, codes: [demand.code] }
  if (demand.kind !== "code" || version !== 5) return undefined
  return { type: isAccepted ? 14 : 2, codes: [demand.code] }
}

const judgeAnswer = (answer: Answer, frame: Buffer | undefined, version: Version): void => {
  if (frame === undefined) throw new Error(`no answer of type ${answer.type} ${JSON.stringify(answer)}`)
  const type = (frame[0] as number) >> 4
  const head = bodyAt(frame)
  if (type !== answer.type) fail(`not of type ${answer.type}`, frame)
  if (answer.identifier !== undefined && frame.readUInt16BE(head) !== answer.identifier)
    fail(`not for ${answer.identifier}`, frame)
  const found = codesOf(frame, type, head, version)
  if (answer.count !== undefined && found.length !== answer.count) fail(`not ${answer.count} codes`, frame)
  for (const code of found)
    if (!answer.codes.includes(code))
      fail(`0x${code.toString(16)} is none of ${answer.codes.map((c) => c.toString(16))}`, frame)
}

/** The codes in a server's packet; 0 where it is left out, none where there are none. */
const codesOf = (frame: Buffer, type: number, head: number, version: Version): ReadonlyArray<number> => {
  if (type === 2) return [frame[head + 1] as number]
  if (type === 14 || type === 15) return [frame[head] ?? 0]
  if (type >= 4 && type <= 7) return version === 5 ? [frame[head + 2] ?? 0] : []
  if (type !== 9 && type !== 11) return []
  if (version !== 5) return [...frame.subarray(head + 2)]
  const [length, bytes] = variableAt(frame, head + 2)
  return [...frame.subarray(head + 2 + bytes + length)]
}

const serverTypes = [2, 3, 4, 5, 6, 7, 9, 11, 13]

/** What a server may send at all, to whom; and no topic that is none is passed on. */
const judgeFrame = (frame: Buffer, version: Version): void => {
  const type = (frame[0] as number) >> 4
  // A protocol version to come is answered as 5.0.
  const isKnown = serverTypes.includes(type) || (version === 5 && (type === 14 || type === 15))
  if (!isKnown) fail(`no packet of a server to version ${version}`, frame)
  if (type !== 3) return
  const head = bodyAt(frame)
  const topic = frame.subarray(head + 2, head + 2 + frame.readUInt16BE(head))
  const isText = Buffer.from(topic.toString()).equals(topic) && !topic.includes(0)
  if (!isText || /[+#]/.test(topic.toString())) fail("a topic that is none was passed on", frame)
}

const bodyAt = (frame: Buffer): number => 1 + variableAt(frame, 1)[1]

const variableAt = (frame: Buffer, at: number): readonly [value: number, bytes: number] => {
  let value = 0
  for (let i = 0; ; i++) {
    const byte = frame[at + i] as number
    value += (byte & 127) * 128 ** i
    if (byte < 128) return [value, i + 1]
  }
}

const fail = (why: string, frame?: Buffer): never => {
  throw new Error(frame === undefined ? why : `${why}: ${frame.toString("hex", 0, 200)}`)
}
