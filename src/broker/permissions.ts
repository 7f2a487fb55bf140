/**
 * What a connection may do: the publisher's verdicts and the receiver's, kept with the topic for a class of connections to
 * whom the same rules apply (access/access.ts, RightsClasses), else per connection.
 *
 *   client.freeGeneration === access.generation    no rule concerns it: one comparison and nothing else
 *   entry.publishClass === client.rightsClass      entry.publishVerdicts: 2 bits per question: 0 not asked yet, 1 allow, 2 deny
 *   entry.readClass === client.rightsClass         entry.readVerdicts, the same
 *   client.verdicts, by entry.serial               the same bits, where the entry is another class's, or a placeholder decides
 *
 * A topic has one class that publishes and one that reads (of that only what is allowed), the first to come; it is looked at for every message anyhow, while
 * tables per connection (99 clients on 10,000 topics: 13 MB) push topics out of the processor's cache. Of what a class answers
 * the connection's table keeps the last TRACES_MAX, so that it is known who published where.
 *
 * A word of the table: bits 0..11 publish and 12..23 read, each (QoS * 2 + RETAIN) * 2; bit 24: the topic, whose reading
 * is denied, has a row of its own in the drop ledger.
 *
 * Invariants
 * - [ACL-3] A verdict is of one connection or class, one topic and one generation of the rules. Topics have serial numbers
 *   that are never given again, and entries forget their classes with their topic, so another topic is a miss and never a
 *   wrong answer. Numbers of classes are of one generation.
 * - Bounded per connection (acl.max-cached-topics) and for all together (acl.max-cache-memory): beyond it a verdict is
 *   asked anew, nothing else changes.
 * - No string is made for a message whose verdict is known.
 * - What is not handed over because of a rule has a row in the ledger: the first topics of a connection one each, all
 *   others one together, so that a wide subscription under narrow rules does not flood it.
 * - [ACL-1] Whatever hands a message to a client asks here first: live, from the log, retained, history, shared, repeated.
 *
 * Elsewhere: the verdicts (access/), undecided ones (ask.ts), filters (subscribe.ts), wills (wills.ts).
 */
import { type AccessDecisions, type Identity, Verdict } from "../access/access.ts"
import type { PublishView } from "../codec/publish-view.ts"
import { otherName } from "../metrics/drop-ledger.ts"
import { DropReason } from "../metrics/drop-reasons.ts"
import type { TopicEntry } from "../router/router.ts"
import type { Session } from "../session/session.ts"
import type { Client } from "./client.ts"
import type { Core } from "./core.ts"

const ALLOW = 1
const DENY = 2
const READ_SHIFT = 12
const NAMED = 1 << 24
const SLOTS_FIRST = 64
const SLOT_BYTES = 8
const HIGH_SHIFT = 25
const VERDICTS = (1 << HIGH_SHIFT) - 1
const SERIAL_MAX = 2 ** 39 - 1
/** Slots for what the connection's class was answered. */
const TRACES_MAX = 256
/** Topics of one connection with a ledger row of their own. */
const NAMED_MAX = 16

/**
 * Verdicts by the serial number of topic entries: one slot each, the newest topic has it. A slot is two words in one line of
 * cache: the serial's lower 32 bits; its upper 7 bits above the verdicts. An entry with a larger serial has no slot.
 */
export class VerdictTable {
  slots = new Int32Array(SLOTS_FIRST * 2)
  mask = SLOTS_FIRST - 1
  /** Verdicts that gave way to another topic's since it last grew. */
  displaced = 0
  used = 0
  named = 0

  get bytes(): number {
    return (this.mask + 1) * SLOT_BYTES
  }

  /** The verdicts on the entry, 0 where none is known. */
  find(serial: number): number {
    const at = (serial & this.mask) << 1
    const word = this.slots[at + 1] as number
    return this.slots[at] === (serial | 0) && word >>> HIGH_SHIFT === highOf(serial) ? word & VERDICTS : 0 // [ACL-3]
  }

  /** Answers whether another topic's verdicts gave way. */
  set(serial: number, verdicts: number): boolean {
    const at = (serial & this.mask) << 1
    const { slots } = this
    const isOther =
      slots[at] !== 0 && (slots[at] !== (serial | 0) || (slots[at + 1] as number) >>> HIGH_SHIFT !== highOf(serial))
    if (slots[at] === 0) this.used += 1
    slots[at] = serial | 0
    slots[at + 1] = verdicts | (highOf(serial) << HIGH_SHIFT)
    return isOther
  }

  clear(): void {
    this.slots.fill(0)
    this.displaced = 0
    this.used = 0
    this.named = 0
  }

  grow(): void {
    const { slots } = this
    this.slots = new Int32Array(slots.length * 2)
    this.mask = slots.length - 1
    this.displaced = 0
    this.used = 0
    for (let at = 0; at < slots.length; at += 2) {
      if (slots[at] === 0) continue
      const to = ((slots[at] as number) & this.mask) << 1
      this.used += 1
      this.slots[to] = slots[at] as number
      this.slots[to + 1] = slots[at + 1] as number
    }
  }
}

const highOf = (serial: number): number => (serial > 0xffff_ffff ? Math.floor(serial / 0x1_0000_0000) : 0)

/** What outlives the connection: a will is judged by it, and whoever asks about a session that is away. */
export interface Rights {
  readonly access: AccessDecisions
  readonly identity: Identity
}

/** After a restart only names are known: `isPartial`. */
export const rightsOf = (core: Core, { clientIdentifier, rights, username }: Session): Rights =>
  (rights as Rights | undefined) ?? {
    access: core.access,
    identity: { clientIdentifier, username, isPartial: true }
  }

/** No rule concerns the connection; looked at once per generation. */
export const isFree = (client: Client): boolean =>
  client.freeGeneration === client.access.generation || becomesFree(client)

export const isUnrestricted = (access: AccessDecisions, identity: Identity): boolean =>
  identity.isSuperuser === true || (access.allowsEverything && identity.rules === undefined)

const becomesFree = (client: Client): boolean => {
  const { generation } = client.access
  if (client.verdictGeneration === generation) return false // [ACL-3]
  client.verdictGeneration = generation
  client.verdicts?.clear()
  client.rightsClass = 0
  if (client.identity === undefined || !isUnrestricted(client.access, client.identity)) {
    client.rightsClass = joinsClass(client)
    return false
  }
  client.freeGeneration = generation
  return true
}

const joinsClass = ({ access, identity }: Client): number =>
  identity === undefined || access.classes === undefined ? 0 : access.classes.classOf(identity)

/** It is somebody else now, or may do something else: what was known is void. */
export const setIdentity = (client: Client, identity: Identity): void => {
  client.identity = identity
  client.freeGeneration = -1
  client.verdictGeneration = -1
  const { access, session } = client
  if (session !== undefined) session.rights = { access, identity } satisfies Rights
}

/** One of `Verdict`. Ask isFree() first. */
export const publishVerdict = (
  core: Core,
  client: Client,
  entry: TopicEntry<Session>,
  qos: number,
  retain: boolean
): number => {
  const shift = (qos * 2 + (retain ? 1 : 0)) * 2
  if (entry.publishClass === client.rightsClass && client.rightsClass !== 0) {
    const shared = (entry.publishVerdicts >> shift) & 3
    if (shared !== 0) return traced(core, client, entry, shift, shared)
  }
  const known = knownVerdict(client, entry, shift)
  if (known !== 0) return known === ALLOW ? Verdict.allow : Verdict.deny
  const { identity } = client
  if (identity === undefined) return Verdict.deny
  const verdict = client.access.publishVerdict(identity, entry.bytes.toString("utf8"), qos, retain, false)
  if (verdict === Verdict.ask) return verdict
  const bits = verdict === Verdict.allow ? ALLOW : DENY
  if (!mayShare(client, entry.publishClass)) remember(core, client, entry, shift, bits)
  else {
    const others = entry.publishClass === client.rightsClass ? entry.publishVerdicts : 0
    entry.publishClass = client.rightsClass
    entry.publishVerdicts = others | (bits << shift)
    traced(core, client, entry, shift, bits)
  }
  return verdict
}

/** May the connection read it? Without a row in the ledger. Ask isFree() first. */
export const mayRead = (
  core: Core,
  client: Client,
  entry: TopicEntry<Session>,
  qos: number,
  isRetained: boolean
): boolean => {
  const bit = (qos * 2 + (isRetained ? 1 : 0)) * 2
  const shift = READ_SHIFT + bit
  if (entry.readClass === client.rightsClass && client.rightsClass !== 0) {
    if (((entry.readVerdicts >> bit) & 3) === ALLOW) return true
  }
  const known = knownVerdict(client, entry, shift)
  if (known !== 0) return known === ALLOW
  const { identity } = client
  if (identity === undefined) return false
  const isAllowed = client.access.readVerdict(identity, entry.bytes.toString("utf8"), qos, isRetained) === Verdict.allow
  const bits = isAllowed ? ALLOW : DENY
  if (isAllowed && mayShare(client, entry.readClass)) {
    const others = entry.readClass === client.rightsClass ? entry.readVerdicts : 0
    entry.readClass = client.rightsClass
    entry.readVerdicts = others | (bits << bit)
  } else remember(core, client, entry, shift, bits)
  return isAllowed
}

/** The verdict given last is one for the class, and the entry's place for classes is free or the class's own. */
const mayShare = ({ access: { classes }, rightsClass }: Client, holder: number): boolean =>
  classes !== undefined &&
  rightsClass !== 0 &&
  (holder === rightsClass || holder < classes.firstClass) &&
  !classes.isPersonal // [ACL-9]

/** The class was answered, and the connection's own table notes it, if it has not. */
const traced = (core: Core, client: Client, entry: TopicEntry<Session>, shift: number, bits: number): number => {
  const table = client.verdicts
  if (table === undefined || table.mask + 1 < TRACES_MAX) {
    if (knownVerdict(client, entry, shift) === 0) remember(core, client, entry, shift, bits, TRACES_MAX)
  } else {
    const word = table.find(entry.serial)
    if (((word >> shift) & 3) === 0) table.set(entry.serial, word | (bits << shift))
  }
  return bits === ALLOW ? Verdict.allow : Verdict.deny
}

/** The same; a denial is booked for `frames` messages, and for the position in the log where they have one. */
export const mayHand = (
  core: Core,
  client: Client,
  entry: TopicEntry<Session>,
  qos: number,
  isRetained: boolean,
  frames: number,
  sequence: number
): boolean => {
  if (mayRead(core, client, entry, qos, isRetained)) return true
  bookDenied(core, client, entry, frames, sequence)
  return false
}

/** It was allowed to publish there, under the rules of now, and has. Free connections leave no trace. */
export const isPublisherOf = (client: Client, entry: TopicEntry<Session>): boolean => {
  for (let shift = 0; shift < READ_SHIFT; shift += 2) if (knownVerdict(client, entry, shift) === ALLOW) return true
  return false
}

/** For what comes from the log or the retained store, whose topic nobody has looked up yet. */
export const entryOf = (core: Core, { buffer, topicEnd, topicStart }: PublishView): TopicEntry<Session> =>
  core.router.intern(buffer, topicStart, topicEnd)

export const bookDenied = (
  core: Core,
  client: Client,
  entry: TopicEntry<Session>,
  frames: number,
  sequence: number
): void => {
  const at = sequence >= 0 ? sequence : undefined
  const topic = client.verdicts === undefined || isNamed(client, entry) ? entry.bytes.toString("utf8") : otherName
  core.ledger.add(DropReason.notAuthorized, client.session?.clientIdentifier ?? "", topic, frames, core.nowMs, at, at)
}

/** The table's memory is given back; the connection is over. */
export const forgetVerdicts = (core: Core, client: Client): void => {
  if (client.verdicts === undefined) return
  core.verdictBytes -= client.verdicts.bytes
  client.verdicts = undefined
}

const knownVerdict = (client: Client, entry: TopicEntry<Session>, shift: number): number => {
  const table = client.verdicts
  if (table === undefined || client.verdictGeneration !== client.access.generation) return 0
  return (table.find(entry.serial) >> shift) & 3
}

const remember = (
  core: Core,
  client: Client,
  { serial }: TopicEntry<Session>,
  shift: number,
  verdict: number,
  slotsMax = core.limits.verdictTopicsMax
): void => {
  isFree(client) // the table is of this generation from here on
  const table = client.verdicts ?? makeTable(core, client)
  if (table === undefined || serial > SERIAL_MAX) return
  const word = table.find(serial) | (verdict << shift)
  if (table.set(serial, word)) table.displaced += 1
  // Serials that follow each other displace nobody until all slots are used: it grows before.
  if (table.displaced <= table.mask >> 2 && table.used <= table.mask - (table.mask >> 2)) return
  makeRoom(core, table, slotsMax)
  table.set(serial, word)
}

const makeTable = (core: Core, client: Client): VerdictTable | undefined => {
  if (core.verdictBytes + SLOTS_FIRST * SLOT_BYTES > core.limits.verdictBytesMax) return undefined
  client.verdicts = new VerdictTable()
  core.verdictBytes += client.verdicts.bytes
  return client.verdicts
}

const makeRoom = (core: Core, table: VerdictTable, slotsMax: number): void => {
  const { verdictBytesMax, verdictTopicsMax } = core.limits
  const { bytes } = table
  table.displaced = 0
  if (table.mask + 1 >= Math.min(slotsMax, verdictTopicsMax) || core.verdictBytes + bytes > verdictBytesMax) return
  table.grow()
  core.verdictBytes += bytes
}

/** The first topics that are denied get a row of their own, as long as the table remembers which. */
const isNamed = (client: Client, entry: TopicEntry<Session>): boolean => {
  const table = client.verdicts
  if (table === undefined) return false
  const word = table.find(entry.serial)
  if (word === 0) return false
  if ((word & NAMED) !== 0) return true
  if (table.named >= NAMED_MAX) return false
  table.named += 1
  table.set(entry.serial, word | NAMED)
  return true
}
