/** PROXY headers of version 2, as a proxy would write them. */
import { isIPv4 } from "node:net"

const SIGNATURE = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])

/** IPv6 addresses with all eight groups written. */
export const proxyV2 = (host: string, port: number, tlvs: ReadonlyArray<Buffer>): Buffer => {
  const isFour = isIPv4(host)
  const address = isFour ? Buffer.from(host.split(".").map(Number)) : groupsOf(host)
  const target = Buffer.alloc(address.length, 1)
  const ports = Buffer.alloc(4)
  ports.writeUInt16BE(port, 0)
  ports.writeUInt16BE(1883, 2)
  const body = Buffer.concat([address, target, ports, ...tlvs])
  const head = Buffer.from([0x21, isFour ? 0x11 : 0x21, 0, 0])
  head.writeUInt16BE(body.length, 2)
  return Buffer.concat([SIGNATURE, head, body])
}

export const tlv = (type: number, value: Buffer): Buffer => {
  const head = Buffer.from([type, 0, 0])
  head.writeUInt16BE(value.length, 1)
  return Buffer.concat([head, value])
}

/** By default the client came over TLS and its certificate was verified. */
export const tlsTlv = (commonName: string, { client = 7, verify = 0 } = {}): Buffer => {
  const head = Buffer.alloc(5)
  head[0] = client
  head.writeUInt32BE(verify, 1)
  return tlv(0x20, Buffer.concat([head, tlv(0x21, Buffer.from("TLSv1.3")), tlv(0x22, Buffer.from(commonName))]))
}

const groupsOf = (host: string): Buffer => {
  const bytes = Buffer.alloc(16)
  for (const [index, group] of host.split(":").entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * index)
  return bytes
}
