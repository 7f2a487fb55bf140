/**
 * Bytes that are not what the standard says a string is, and other things several chapters try.
 */

/** No UTF-8: cut off, overlong, surrogates, beyond U+10FFFF. */
export const illFormed: ReadonlyArray<Buffer> = [
  Buffer.from([0x61, 0xc3]),
  Buffer.from([0xc0, 0xaf]),
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from([0xed, 0xbf, 0xbf]),
  Buffer.from([0xf4, 0x90, 0x80, 0x80])
]

/** The first of them: for rules that are about where, not what. */
export const notUtf8 = illFormed[0] as Buffer

export const holdsNull = "a\0b"

/** PUBLISH with both QoS bits set: malformed in the eyes of every broker. */
export const malformed = Buffer.from([0x36, 0x06, 0x00, 0x01, 0x74, 0x00, 0x01, 0x00])

/** Text that a byte-preserving broker hands on unchanged: one to four bytes per character, a composed accent. */
export const widelyUtf8 = "a\u00e9e\u0301\u20ac\u{1d11e}"
