/**
 * The kind of setting that lists networks: "10.0.0.0/8", "192.0.2.7", "2001:db8::/32". Decoded to texts with their
 * length, so that the same network is written in one way only.
 */

import { listLengthMax } from "./kinds.ts"
import { formatNetwork, parseNetwork } from "./network-set.ts"
import { type Setting, type SettingWords, setting } from "./setting.ts"
import { quoted, ValueRefused } from "./setting-fault.ts"

export const networks = (
  words: SettingWords & { readonly fallback: ReadonlyArray<string> }
): Setting<ReadonlyArray<string>> =>
  setting<ReadonlyArray<string>>({ ...words, kind: "list", decode, encode: (value) => value })

const decode = (raw: unknown): ReadonlyArray<string> | ValueRefused => {
  const items: ReadonlyArray<unknown> = Array.isArray(raw) ? raw : raw === "" ? [] : [raw]
  if (items.length > listLengthMax) {
    return new ValueRefused("E3111", `the list has ${items.length} entries`, `write at most ${listLengthMax}`)
  }
  const networks: Array<string> = []
  for (const item of items) {
    const network = typeof item === "string" ? parseNetwork(item) : undefined
    if (network === undefined) {
      const fix = 'write an address or a network, such as "192.0.2.7", "10.0.0.0/8" or "2001:db8::/32"'
      return new ValueRefused("E3110", `${quoted(item, false)} is not a network`, fix)
    }
    networks.push(formatNetwork(network))
  }
  return networks
}
