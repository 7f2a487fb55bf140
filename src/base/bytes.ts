/**
 * Questions about byte ranges, asked without making a string or a subarray.
 *
 * Every function takes a buffer and the half-open range [start, end), allocates nothing and never reads
 * outside the range. Offsets are trusted: who calls has checked them against the buffer.
 *
 *   hashBytes     hash of bytes, the same in every process (byte-hash.ts has one under keys)
 *   equalBytes    are two ranges the same bytes
 *   copyBytes     copy that is quick for short ranges too
 *   isMqttString  may these bytes stand in a UTF-8 Encoded String of MQTT
 *
 * UTF-8, as isMqttString judges it (Unicode 15, table 3-7; nothing else is well-formed):
 *
 *   01..7F                                        00 is refused [MQTT-1.5.4-2]
 *   C2..DF  80..BF                                C0, C1 would be over-long
 *   E0      A0..BF  80..BF                        80..9F would be over-long
 *   E1..EF  80..BF  80..BF                        except ED A0..BF: surrogates [MQTT-1.5.4-1]
 *   F0      90..BF  80..BF  80..BF                80..8F would be over-long
 *   F1..F3  80..BF  80..BF  80..BF
 *   F4      80..8F  80..BF  80..BF                90..BF would be above U+10FFFF
 */

/** Above this a call into native code is cheaper than a loop (measured: Buffer.copy and compare cost 45 ns a call). */
const loopBytesMax = 48

/**
 * A 32-bit hash (a signed integer, so that it stays unboxed). It does not resist chosen collisions: bound
 * what it indexes.
 */
export function hashBytes(buffer: Buffer, start: number, end: number): number {
  let hash = (end - start) | 0
  let at = start
  for (const last = end - 4; at <= last; at += 4) {
    const word =
      (buffer[at] as number) |
      ((buffer[at + 1] as number) << 8) |
      ((buffer[at + 2] as number) << 16) |
      ((buffer[at + 3] as number) << 24)
    hash = Math.imul(hash ^ word, 0x5bd1e995)
    hash ^= hash >>> 15
  }
  for (; at < end; at++) hash = Math.imul(hash ^ (buffer[at] as number), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b)
  return hash ^ (hash >>> 15)
}

export function equalBytes(a: Buffer, aStart: number, aEnd: number, b: Buffer, bStart: number): boolean {
  const bEnd = bStart + aEnd - aStart
  if (bEnd > b.length) return false
  if (aEnd - aStart > loopBytesMax) return a.compare(b, bStart, bEnd, aStart, aEnd) === 0
  // Backwards: topics of one family differ in their tails.
  for (let i = aEnd - 1, j = bEnd - 1; i >= aStart; i--, j--) if (a[i] !== b[j]) return false
  return true
}

/** Copies [start, end) of `source` to `target` at `at`; answers the offset behind the copy. */
export function copyBytes(target: Buffer, at: number, source: Buffer, start: number, end: number): number {
  if (end - start > loopBytesMax) source.copy(target, at, start, end)
  else for (let from = start, to = at; from < end; from++, to++) target[to] = source[from] as number
  return at + end - start
}

/**
 * Well-formed UTF-8 [MQTT-1.5.4-1] without U+0000 [MQTT-1.5.4-2]. A byte order mark is text like any other
 * [MQTT-1.5.4-3].
 */
export function isMqttString(buffer: Buffer, start: number, end: number): boolean {
  let at = start
  while (at < end) {
    const byte = buffer[at] as number
    if (byte < 0x80) {
      if (byte === 0) return false
      at++
      continue
    }
    const next = multiByteEnd(buffer, at, end)
    if (next < 0) return false
    at = next
  }
  return true
}

/** Offset behind the multi-byte character at `at`, or -1 when it is ill-formed or cut off. */
function multiByteEnd(buffer: Buffer, at: number, end: number): number {
  const lead = buffer[at] as number
  if (lead < 0xc2 || lead > 0xf4) return -1
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  if (end - at < length) return -1
  // Only the second byte's range depends on the lead byte: see the table above.
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
  const second = buffer[at + 1] as number
  if (second < lowest || second > highest) return -1
  for (let i = at + 2; i < at + length; i++) if (((buffer[i] as number) & 0xc0) !== 0x80) return -1
  return at + length
}
