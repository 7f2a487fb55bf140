/**
 * A tar archive of small texts (POSIX ustar), for the support bundle. Plain; packed by the browser's own gzip.
 *
 *   offset  length  content of a header, 512 bytes
 *        0     100  name
 *      100      24  mode, owner, group (octal)
 *      124      12  size (octal)
 *      136      12  seconds since 1970 (octal)
 *      148       8  sum of the header's bytes, this field as spaces
 *      156       1  "0": a file
 *      257       8  "ustar", version 00
 */
const BLOCK = 512
const encoder = new TextEncoder()

export interface ArchiveEntry {
  readonly name: string
  readonly content: string
}

export const tarOf = (entries: ReadonlyArray<ArchiveEntry>, nowMs: number): Uint8Array<ArrayBuffer> => {
  const parts = entries.flatMap(({ content, name }) => {
    const bytes = encoder.encode(content)
    const padded = new Uint8Array(Math.ceil(bytes.length / BLOCK) * BLOCK)
    padded.set(bytes)
    return [headerOf(name, bytes.length, nowMs), padded]
  })
  parts.push(new Uint8Array(2 * BLOCK))
  const archive = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    archive.set(part, at)
    at += part.length
  }
  return archive
}

const headerOf = (name: string, sizeBytes: number, nowMs: number): Uint8Array => {
  const header = new Uint8Array(BLOCK)
  const write = (at: number, text: string): void => header.set(encoder.encode(text), at)
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, "0")}\0`
  write(0, name.slice(0, 99))
  write(100, octal(0o600, 7) + octal(0, 7) + octal(0, 7))
  write(124, octal(sizeBytes, 11))
  write(136, octal(Math.floor(nowMs / 1000), 11))
  write(148, " ".repeat(8))
  write(156, "0")
  write(257, "ustar\u000000")
  // [DASH-12] Readers refuse a header whose sum is another.
  const sum = header.reduce((before, byte) => before + byte, 0)
  write(148, `${sum.toString(8).padStart(6, "0")}\0 `)
  return header
}
