/**
 * The few bytes of certificates and revocation lists that node does not tell: elements of DER, and distinguished names
 * in a form in which the same name is the same text.
 *
 *   element ::= tag 1 byte, length 1 byte below 0x80, or 0x80 + n and n bytes, content      X.690, 8.1
 *   Name    ::= SEQUENCE OF SET OF SEQUENCE { type OBJECT IDENTIFIER, value string }        RFC 5280, 4.1.2.4
 *
 * Invariants
 * - Nothing is read beyond the bytes: an element that does not lie within them is undefined.
 * - Names are compared as RFC 5280, 7.1 has it: upper and lower case are one, so are spaces, and so is the kind of string.
 *   A name that is not built like one is compared by its bytes.
 */

export const INTEGER = 0x02
export const SEQUENCE = 0x30
const SET = 0x31
const BMP_STRING = 0x1e

export interface DerElement {
  readonly tag: number
  /** Of the content. */
  readonly start: number
  readonly end: number
}

/** The element whose tag stands at `offset`; undefined when it does not lie within the bytes. */
export function elementAt(der: Buffer, offset: number): DerElement | undefined {
  const tag = der[offset]
  const first = der[offset + 1]
  if (tag === undefined || first === undefined) return undefined
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f
  const start = offset + 2 + lengthBytes
  if (lengthBytes > 4 || start > der.length) return undefined
  const length = lengthBytes === 0 ? first : der.readUIntBE(offset + 2, lengthBytes)
  return start + length <= der.length ? { tag, start, end: start + length } : undefined
}

/** Equal for names that are the same. */
export function nameKey(der: Buffer, name: DerElement): string {
  const parts: Array<string> = []
  for (let at = name.start; at < name.end; ) {
    const set = elementAt(der, at)
    const part = set?.tag === SET ? attributesOf(der, set) : undefined
    if (set === undefined || part === undefined) return der.toString("hex", name.start, name.end)
    parts.push(part)
    at = set.end
  }
  return JSON.stringify(parts)
}

function attributesOf(der: Buffer, set: DerElement): string | undefined {
  const attributes: Array<string> = []
  for (let at = set.start; at < set.end; ) {
    const pair = elementAt(der, at)
    const type = pair?.tag === SEQUENCE ? elementAt(der, pair.start) : undefined
    const value = type === undefined ? undefined : elementAt(der, type.end)
    if (pair === undefined || type === undefined || value === undefined) return undefined
    attributes.push(JSON.stringify([der.toString("hex", type.start, type.end), textOf(der, value)]))
    at = pair.end
  }
  return attributes.toSorted().join()
}

function textOf(der: Buffer, { end, start, tag }: DerElement): string {
  const bytes = der.subarray(start, end)
  const isWide = tag === BMP_STRING && bytes.length % 2 === 0
  const text = isWide ? Buffer.from(bytes).swap16().toString("utf16le") : bytes.toString("utf8")
  return text.trim().replaceAll(/\s+/g, " ").toLowerCase()
}
