/**
 * Small questions about filters of legal syntax, asked by the subscription tree at every node: where does
 * a level end, is it "+", how does the filter end, does the rest of a filter match the rest of a topic.
 *
 * Filters and topics are bytes here, but for `tailMatches`: the tree keeps no bytes of a filter whose
 * levels it has not laid out as nodes, only its text. Such texts are ASCII, so that one character is one
 * byte and columns are offsets.
 */
const SLASH = 0x2f
const DOLLAR = 0x24
const PLUS_SIGN = 0x2b
const NUMBER_SIGN = 0x23

export function endOfLevel(bytes: Buffer, start: number, end: number): number {
  let at = start
  while (at < end && bytes[at] !== SLASH) at++
  return at
}

export function isPlus(bytes: Buffer, start: number, end: number): boolean {
  return end - start === 1 && bytes[start] === PLUS_SIGN
}

/** In legal syntax a last byte "#" is the level "#", and a first byte "+" or "#" fills the first level. */
export function endsInHash(filter: Buffer, end: number): boolean {
  return filter[end - 1] === NUMBER_SIGN
}

export function beginsWithWildcard(filter: Buffer): boolean {
  return filter[0] === PLUS_SIGN || filter[0] === NUMBER_SIGN
}

/** A topic of the server's own, which wildcards in first place do not see. */
export function beginsWithDollar(topic: Buffer, start: number, end: number): boolean {
  return start < end && topic[start] === DOLLAR
}

/** Where the levels before a final "#" end; -1 when there are none. "/#" has one, an empty one. */
export function endOfPath(filter: Buffer, end: number): number {
  return endsInHash(filter, end) ? end - 2 : end
}

/**
 * Does the ASCII filter, from its level number `depth` on, match the topic from `start` on? `start` is where
 * the topic's level of the same number begins; both have that level, and it is not the first.
 */
export function tailMatches(filter: string, depth: number, topic: Buffer, start: number, end: number): boolean {
  let at = startOfLevel(filter, depth)
  let from = start
  for (;;) {
    const character = filter.charCodeAt(at)
    if (character === NUMBER_SIGN) return true
    if (character === PLUS_SIGN) {
      at++
      from = endOfLevel(topic, from, end)
    } else {
      while (at < filter.length && from < end && filter.charCodeAt(at) === topic[from] && topic[from] !== SLASH) {
        at++
        from++
      }
    }
    if (at < filter.length && filter.charCodeAt(at) !== SLASH) return false
    if (from < end && topic[from] !== SLASH) return false
    // Both stand at the end of a level; "a/#" matches its parent "a" too.
    if (from === end) return at === filter.length || filter.charCodeAt(at + 1) === NUMBER_SIGN
    if (at === filter.length) return false
    at++
    from++
  }
}

function startOfLevel(filter: string, depth: number): number {
  let at = 0
  for (let level = 0; level < depth; level++) at = filter.indexOf("/", at) + 1
  return at
}
