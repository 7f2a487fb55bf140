/**
 * A tar archive of a few files in memory, in the ustar format of POSIX.
 *
 *   offset  size  field          offset  size  field
 *   0       100   name           148     8     checksum of the header, itself counted as spaces
 *   100     8     mode, octal    156     1     type, "0" = file
 *   108     8     owner          257     6     "ustar\0"
 *   116     8     group          263     2     "00"
 *   124     12    size, octal    512           the content, filled up to a multiple of 512
 *   136     12    time, octal    end           two blocks of zeros
 */

export interface TarEntry {
  /** Up to 100 bytes, with slashes. */
  readonly name: string
  readonly content: Buffer
}

const BLOCK_BYTES = 512
const NAME_BYTES_MAX = 100

export function tar(entries: ReadonlyArray<TarEntry>, wallClockMs: number): Buffer {
  const blocks = entries.flatMap(({ content, name }) => [
    header(name, content.length, wallClockMs),
    content,
    Buffer.alloc((BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES)
  ])
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK_BYTES)])
}

function header(name: string, sizeBytes: number, wallClockMs: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES)
  block.write(name.slice(0, NAME_BYTES_MAX), 0)
  const octal = (offset: number, width: number, value: number): void => {
    block.write(`${value.toString(8).padStart(width - 1, "0")}\0`, offset, "latin1")
  }
  octal(100, 8, 0o600)
  octal(108, 8, 0)
  octal(116, 8, 0)
  octal(124, 12, sizeBytes)
  octal(136, 12, Math.floor(wallClockMs / 1000))
  block.write(" ".repeat(8), 148, "latin1")
  block.write("0", 156, "latin1")
  block.write("ustar\0", 257, "latin1")
  block.write("00", 263, "latin1")
  let sum = 0
  for (const byte of block) sum += byte
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1")
  return block
}
