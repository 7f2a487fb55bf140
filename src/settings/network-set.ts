/**
 * Networks in CIDR notation, and the question whether an address lies in one of them: "10.0.0.0/8", "::1",
 * "2001:db8::/32". An address without a length is a network of one.
 *
 * Invariants
 * - An IPv4 address inside IPv6 ("::ffff:10.1.2.3") lies in the networks of the IPv4 address that it is.
 * - Nothing here resolves names: what is no address is in no network.
 *
 * Asked once per connection, never per message.
 */
import { BlockList, isIP, isIPv4, isIPv6 } from "node:net"

export interface Network {
  readonly address: string
  readonly prefix: number
  readonly family: "ipv4" | "ipv6"
}

/** The network, or undefined when the text is none. */
export function parseNetwork(text: string): Network | undefined {
  const match = /^([0-9a-fA-F.:]{2,45})(?:\/(\d{1,3}))?$/.exec(text.trim())
  const address = match?.[1]?.toLowerCase()
  if (address === undefined || isIP(address) === 0) return undefined
  const family = isIPv4(address) ? "ipv4" : "ipv6"
  const bits = family === "ipv4" ? 32 : 128
  const prefix = match?.[2] === undefined ? bits : Number(match[2])
  return prefix <= bits ? { address, prefix, family } : undefined
}

/** As it is written and compared: "10.0.0.0/8"; the length always there. */
export function formatNetwork({ address, prefix }: Network): string {
  return `${address}/${prefix}`
}

export class NetworkSet {
  readonly #list = new BlockList()
  readonly isEmpty: boolean
  /** Connections come in herds from one address, and each asks several times: 4 us apiece. */
  #lastAsked: string | undefined = undefined
  #lastAnswer = false

  /** Texts that are no networks are left out: whoever took them in has refused those. */
  constructor(texts: Iterable<string>) {
    let count = 0
    for (const text of texts) {
      const network = parseNetwork(text)
      if (network === undefined) continue
      this.#list.addSubnet(network.address, network.prefix, network.family)
      count++
    }
    this.isEmpty = count === 0
  }

  has(address: string | undefined): boolean {
    if (address === undefined || this.isEmpty) return false
    if (address !== this.#lastAsked) {
      this.#lastAnswer = this.#ask(plainAddress(address))
      this.#lastAsked = address
    }
    return this.#lastAnswer
  }

  #ask(plain: string): boolean {
    if (isIPv4(plain)) return this.#list.check(plain, "ipv4")
    return isIPv6(plain) && this.#list.check(plain, "ipv6")
  }
}

/** "::ffff:127.0.0.1" is 127.0.0.1, and an address with a zone ("fe80::1%eth0") is the one before it. */
export function plainAddress(address: string): string {
  const zone = address.indexOf("%")
  const bare = zone === -1 ? address : address.slice(0, zone)
  return bare.startsWith("::ffff:") && bare.includes(".") ? bare.slice("::ffff:".length) : bare
}
