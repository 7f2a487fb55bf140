/**
 * The header of the PROXY protocol, versions 1 and 2: what a proxy says about the client behind it, before the
 * client's own first byte. Plain: bytes in, a value out.
 *
 *   version 1   "PROXY TCP4 192.0.2.1 192.0.2.9 56324 1883\r\n", at most 107 bytes; TCP6; UNKNOWN
 *   version 2   0-11  0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A
 *               12    version 2 in the high half; command in the low one: 0 LOCAL, 1 PROXY
 *               13    family in the high half (1 IPv4, 2 IPv6, 3 unix, 0 unspecified), transport in the low one
 *               14-15 length of what follows
 *               16-   addresses, then TLVs: type (1), length (2), value
 *   TLV 0x03    CRC-32C of the header with these four bytes as zero: has to be right where it is there
 *   TLV 0x20    TLS: client bits (1), verify (4; 0 = verified), TLVs of its own: 0x22 is the subject's common name
 *
 * Invariants
 * - A header that is not exactly as the specification says is refused: lengths that reach beyond their frame, numbers
 *   with leading zeros, control characters in a name. What a name may do in logs and rules nobody has to wonder later.
 * - At most HEADER_BYTES_MAX are held for a header.
 */
import { isIPv4, isIPv6 } from "node:net"

export const HEADER_BYTES_MAX = 4096
const V1_BYTES_MAX = 107
const V2_START = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])
const V1_START = Buffer.from("PROXY ", "latin1")

export interface ProxyHeader {
  /** Length of the header: the client's bytes begin behind it. */
  readonly bytes: number
  /** Absent: the proxy speaks for itself (health checks), or does not know. */
  readonly source?: { readonly host: string; readonly port: number } | undefined
  /** Common name of the client's certificate, which the proxy has verified. */
  readonly commonName?: string | undefined
}

/** Undefined = more bytes are needed; a text = what is wrong. */
export function readProxyHeader(buffer: Buffer): ProxyHeader | string | undefined {
  const isV2 = startsLike(buffer, V2_START)
  if (isV2) return buffer.length < 16 ? undefined : readV2(buffer)
  if (startsLike(buffer, V1_START)) return readV1(buffer)
  return "no PROXY header"
}

function startsLike(buffer: Buffer, start: Buffer): boolean {
  const length = Math.min(buffer.length, start.length)
  return length > 0 && buffer.compare(start, 0, length, 0, length) === 0
}

function readV1(buffer: Buffer): ProxyHeader | string | undefined {
  const end = buffer.subarray(0, V1_BYTES_MAX).indexOf("\r\n", 0, "latin1")
  if (end === -1) return buffer.length < V1_BYTES_MAX ? undefined : "a PROXY line longer than 107 bytes"
  const bytes = end + 2
  const line = buffer.toString("latin1", 0, end)
  if (line === "PROXY UNKNOWN" || line.startsWith("PROXY UNKNOWN ")) return { bytes }
  const match = /^PROXY TCP([46]) (\S+) (\S+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/.exec(line)
  if (match === null) return "a malformed PROXY line"
  const [, family, host = "", target = "", port, targetPort] = match
  const isAddress = family === "4" ? isIPv4 : isIPv6
  if (!isAddress(host) || !isAddress(target)) return "a PROXY line with a malformed address"
  if (Number(port) > 65_535 || Number(targetPort) > 65_535) return "a PROXY line with a malformed port"
  return { bytes, source: { host, port: Number(port) } }
}

const FAMILY_BYTES = [0, 12, 36, 216] as const
const COMMAND_LOCAL = 0
const COMMAND_PROXY = 1

function readV2(buffer: Buffer): ProxyHeader | string | undefined {
  const command = (buffer[12] as number) & 15
  if ((buffer[12] as number) >> 4 !== 2 || command > COMMAND_PROXY) return "a PROXY header of an unknown version"
  const bytes = 16 + buffer.readUInt16BE(14)
  if (bytes > HEADER_BYTES_MAX) return `a PROXY header longer than ${HEADER_BYTES_MAX} bytes`
  if (buffer.length < bytes) return undefined
  const header = buffer.subarray(0, bytes)
  const family = (buffer[13] as number) >> 4
  const protocol = (buffer[13] as number) & 15
  const addressBytes = FAMILY_BYTES[family]
  if (addressBytes === undefined || protocol > 2) return "a PROXY header with an unknown family"
  if (command === COMMAND_LOCAL) return { bytes }
  if (protocol === 2) return "a PROXY header for datagrams"
  const tlvStart = 16 + addressBytes
  if (tlvStart > bytes) return "a PROXY header shorter than its addresses"
  const facts = readTlvs(header, tlvStart)
  if (typeof facts === "string") return facts
  return { bytes, source: sourceOf(header, family), ...facts }
}

function sourceOf(header: Buffer, family: number): ProxyHeader["source"] {
  if (family === 1) return { host: header.subarray(16, 20).join("."), port: header.readUInt16BE(24) }
  if (family !== 2) return undefined
  const groups = Array.from({ length: 8 }, (_, index) => header.readUInt16BE(16 + 2 * index).toString(16))
  // In the short form that sockets have, so that rules and bans see one spelling.
  return { host: new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1), port: header.readUInt16BE(48) }
}

const TLV_CRC32C = 0x03
const TLV_SSL = 0x20
const TLV_SSL_COMMON_NAME = 0x22
/** The client came over TLS, and showed a certificate in this connection or in the session it resumed. */
const CLIENT_SSL = 1
const CLIENT_CERTIFICATE = 2 | 4

function readTlvs(header: Buffer, start: number): { commonName?: string } | string {
  let commonName: string | undefined
  for (let at = start; at < header.length; ) {
    const value = valueAt(header, at)
    if (value === undefined) return "a PROXY header with a cut off TLV"
    const type = header[at] as number
    if (type === TLV_CRC32C && !isChecksumRight(header, at + 3, value)) return "a PROXY header with a wrong checksum"
    if (type === TLV_SSL) {
      const found = commonNameOf(value)
      if (found !== undefined && !("name" in found)) return found.why
      commonName = found?.name
    }
    at += 3 + value.length
  }
  return commonName === undefined ? {} : { commonName }
}

function valueAt(bytes: Buffer, at: number): Buffer | undefined {
  if (at + 3 > bytes.length) return undefined
  const end = at + 3 + bytes.readUInt16BE(at + 1)
  return end > bytes.length ? undefined : bytes.subarray(at + 3, end)
}

/** [PROXY-3] Undefined where the proxy has verified no certificate: a name alone is what anybody can write into one. */
function commonNameOf(value: Buffer): { readonly name: string } | { readonly why: string } | undefined {
  if (value.length < 5) return { why: "a PROXY header with a cut off TLV" }
  const client = value[0] as number
  const isVerified = (client & CLIENT_SSL) !== 0 && (client & CLIENT_CERTIFICATE) !== 0 && value.readUInt32BE(1) === 0
  let name: string | undefined
  for (let at = 5; at < value.length; ) {
    const part = valueAt(value, at)
    if (part === undefined) return { why: "a PROXY header with a cut off TLV" }
    if (value[at] === TLV_SSL_COMMON_NAME) {
      if (name !== undefined) return { why: "a PROXY header with two common names" }
      name = part.toString("utf8")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      if (/[\u0000-\u001f\u007f-\u009f\ufffd]/.test(name)) return { why: "a PROXY header with a bad common name" }
    }
    at += 3 + part.length
  }
  return isVerified && name !== undefined && name !== "" ? { name } : undefined
}

function isChecksumRight(header: Buffer, at: number, value: Buffer): boolean {
  if (value.length !== 4) return false
  const zeroed = Buffer.from(header)
  zeroed.fill(0, at, at + 4)
  return crc32c(zeroed) === value.readUInt32BE(0)
}

/** Bit by bit: a header is short, and there is one per connection. */
export function crc32c(bytes: Buffer): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f6_3b78
  }
  return (crc ^ 0xffff_ffff) >>> 0
}
