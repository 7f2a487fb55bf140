/**
 * DER, written: just what a certificate needs (X.690). Values in, bytes out; nothing is read.
 *
 *   tag (1)   length (1, or 0x80 + n and n bytes)   content
 */

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31
} as const

const CONSTRUCTED_CONTEXT = 0xa0
const CONTEXT = 0x80

export function sequence(...parts: ReadonlyArray<Buffer>): Buffer {
  return element(TAG.sequence, Buffer.concat(parts))
}

export function set(...parts: ReadonlyArray<Buffer>): Buffer {
  return element(TAG.set, Buffer.concat(parts))
}

export function boolean(value: boolean): Buffer {
  return element(TAG.boolean, Buffer.from([value ? 0xff : 0]))
}

/** A number that is not negative, as bytes with the highest first. */
export function integer(bytes: Buffer | number): Buffer {
  const raw = typeof bytes === "number" ? Buffer.from([bytes]) : bytes
  let start = 0
  while (start < raw.length - 1 && raw[start] === 0) start++
  const shortest = raw.subarray(start)
  const isNegative = ((shortest[0] ?? 0) & 0x80) !== 0
  return element(TAG.integer, isNegative ? Buffer.concat([Buffer.from([0]), shortest]) : shortest)
}

export function bitString(bytes: Buffer, unusedBits = 0): Buffer {
  return element(TAG.bitString, Buffer.concat([Buffer.from([unusedBits]), bytes]))
}

export function octetString(bytes: Buffer): Buffer {
  return element(TAG.octetString, bytes)
}

export function utf8String(text: string): Buffer {
  return element(TAG.utf8String, Buffer.from(text, "utf8"))
}

/** "2.5.4.3" */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...others] = dotted.split(".").map(Number)
  return element(TAG.objectIdentifier, Buffer.from([first * 40 + second, ...others.flatMap(base128)]))
}

/** Until 2049 with two digits of the year, from then on with four [RFC 5280, 4.1.2.5]. */
export function time(date: Date): Buffer {
  const digits = date.toISOString().replaceAll(/[-:T]|\.\d+/g, "")
  return date.getUTCFullYear() < 2050
    ? element(TAG.utcTime, Buffer.from(digits.slice(2), "latin1"))
    : element(TAG.generalizedTime, Buffer.from(digits, "latin1"))
}

/** [number] around whole elements. */
export function explicit(number: number, content: Buffer): Buffer {
  return element(CONSTRUCTED_CONTEXT | number, content)
}

/** [number] in place of the element's own tag. */
export function implicit(number: number, content: Buffer): Buffer {
  return element(CONTEXT | number, content)
}

function element(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), length(content.length), content])
}

function length(bytes: number): Buffer {
  if (bytes < 0x80) return Buffer.from([bytes])
  const digits: Array<number> = []
  for (let rest = bytes; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256)
  return Buffer.from([0x80 | digits.length, ...digits])
}

function base128(value: number): ReadonlyArray<number> {
  const digits = [value % 128]
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift((rest % 128) | 0x80)
  return digits
}
