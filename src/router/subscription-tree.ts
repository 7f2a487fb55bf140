/**
 * The tree of topic filters: which filter ids match a topic? Works on bytes and small integers; a
 * filter's object lives in tree-router.ts, which lends its text by id.
 *
 * Nodes are records of six Int32 in one array (24 bytes per node, no object, no Map):
 *
 *   PARENT       node above; of a free node: the next free node
 *   LEVEL        id of the literal level (level-table.ts) on the edge from the parent, 0 on a "+" edge
 *   FILTER       id of the filter that ends here, or NONE
 *   HASH_FILTER  id of the filter that ends in "#" one level below here, or NONE; or TAIL
 *   PLUS         the child behind "+", or ROOT when there is none
 *   CHILDREN     number of literal children
 *
 * A literal child is found by (parent, level) in one open table for the whole tree. "#" has no node: it
 * can only be last. TAIL marks a leaf whose one FILTER goes on below, in levels for which no nodes were
 * made, since no other filter shares them ("dev/7/+/state" alone below "dev/7" costs one node instead of
 * three). The second filter to come by pushes the tail one level down. Only ASCII filters have tails.
 *
 * Invariants
 * - Every node but the root has a filter, a "#" filter or a child: removal prunes upwards.
 * - A TAIL node has a filter and no children.
 * - Matching walks level by level over a frontier of nodes. It does not recurse (65,535 levels are
 *   legal), and the frontier is never wider than the tree is at that depth.
 * - So one match visits at most (filters + 1) x levels of the topic nodes: test/attacks/cost.test.ts counts them.
 * - Arrays grow by doubling and never shrink; freed nodes are reused.
 */
import { assert } from "../base/assert.ts"
import { ByteHash } from "../base/byte-hash.ts"
import { beginsWithDollar, endOfLevel, endOfPath, endsInHash, isPlus, tailMatches } from "./filter-bytes.ts"
import { LevelTable } from "./level-table.ts"
import { OpenTable } from "./open-table.ts"

export class SubscriptionTree {
  /** Filter ids of the last `match`, in [0, its result); in no order. */
  matchedIds = new Int32Array(SCRATCH_MIN)
  private readonly levels: LevelTable
  private readonly edges = new OpenTable((node) => this.edgeHashOf(node))
  private nodes = new Int32Array(NODES_MIN * NODE_FIELDS)
  private nodesUsed = 1
  private freeNode = ROOT
  private freeNodes = 0
  private frontier = new Int32Array(SCRATCH_MIN)
  private nextFrontier = new Int32Array(SCRATCH_MIN)

  private readonly textOf: (id: number) => string
  /** Secret: levels of filters cannot be chosen so that edges collide. */
  private readonly parentMultiplier: number
  private readonly levelMultiplier: number
  private matchedCount = 0

  constructor(textOf: (id: number) => string, hash: ByteHash = new ByteHash()) {
    this.textOf = textOf
    this.levels = new LevelTable(hash)
    this.parentMultiplier = hash.multiplier(0)
    this.levelMultiplier = hash.multiplier(1)
    this.nodes[ROOT + FILTER] = NONE
    this.nodes[ROOT + HASH_FILTER] = NONE
  }

  /** Nodes and distinct levels in use; an empty tree has its root. */
  get size(): { readonly nodes: number; readonly levels: number } {
    return { nodes: this.nodesUsed - this.freeNodes, levels: this.levels.size }
  }

  /** Collects the ids of all filters that match the topic bytes[start, end); answers how many. */
  match(bytes: Buffer, start: number, end: number): number {
    // Wildcards in first place do not see the server's own topics [MQTT-4.7.2-1].
    let wildcards = !beginsWithDollar(bytes, start, end)
    let width = 1
    this.matchedCount = 0
    this.frontier[0] = ROOT
    for (let levelStart = start, depth = 1; ; depth++) {
      const levelEnd = endOfLevel(bytes, levelStart, end)
      const level = this.levels.find(bytes, levelStart, levelEnd)
      if (wildcards) this.collect(HASH_FILTER, width)
      width = this.advance(width, level, wildcards)
      width = this.matchTails(width, depth, bytes, levelEnd + 1, end)
      if (width === 0) return this.matchedCount
      if (levelEnd === end) break
      levelStart = levelEnd + 1
      wildcards = true
    }
    this.collect(FILTER, width)
    this.collect(HASH_FILTER, width) // "a/#" matches its parent "a" too
    return this.matchedCount
  }

  /** The id set for exactly this filter, or -1. `bytes` hold its text, up to `end`. */
  get(text: string, bytes: Buffer, end: number): number {
    const seat = this.seatOf(text, bytes, end)
    return seat < 0 ? NONE : (this.nodes[seat] as number)
  }

  /** Puts the filter (legal syntax, not in the tree) into the tree; its text is lent from now on. */
  set(text: string, bytes: Buffer, end: number, id: number): void {
    const pathEnd = endOfPath(bytes, end)
    const isAscii = text.length === end
    let node = ROOT
    for (let levelStart = 0; levelStart <= pathEnd; ) {
      const levelEnd = endOfLevel(bytes, levelStart, pathEnd)
      node = this.makeChild(node, bytes, levelStart, levelEnd)
      if (isAscii && levelEnd < pathEnd && this.isBarren(node)) {
        this.setTail(node, id)
        return
      }
      // The filter in the tail has the same levels up to here, hence the same offset.
      if (this.nodes[node + HASH_FILTER] === TAIL) this.expandTail(node, levelEnd)
      levelStart = levelEnd + 1
    }
    const seat = node + (endsInHash(bytes, end) ? HASH_FILTER : FILTER)
    assert(this.nodes[seat] === NONE, "a filter is put into the tree twice")
    this.nodes[seat] = id
  }

  /** Takes the filter out of the tree, with all nodes that only it needed. */
  remove(text: string, bytes: Buffer, end: number): void {
    const seat = this.seatOf(text, bytes, end)
    assert(seat >= 0 && this.nodes[seat] !== NONE, "a filter is taken out of the tree that is not in it")
    this.nodes[seat] = NONE
    let node = seat - (seat % NODE_FIELDS)
    if (this.nodes[node + HASH_FILTER] === TAIL) this.nodes[node + HASH_FILTER] = NONE
    while (node !== ROOT && this.isBarren(node)) node = this.unlink(node)
  }

  /** Appends the ids that the frontier's nodes hold in `field`. */
  private collect(field: number, width: number): void {
    for (let i = 0; i < width; i++) {
      const id = this.nodes[(this.frontier[i] as number) + field] as number
      if (id !== NONE) this.append(id)
    }
  }

  private append(id: number): void {
    if (this.matchedCount === this.matchedIds.length) this.matchedIds = enlarged(this.matchedIds, 0)
    this.matchedIds[this.matchedCount++] = id
  }

  /** Moves the frontier one level down; answers its new width. */
  private advance(width: number, level: number, wildcards: boolean): number {
    if (width * 2 > this.nextFrontier.length) this.nextFrontier = enlarged(this.nextFrontier, width * 2)
    const { nodes, frontier, nextFrontier } = this
    let nextWidth = 0
    for (let i = 0; i < width; i++) {
      const node = frontier[i] as number
      const plus = nodes[node + PLUS] as number
      if (wildcards && plus !== ROOT) nextFrontier[nextWidth++] = plus
      if (level === 0 || nodes[node + CHILDREN] === 0) continue
      const child = this.childOf(node, level)
      if (child !== ROOT) nextFrontier[nextWidth++] = child
    }
    this.frontier = nextFrontier
    this.nextFrontier = frontier
    return nextWidth
  }

  /** Judges the frontier's tails against the topic from `start` on and takes them out of the frontier. */
  private matchTails(width: number, depth: number, topic: Buffer, start: number, end: number): number {
    const { nodes, frontier } = this
    let kept = 0
    for (let i = 0; i < width; i++) {
      const node = frontier[i] as number
      if (nodes[node + HASH_FILTER] !== TAIL) {
        frontier[kept++] = node
        continue
      }
      const id = nodes[node + FILTER] as number
      // A topic that ends here has no level for the tail, which begins with a level that is not "#".
      if (start <= end && tailMatches(this.textOf(id), depth, topic, start, end)) this.append(id)
    }
    return kept
  }

  /** The literal child, or ROOT when there is none. */
  private childOf(parent: number, level: number): number {
    const { nodes } = this
    const { slots, mask } = this.edges
    let number: number
    for (
      let slot = this.edgeHash(parent, level) & mask;
      (number = slots[slot] as number) !== 0;
      slot = (slot + 1) & mask
    ) {
      const node = number * NODE_FIELDS
      if (nodes[node + PARENT] === parent && nodes[node + LEVEL] === level) return node
    }
    return ROOT
  }

  /** The index in `nodes` where the filter's id stands or would stand, or -1 when its path is not there. */
  private seatOf(text: string, bytes: Buffer, end: number): number {
    const pathEnd = endOfPath(bytes, end)
    let node = ROOT
    for (let levelStart = 0; levelStart <= pathEnd; ) {
      const levelEnd = endOfLevel(bytes, levelStart, pathEnd)
      node = this.findChild(node, bytes, levelStart, levelEnd)
      if (node === ROOT) return -1
      if (this.nodes[node + HASH_FILTER] === TAIL) {
        return this.textOf(this.nodes[node + FILTER] as number) === text ? node + FILTER : -1
      }
      levelStart = levelEnd + 1
    }
    return node + (endsInHash(bytes, end) ? HASH_FILTER : FILTER)
  }

  /** The child behind a level of a filter, literal or "+"; ROOT when there is none. */
  private findChild(parent: number, bytes: Buffer, start: number, end: number): number {
    if (isPlus(bytes, start, end)) return this.nodes[parent + PLUS] as number
    const level = this.levels.find(bytes, start, end)
    return level === 0 ? ROOT : this.childOf(parent, level)
  }

  /** The same, made when it is not there. */
  private makeChild(parent: number, bytes: Buffer, start: number, end: number): number {
    const found = this.findChild(parent, bytes, start, end)
    if (found !== ROOT) return found
    if (isPlus(bytes, start, end)) {
      const node = this.makeNode(parent, 0)
      this.nodes[parent + PLUS] = node
      return node
    }
    const node = this.makeNode(parent, this.levels.acquire(bytes, start, end))
    this.edges.insert(node / NODE_FIELDS)
    this.nodes[parent + CHILDREN] = (this.nodes[parent + CHILDREN] as number) + 1
    return node
  }

  private setTail(node: number, id: number): void {
    this.nodes[node + FILTER] = id
    this.nodes[node + HASH_FILTER] = TAIL
  }

  /** Lays out one level of the tail that begins behind `pathEnd`, so that another filter can pass. */
  private expandTail(node: number, pathEnd: number): void {
    const id = this.nodes[node + FILTER] as number
    const text = this.textOf(id)
    const levelStart = pathEnd + 1
    const slashAt = text.indexOf("/", levelStart)
    const levelEnd = slashAt < 0 ? text.length : slashAt
    const level = Buffer.from(text.slice(levelStart, levelEnd), "latin1")
    this.nodes[node + FILTER] = NONE
    this.nodes[node + HASH_FILTER] = NONE
    const child = this.makeChild(node, level, 0, level.length)
    if (levelEnd === text.length) this.nodes[child + FILTER] = id
    else if (levelEnd === text.length - 2 && text.endsWith("#")) this.nodes[child + HASH_FILTER] = id
    else this.setTail(child, id)
  }

  private makeNode(parent: number, level: number): number {
    let node = this.freeNode
    if (node !== ROOT) {
      this.freeNode = this.nodes[node + PARENT] as number
      this.freeNodes--
    } else {
      node = this.nodesUsed++ * NODE_FIELDS
      if (node >= this.nodes.length) this.nodes = enlarged(this.nodes, node + NODE_FIELDS)
    }
    this.nodes[node + PARENT] = parent
    this.nodes[node + LEVEL] = level
    this.nodes[node + FILTER] = NONE
    this.nodes[node + HASH_FILTER] = NONE
    this.nodes[node + PLUS] = ROOT
    this.nodes[node + CHILDREN] = 0
    return node
  }

  private isBarren(node: number): boolean {
    const { nodes } = this
    const hasFilter = nodes[node + FILTER] !== NONE || nodes[node + HASH_FILTER] !== NONE
    return !hasFilter && nodes[node + PLUS] === ROOT && nodes[node + CHILDREN] === 0
  }

  /** Frees the node and answers its parent. */
  private unlink(node: number): number {
    const parent = this.nodes[node + PARENT] as number
    const level = this.nodes[node + LEVEL] as number
    if (level === 0) {
      this.nodes[parent + PLUS] = ROOT
    } else {
      this.edges.remove(node / NODE_FIELDS)
      this.nodes[parent + CHILDREN] = (this.nodes[parent + CHILDREN] as number) - 1
      this.levels.release(level)
    }
    this.nodes[node + PARENT] = this.freeNode
    this.freeNode = node
    this.freeNodes++
    return parent
  }

  private edgeHashOf(number: number): number {
    const node = number * NODE_FIELDS
    return this.edgeHash(this.nodes[node + PARENT] as number, this.nodes[node + LEVEL] as number)
  }

  private edgeHash(parent: number, level: number): number {
    const mixed = Math.imul(Math.imul(parent, this.parentMultiplier) ^ level, this.levelMultiplier)
    return mixed ^ (mixed >>> 15)
  }
}

const PARENT = 0
const LEVEL = 1
const FILTER = 2
const HASH_FILTER = 3
const PLUS = 4
const CHILDREN = 5
const NODE_FIELDS = 6

/** A node is named by the index of its record, so that a field is one addition away. */
const ROOT = 0
const NONE = -1
const TAIL = -2
const NODES_MIN = 64
const SCRATCH_MIN = 64

/** Transfers rather than copies: the old memory is given back at once, not by the next collection. */
function enlarged(from: Int32Array<ArrayBuffer>, sizeMin: number): Int32Array<ArrayBuffer> {
  const size = Math.max(from.length * 2, sizeMin)
  return new Int32Array(from.buffer.transfer(size * Int32Array.BYTES_PER_ELEMENT))
}
