/**
 * Integers as MQTT writes them, by offset.
 *
 * A Variable Byte Integer takes 1 to 4 bytes, 7 bits each, least significant group first, bit 7 set on all
 * but the last:
 *
 *   0 .. 127                    0xxxxxxx
 *   128 .. 16,383               1xxxxxxx 0xxxxxxx
 *   16,384 .. 2,097,151         1xxxxxxx 1xxxxxxx 0xxxxxxx
 *   2,097,152 .. 268,435,455    1xxxxxxx 1xxxxxxx 1xxxxxxx 0xxxxxxx
 *
 * The shortest form is the only one [MQTT-1.5.5-1], so a value tells the length of its encoding.
 */

export const variableByteIntegerMax = 268_435_455

/** The bytes are not a whole Variable Byte Integer: more are needed. */
export const integerCutOff = -1
/** The bytes are no Variable Byte Integer: over-long, or a fifth byte is announced. */
export const integerMalformed = -2

/** The value at `at`, or one of the two negative answers above. */
export function readVariableByteInteger(buffer: Buffer, at: number, end: number): number {
  if (at >= end) return integerCutOff
  let byte = buffer[at] as number
  if (byte < 0x80) return byte
  let value = byte & 0x7f
  for (let shift = 7; shift <= 21; shift += 7) {
    if (++at >= end) return integerCutOff
    byte = buffer[at] as number
    value |= (byte & 0x7f) << shift
    // A last byte of zero adds nothing: a shorter form exists.
    if (byte < 0x80) return byte === 0 ? integerMalformed : value
  }
  return integerMalformed
}

export function variableByteIntegerSize(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4
}

/** Writes the shortest form; answers the offset behind it. */
export function writeVariableByteInteger(target: Buffer, at: number, value: number): number {
  while (value >= 0x80) {
    target[at++] = (value & 0x7f) | 0x80
    value >>>= 7
  }
  target[at++] = value
  return at
}

export function readTwoBytes(buffer: Buffer, at: number): number {
  return ((buffer[at] as number) << 8) | (buffer[at + 1] as number)
}

export function readFourBytes(buffer: Buffer, at: number): number {
  // The sum keeps values above 2^31 positive.
  return (buffer[at] as number) * 0x100_0000 + (((buffer[at + 1] as number) << 16) | readTwoBytes(buffer, at + 2))
}

export function writeTwoBytes(target: Buffer, at: number, value: number): number {
  target[at] = value >>> 8
  target[at + 1] = value
  return at + 2
}

export function writeFourBytes(target: Buffer, at: number, value: number): number {
  target[at] = value >>> 24
  target[at + 1] = value >>> 16
  target[at + 2] = value >>> 8
  target[at + 3] = value
  return at + 4
}
