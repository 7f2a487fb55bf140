/**
 * Payloads that can be judged from themselves: a number, and bytes that follow from the number. A wrong byte, a payload
 * of another message or a cut one is seen without remembering anything.
 *
 *   0  4  number, big-endian
 *   4  n  filler, a stretch of a fixed pattern; where and how long follows from the number
 */
const headBytes = 4
const largeEvery = 61
const largeBytes = 6000
const hugeEvery = 997
const hugeBytes = 150_000
const pattern = Buffer.from(Uint8Array.from({ length: hugeBytes + 256 }, (_, i) => (i * 7 + (i >> 8) * 13) & 0xff))

export function payloadOf(number: number): Buffer {
  const head = Buffer.alloc(headBytes)
  head.writeUInt32BE(number)
  return Buffer.concat([head, fillerOf(number)])
}

/** The number, or -1 when the payload is not one that was ever written. */
export function numberOf(payload: Buffer): number {
  if (payload.length < headBytes) return -1
  const number = payload.readUInt32BE(0)
  return payload.subarray(headBytes).equals(fillerOf(number)) ? number : -1
}

function fillerOf(number: number): Buffer {
  const length = number % hugeEvery === 0 ? hugeBytes : number % largeEvery === 0 ? largeBytes : (number * 37) % 250
  const from = (number * 31) & 0xff
  return pattern.subarray(from, from + length)
}
