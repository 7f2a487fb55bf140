/**
 * Rules made ready to be asked: "which is the first that holds?", in time that grows with the topic's levels and not
 * with the number of rules.
 *
 *   topic or filter ──▶ tree of the rules' filters ──▶ numbers of rules that match it
 *   identity ─────────▶ Subject: one bit per rule, "who" and "from where" hold (made once per identity)
 *   what is done ─────▶ one bit of the rule's mask: action, QoS, RETAIN
 *   the lowest number with all three bits decides
 *
 * The mask's bits:   0..5  publish (QoS * 2 + RETAIN)    6..11  read      12..17  will      18..20  subscribe (QoS)
 *
 * What a rule says about reading (its action is subscribe): to hand over a message at QoS q, an allowing rule must name
 * q or more (a subscription at QoS 1 brings messages at 0 too), a denying rule q itself; `retain` asks whether it is a
 * retained message. At SUBSCRIBE nobody knows that: there `retain` keeps a denying rule from holding, an allowing one not.
 *
 * A topic filter that a client subscribes to is matched by a rule whose filter covers it, all of it. So a wide
 * subscription passes a narrow denial, and each message is judged again on its way out (security.md, row 23).
 *
 * Invariants
 * - [ACL-5] A placeholder is one level and compared as text: an identity that is empty, holds `+`, `#` or `/`, or begins with `$`
 *   in the first level is matched by no rule with its placeholder (security.md, row 21).
 * - A wildcard in first place does not reach `$` topics, nor filters for them [MQTT-4.7.2-1].
 * - Of an identity that is known in part, allowing rules about the rest do not hold and denying ones do.
 * - The walk visits each node of the tree at most once, and goes no deeper than the deepest rule.
 */
import { BlockList, isIP } from "node:net"
import type { Identity } from "./access.ts"
import { LITERAL_PREFIX, parseNetwork } from "./decode-rule.ts"
import type { Rule, RuleAction, RuleList } from "./rule.ts"

const PUBLISH = 0
const READ = 6
const WILL = 12
const SUBSCRIBE = 18

export const publishBit = (qos: number, retain: boolean): number => PUBLISH + qos * 2 + (retain ? 1 : 0)
export const readBit = (qos: number, isRetained: boolean): number => READ + qos * 2 + (isRetained ? 1 : 0)
export const willBit = (qos: number, retain: boolean): number => WILL + qos * 2 + (retain ? 1 : 0)
export const subscribeBit = (qos: number): number => SUBSCRIBE + qos

/** What of an identity the rules look at, looked at once. */
export interface Subject {
  /** One bit per rule. */
  readonly applies: Uint32Array
  /** What fills the placeholders; undefined where nothing may. */
  readonly clientIdentifier: string | undefined
  readonly username: string | undefined
}

interface Node {
  literals: Map<string, Node> | undefined
  plus: Node | undefined
  clientIdentifier: Node | undefined
  username: Node | undefined
  /** Rules whose filters end here, and those that go on with `#`. */
  readonly here: Numbers
  readonly below: Numbers
}

/** Numbers of rules, ascending; as bits too where that is less to look through. */
interface Numbers {
  readonly list: Array<number>
  bits: Uint32Array | undefined
}

/** What placeholders stand for: the subject's own names, or none, or any. */
type Fill = "own" | "nothing" | "everything"

const makeNode = (): Node => ({
  literals: undefined,
  plus: undefined,
  clientIdentifier: undefined,
  username: undefined,
  here: { list: [], bits: undefined },
  below: { list: [], bits: undefined }
})

export class CompiledRules {
  readonly rules: RuleList
  readonly #root = makeNode()
  /** Rules that ask nothing of the topic, and those for a text. */
  readonly #everywhere: Numbers = { list: [], bits: undefined }
  readonly #literals = new Map<string, Numbers>()
  readonly #masks: Int32Array
  /** The same, the other way round: the rules of each of the mask's bits. */
  readonly #rulesOfBit: ReadonlyArray<Uint32Array>
  readonly #networks: ReadonlyArray<BlockList | undefined>
  /** The question being answered. One at a time, so one set of registers. */
  #subject: Subject = { applies: new Uint32Array(0), clientIdentifier: undefined, username: undefined }
  #bit = 0
  #levels: ReadonlyArray<string> = []
  #best = 0
  /** How placeholders are looked at, and whether there was one in the way. */
  #fill: Fill = "own"
  #hasMetPlaceholder = false
  /** Would the last question have another answer for somebody else to whom the same rules apply? */
  isPersonal = false

  constructor(rules: RuleList) {
    this.rules = rules
    this.#masks = Int32Array.from(rules, maskOf)
    this.#networks = rules.map(networksOf)
    for (const [number, { topics }] of rules.entries()) {
      if (topics === undefined) this.#everywhere.list.push(number)
      else for (const topic of new Set(topics)) this.#insert(topic, number)
    }
    this.#rulesOfBit = Array.from({ length: SUBSCRIBE + 3 }, (_, bit) => {
      const asked = Array.from(rules.keys()).filter((number) => ((this.#masks[number] as number) & (1 << bit)) !== 0)
      return bitsOf(asked, rules.length)
    })
    this.#pack(this.#everywhere)
    for (const numbers of this.#literals.values()) this.#pack(numbers)
    this.#packBelow(this.#root)
  }

  subjectOf(identity: Identity): Subject {
    const applies = new Uint32Array((this.rules.length + 31) >> 5)
    const address = addressOf(identity.peer)
    for (let number = 0; number < this.rules.length; number++) {
      const rule = this.rules[number] as Rule
      if (!isAbout(rule, identity, address, this.#networks[number])) continue
      applies[number >> 5] = (applies[number >> 5] as number) | (1 << (number & 31))
    }
    return {
      applies,
      clientIdentifier: fillsLevel(identity.clientIdentifier),
      username: fillsLevel(identity.username)
    }
  }

  /**
   * Number of the first rule that holds, or -1. `text` is a topic name, or a filter for `subscribeBit`. Says in `isPersonal`
   * whether it hung on what the client is called: whether it differs between placeholders that match nothing and such that
   * match everything.
   */
  decide(subject: Subject, bit: number, text: string): number {
    this.#levels = text.split("/")
    this.#hasMetPlaceholder = false
    const best = this.#first(subject, bit, text, "own")
    this.isPersonal =
      this.#hasMetPlaceholder &&
      this.#first(subject, bit, text, "nothing") !== this.#first(subject, bit, text, "everything") // [ACL-9]
    return best === this.rules.length ? -1 : best
  }

  #first(subject: Subject, bit: number, text: string, fill: Fill): number {
    this.#subject = subject
    this.#bit = bit
    this.#best = this.rules.length
    this.#fill = fill
    this.#look(this.#everywhere)
    const literal = this.#literals.size === 0 ? undefined : this.#literals.get(text)
    if (literal !== undefined) this.#look(literal)
    this.#walk(this.#root, 0, text.startsWith("$"))
    return this.#best
  }

  /** `isServers`: the text begins with `$`, and this is its first level. */
  #walk(node: Node, depth: number, isServers: boolean): void {
    const level = this.#levels[depth]
    if (!isServers) this.#look(node.below) // also the parent: "a/#" matches "a"
    if (level === undefined) {
      this.#look(node.here)
      return
    }
    if (level === "#") return // only a rule's own # covers it
    const { plus } = node
    if (plus !== undefined && !isServers) this.#walk(plus, depth + 1, false)
    if (level === "+") return
    const literal = node.literals?.get(level)
    if (literal !== undefined) this.#walk(literal, depth + 1, false)
    if (isServers) return // [ACL-5]
    const { clientIdentifier, username } = this.#subject
    if (node.clientIdentifier !== undefined && this.#isFilled(level, clientIdentifier))
      this.#walk(node.clientIdentifier, depth + 1, false)
    if (node.username !== undefined && this.#isFilled(level, username)) this.#walk(node.username, depth + 1, false)
  }

  #isFilled(level: string, text: string | undefined): boolean {
    this.#hasMetPlaceholder = true
    return this.#fill === "own" ? level === text : this.#fill === "everything"
  }

  #look({ bits, list }: Numbers): void {
    const { applies } = this.#subject
    if (bits !== undefined) {
      this.#lookAtBits(bits, applies)
      return
    }
    for (let i = 0; i < list.length; i++) {
      const number = list[i] as number
      if (number >= this.#best) return
      if (((this.#masks[number] as number) & (1 << this.#bit)) === 0) continue
      if (((applies[number >> 5] as number) & (1 << (number & 31))) === 0) continue
      this.#best = number
      return
    }
  }

  #lookAtBits(bits: Uint32Array, applies: Uint32Array): void {
    const asked = this.#rulesOfBit[this.#bit] as Uint32Array
    for (let word = 0; word < bits.length && word << 5 < this.#best; word++) {
      const holding = (bits[word] as number) & (applies[word] as number) & (asked[word] as number)
      if (holding === 0) continue
      this.#best = Math.min(this.#best, (word << 5) + 31 - Math.clz32(holding & -holding))
      return
    }
  }

  /** More numbers than words: then the words are less to look through. */
  #pack(numbers: Numbers): void {
    if (numbers.list.length > (this.rules.length + 31) >> 5) numbers.bits = bitsOf(numbers.list, this.rules.length)
  }

  #packBelow(node: Node): void {
    this.#pack(node.here)
    this.#pack(node.below)
    for (const child of [node.plus, node.clientIdentifier, node.username])
      if (child !== undefined) this.#packBelow(child)
    for (const child of node.literals?.values() ?? []) this.#packBelow(child)
  }

  #insert(topic: string, number: number): void {
    if (topic.startsWith(LITERAL_PREFIX)) {
      const text = topic.slice(LITERAL_PREFIX.length)
      const numbers = this.#literals.get(text)
      if (numbers === undefined) this.#literals.set(text, { list: [number], bits: undefined })
      else numbers.list.push(number)
      return
    }
    let node = this.#root
    for (const level of topic.split("/")) {
      if (level === "#") {
        node.below.list.push(number)
        return
      }
      node = childOf(node, level)
    }
    node.here.list.push(number)
  }
}

const bitsOf = (numbers: ReadonlyArray<number>, count: number): Uint32Array => {
  const bits = new Uint32Array((count + 31) >> 5)
  for (const number of numbers) bits[number >> 5] = (bits[number >> 5] as number) | (1 << (number & 31))
  return bits
}

const childOf = (node: Node, level: string): Node => {
  switch (level) {
    case "+":
      node.plus ??= makeNode()
      return node.plus
    case "${clientid}":
      node.clientIdentifier ??= makeNode()
      return node.clientIdentifier
    case "${username}":
      node.username ??= makeNode()
      return node.username
  }
  node.literals ??= new Map()
  let child = node.literals.get(level)
  if (child === undefined) {
    child = makeNode()
    node.literals.set(level, child)
  }
  return child
}

/** [ACL-5] */
const fillsLevel = (text: string | undefined): string | undefined =>
  text === undefined || text === "" || /[+#/]/.test(text) ? undefined : text

const maskOf = (rule: Rule): number => {
  let mask = 0
  for (const qos of [0, 1, 2] as const) {
    for (const retain of [false, true]) {
      if (isRetainAsked(rule, retain)) {
        if (isQosAsked(rule, qos) && isActionAsked(rule, "publish", retain)) mask |= 1 << publishBit(qos, retain)
        if (isQosAsked(rule, qos) && isActionAsked(rule, "will", retain)) mask |= 1 << willBit(qos, retain)
        if (isReadAsked(rule, qos) && isActionAsked(rule, "subscribe", false)) mask |= 1 << readBit(qos, retain)
      }
    }
    const isWhole = rule.effect === "allow" || rule.retain === undefined
    if (isWhole && isQosAsked(rule, qos) && isActionAsked(rule, "subscribe", false)) mask |= 1 << subscribeBit(qos)
  }
  return mask
}

const isRetainAsked = (rule: Rule, retain: boolean): boolean => rule.retain === undefined || rule.retain === retain

const isQosAsked = ({ qos }: Rule, asked: 0 | 1 | 2): boolean => qos === undefined || qos.includes(asked)

const isReadAsked = (rule: Rule, asked: 0 | 1 | 2): boolean =>
  rule.effect === "deny" || rule.qos === undefined ? isQosAsked(rule, asked) : Math.max(...rule.qos) >= asked

/** A rule for publish speaks for wills and retained messages as well; one for retained for retained wills. */
const isActionAsked = ({ actions }: Rule, action: RuleAction, retain: boolean): boolean => {
  if (actions === undefined || actions.includes(action)) return true
  if (action === "subscribe") return false
  return actions.includes("publish") || (retain && actions.includes("retained"))
}

const networksOf = ({ addresses }: Rule): BlockList | undefined => {
  if (addresses === undefined) return undefined
  const networks = new BlockList()
  for (const text of addresses) {
    const network = parseNetwork(text)
    if (network !== undefined) networks.addSubnet(network.address, network.prefixBits, network.family)
  }
  return networks
}

const isAbout = (
  rule: Rule,
  identity: Identity,
  address: string | undefined,
  networks: BlockList | undefined
): boolean => {
  const { clientIdentifiers, groups, listeners, users } = rule
  // "" is nobody: a client without a user name.
  if (users !== undefined && !users.includes(identity.username ?? "")) return false
  if (clientIdentifiers !== undefined && !clientIdentifiers.includes(identity.clientIdentifier)) return false
  const hasRest = groups !== undefined || networks !== undefined || listeners !== undefined
  if (hasRest && identity.isPartial === true) return rule.effect === "deny"
  if (groups !== undefined && identity.groups?.some((group) => groups.includes(group)) !== true) return false
  if (listeners !== undefined && !listeners.includes(identity.listener ?? "")) return false
  if (networks === undefined) return true
  return address !== undefined && networks.check(address, isIP(address) === 4 ? "ipv4" : "ipv6")
}

/** The IP address of "192.0.2.7:1234", "[2001:db8::1]:1234" or of either without a port; undefined for "unix:...". */
export const addressOf = (peer: string | undefined): string | undefined => {
  if (peer === undefined) return undefined
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(peer)?.[1]
  let address = bracketed ?? peer
  if (bracketed === undefined && isIP(address) === 0) address = peer.replace(/:\d+$/, "")
  address = address.replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.)/i, "")
  return isIP(address) === 0 ? undefined : address
}
