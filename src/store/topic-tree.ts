/**
 * Topics with a value each, found by wildcard filter: under a budget, in a stable order, resumable.
 *
 * The tree is not made of one node per level: a topic of 65,535 levels would then cost megabytes for its
 * 64 KiB. Topics lie in one sorted list of keys, cut into leaves (a B+ tree of two floors), and a key is
 * the topic with every "/" replaced by U+0000, which no topic contains [MQTT-1.5.4-2] and which sorts
 * below every other character. Hence plain string order is the order of a walk level by level, and a
 * subtree is a run of neighbours.
 *
 * A walk looks at one key at a time: it matches, or it tells the smallest key that could match next, and
 * the walk jumps there. `sensor/+/state` touches one key per sensor, not the sensor's other topics.
 *
 * Invariants
 * - keys ascend within a leaf and over all leaves; no leaf is empty; keys and values run in parallel.
 * - a walk never judges more keys than its budget allows; a long key counts as more than one.
 * - the order depends on the topics alone, so a walk can be resumed after any topic, even one removed.
 *
 * Deliberately elsewhere: which values are alive (expiry), and who may read them.
 */
const separator = "\u0000"
/** Smallest character that may follow a level's text other than the separator. */
const afterSeparator = "\u0001"
/** First string above every topic that begins with "$". */
const afterDollar = "%"
const leafKeysMax = 256
/** Judging a key costs its length: every so many characters count as one more visit. */
const charactersPerVisit = 64

export class TopicTree<V> {
  /** Keys judged since the tree was made, long ones counted several times. */
  visits = 0
  #size = 0
  readonly #leaves: Array<Leaf<V>> = []
  /** The topic sought last, while nothing was put in or taken out since. */
  #sought: string | undefined = undefined
  #key = ""
  #leafIndex = 0
  #index = 0

  get size(): number {
    return this.#size
  }

  get(topic: string): V | undefined {
    this.#seek(topic)
    const leaf = this.#leaves[this.#leafIndex]
    return leaf?.keys[this.#index] === this.#key ? leaf?.values[this.#index] : undefined
  }

  /** Answers the value that was there before. */
  set(topic: string, value: V): V | undefined {
    this.#seek(topic)
    const key = this.#key
    const leafIndex = this.#leafIndex
    const leaf = this.#leaves[leafIndex]
    if (leaf === undefined) {
      this.#sought = undefined
      this.#leaves.push({ keys: [key], values: [value] })
      this.#size = 1
      return undefined
    }
    const index = this.#index
    if (leaf.keys[index] === key) {
      const previous = leaf.values[index]
      leaf.values[index] = value
      return previous
    }
    this.#sought = undefined
    leaf.keys.splice(index, 0, key)
    leaf.values.splice(index, 0, value)
    this.#size++
    if (leaf.keys.length > leafKeysMax) this.#split(leafIndex, leaf, index)
    return undefined
  }

  /** Answers the value that was removed. */
  delete(topic: string): V | undefined {
    this.#seek(topic)
    const leafIndex = this.#leafIndex
    const leaf = this.#leaves[leafIndex]
    const index = this.#index
    if (leaf?.keys[index] !== this.#key) return undefined
    this.#sought = undefined
    const previous = leaf.values[index]
    leaf.keys.splice(index, 1)
    leaf.values.splice(index, 1)
    this.#size--
    this.#join(leafIndex, leaf)
    return previous
  }

  /** Visits every value whose topic matches. False: the budget ran out first, given up. `visit` must not change the tree. */
  walk(filter: string, budget: number, visit: (value: V) => void): boolean {
    return this.scan(filter, undefined, Number.POSITIVE_INFINITY, budget, visit) === undefined
  }

  /**
   * Visits matching values strictly after the topic `after`, at most `limit` of them and within the
   * budget (both at least 1). Answers the topic to go on after, undefined when nothing can follow.
   */
  scan(
    filter: string,
    after: string | undefined,
    limit: number,
    budget: number,
    visit: (value: V) => void
  ): string | undefined {
    const pattern = compile(filter)
    const from = after === undefined ? pattern.prefix : nextKey(toKey(after))
    let leafIndex = this.#leafOf(from)
    let leaf = this.#leaves[leafIndex]
    let index = leaf === undefined ? 0 : lowerBound(leaf.keys, from)
    let taken = 0
    let spent = 0
    let judged = ""
    while (leaf !== undefined) {
      const key = leaf.keys[index]
      if (key === undefined) {
        leaf = this.#leaves[++leafIndex]
        index = 0
        continue
      }
      if (judged !== "" && (taken >= limit || spent >= budget)) return toTopic(judged)
      const cost = 1 + Math.trunc(key.length / charactersPerVisit)
      spent += cost
      this.visits += cost
      judged = key
      const next = judge(key, pattern)
      if (next === noneFollows) return undefined
      if (next === undefined) {
        visit(leaf.values[index] as V)
        taken++
      }
      index++
      if (next === undefined || index >= leaf.keys.length || (leaf.keys[index] as string) >= next) continue
      leafIndex = this.#leafOf(next)
      leaf = this.#leaves[leafIndex] as Leaf<V>
      index = lowerBound(leaf.keys, next)
    }
    return undefined
  }

  /** Where the topic stands or would stand. Who asks for a topic changes it next: what was found is kept until then. */
  #seek(topic: string): void {
    if (this.#sought === topic) return
    this.#sought = topic
    this.#key = toKey(topic)
    this.#leafIndex = this.#leafOf(this.#key)
    const leaf = this.#leaves[this.#leafIndex]
    this.#index = leaf === undefined ? 0 : lowerBound(leaf.keys, this.#key)
  }

  /** Index of the last leaf whose first key is <= key, 0 when there is none. */
  #leafOf(key: string): number {
    let low = 0
    let high = this.#leaves.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (((this.#leaves[middle] as Leaf<V>).keys[0] as string) <= key) low = middle + 1
      else high = middle
    }
    return low === 0 ? 0 : low - 1
  }

  #split(leafIndex: number, leaf: Leaf<V>, insertedAt: number): void {
    // Topics that arrive in ascending order fill their leaves instead of leaving them half empty.
    const isAppend = leafIndex === this.#leaves.length - 1 && insertedAt === leaf.keys.length - 1
    const at = isAppend ? insertedAt : leaf.keys.length >>> 1
    this.#leaves.splice(leafIndex + 1, 0, { keys: leaf.keys.splice(at), values: leaf.values.splice(at) })
  }

  #join(leafIndex: number, leaf: Leaf<V>): void {
    if (leaf.keys.length === 0) {
      this.#leaves.splice(leafIndex, 1)
      return
    }
    const following = this.#leaves[leafIndex + 1]
    if (following === undefined || leaf.keys.length + following.keys.length > leafKeysMax >>> 1) return
    for (const key of following.keys) leaf.keys.push(key)
    for (const value of following.values) leaf.values.push(value)
    this.#leaves.splice(leafIndex + 1, 1)
  }
}

interface Leaf<V> {
  readonly keys: Array<string>
  readonly values: Array<V>
}

/** First index whose key is not below `key`. */
function lowerBound(keys: ReadonlyArray<string>, key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((keys[middle] as string) < key) low = middle + 1
    else high = middle
  }
  return low
}

function toKey(topic: string): string {
  return topic.replaceAll("/", separator)
}

function toTopic(key: string): string {
  return key.replaceAll(separator, "/")
}

/** Smallest string above `key`: its first child. */
function nextKey(key: string): string {
  return key + separator
}

interface Pattern {
  readonly levels: ReadonlyArray<string>
  /** Every matching key is at or above this: the levels before the first wildcard. */
  readonly prefix: string
  readonly beginsWithWildcard: boolean
}

function compile(filter: string): Pattern {
  const levels = filter.split("/")
  const first = levels.findIndex((level) => level === "+" || level === "#")
  const prefix = (first === -1 ? levels : levels.slice(0, first)).join(separator)
  return { levels, prefix, beginsWithWildcard: first === 0 }
}

/** Said by judge() when no key above the judged one can match. No seek target is empty. */
const noneFollows = ""

/** Undefined: the key matches. Else the smallest key above it that could, or `noneFollows`. Iterative: levels do not recurse. */
function judge(key: string, pattern: Pattern): string | undefined {
  // A filter that begins with a wildcard does not match topics that begin with "$" [MQTT-4.7.2-1].
  if (pattern.beginsWithWildcard && key.startsWith("$")) return afterDollar
  let start = 0
  let lastPlusEnd = -1
  for (const level of pattern.levels) {
    if (level === "#") return undefined
    // The key ends above this level: its first descendant that has the level.
    if (start > key.length) return key + separator + (level === "+" ? "" : level)
    const separatorAt = key.indexOf(separator, start)
    const end = separatorAt === -1 ? key.length : separatorAt
    if (level === "+") {
      lastPlusEnd = end
    } else {
      const text = key.slice(start, end)
      if (text < level) return key.slice(0, start) + level
      if (text > level) return afterSubtree(key, lastPlusEnd)
    }
    start = end + 1
  }
  // The key goes on below the filter's last level.
  return start <= key.length ? afterSubtree(key, lastPlusEnd) : undefined
}

/** What follows the subtree of the last "+": the next value for that level. Without one, nothing can. */
function afterSubtree(key: string, lastPlusEnd: number): string {
  return lastPlusEnd === -1 ? noneFollows : key.slice(0, lastPlusEnd) + afterSeparator
}
