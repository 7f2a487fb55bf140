/**
 * Frames written by hand, readable: the notation in which the codec's tests give bytes.
 *
 *   32 "a/b" 0001 . 'hello'
 *
 *   first token   the first byte; the Remaining Length after it is computed
 *   0a1B          bytes in hexadecimal
 *   "text"        a string with its 2-byte length; \xNN stands for a byte
 *   'text'        the bytes of the text alone, likewise
 *   { ... }       a property section with its length (or anything else that has a Variable Byte Integer before it)
 *   .             an empty property section in 5.0, nothing in 3.x
 */
import type { ProtocolVersion } from "../../src/codec/codec.ts"
import { writeVariableByteInteger } from "../../src/codec/integers.ts"

export const frame = (notation: string, version: ProtocolVersion): Buffer => {
  const tokens = notation.match(/"[^"]*"|'[^']*'|[{}.]|[0-9a-fA-F]+/g) ?? []
  const first = Buffer.from(tokens.shift() ?? "", "hex")
  return Buffer.concat([first, lengthAndBytes(bytesOf(tokens, version))])
}

/** Bytes as they stand, no length computed: for frames whose fixed header is the point. */
export const raw = (notation: string): Buffer => bytesOf(notation.match(/"[^"]*"|'[^']*'|[{}]|[0-9a-fA-F]+/g) ?? [], 5)

const bytesOf = (tokens: Array<string>, version: ProtocolVersion): Buffer => {
  const parts: Array<Buffer> = []
  while (tokens.length > 0) {
    const token = tokens.shift() as string
    if (token === "}") break
    if (token === "{") parts.push(lengthAndBytes(bytesOf(tokens, version)))
    else if (token === ".") parts.push(Buffer.from(version === 5 ? [0] : []))
    else if (token.startsWith('"')) parts.push(string(textOf(token)))
    else if (token.startsWith("'")) parts.push(textOf(token))
    else parts.push(Buffer.from(token, "hex"))
  }
  return Buffer.concat(parts)
}

const textOf = (token: string): Buffer => {
  const parts = token.slice(1, -1).split(/\\x([0-9a-f]{2})/)
  return Buffer.concat(parts.map((part, i) => Buffer.from(part, i % 2 === 1 ? "hex" : "utf8")))
}

const string = (bytes: Buffer): Buffer => {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

const lengthAndBytes = (bytes: Buffer): Buffer => {
  const length = Buffer.alloc(4)
  return Buffer.concat([length.subarray(0, writeVariableByteInteger(length, 0, bytes.length)), bytes])
}
