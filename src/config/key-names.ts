/**
 * Every name a key, variable or flag may have, and the closest one for a name that nobody knows.
 *
 * A spelling is a leaf under its own key or under an alias. Sections are the prefixes of all spellings, so
 * that the sections of aliases (storage.cleanup) are known too.
 */

import type { Leaf } from "../settings/leaves.ts"
import { environmentName, environmentPrefix, settingsLeaves } from "../settings/leaves.ts"
import { nearest } from "../settings/nearest.ts"

export interface Spelling {
  readonly leaf: Leaf
  /** The key as spelled. */
  readonly key: string
  readonly isAlias: boolean
}

export const spellings: ReadonlyMap<string, Spelling> = new Map(
  settingsLeaves.flatMap(
    (leaf): ReadonlyArray<readonly [string, Spelling]> => [
      [leaf.key, { leaf, key: leaf.key, isAlias: false }],
      ...leaf.aliases.map((key): readonly [string, Spelling] => [key, { leaf, key, isAlias: true }])
    ]
  )
)

/** A leaf's own variable wins over an alias that happens to spell the same one. */
export const variables: ReadonlyMap<string, Spelling> = new Map(
  [...spellings.values()]
    .sort((left, right) => Number(right.isAlias) - Number(left.isAlias))
    .map((spelling) => [environmentName(spelling.key), spelling])
)

export const sections: ReadonlySet<string> = new Set(
  [...spellings.keys()].flatMap((key) => {
    const segments = key.split(".")
    return segments.slice(1).map((_, index) => segments.slice(0, index + 1).join("."))
  })
)

/** The variable that names the configuration file, like --config. */
export const fileVariable = `${environmentPrefix}CONFIG`

/**
 * Variables that others put in our environment: a Kubernetes service (or an old Docker link) called "promptmq" gives every
 * container PROMPTMQ_PORT_1883_TCP_ADDR and the like, one called "promptmq-admin" PROMPTMQ_ADMIN_PORT_9090_TCP_ADDR. Their
 * value tells PROMPTMQ_ADMIN_PORT=tcp://10.0.0.2:9090 from a setting that somebody guessed.
 */
export const isForeignVariable = (name: string, value: string | undefined): boolean =>
  /^PROMPTMQ_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_.*)?)$/.test(name) ||
  /^PROMPTMQ_\w+_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)$/.test(name) ||
  (/^PROMPTMQ_\w+_PORT$/.test(name) && /^(tcp|udp|sctp):\/\//.test(value ?? ""))

/** What an unknown key may have meant: a sibling, else the same last word or a flag's name elsewhere. */
export const nearestKey = (key: string): string | undefined => {
  const segments = key.split(".")
  const parent = segments.slice(0, -1).join(".")
  const last = segments.at(-1) ?? ""
  const own = settingsLeaves.map((leaf) => leaf.key)
  const siblings = childrenOf(parent, own)
  const close = nearest(last, siblings)
  if (close !== undefined) return parent === "" ? close : `${parent}.${close}`
  const byFlag = settingsLeaves.find((leaf) => leaf.flag === last)
  if (byFlag !== undefined) return byFlag.key
  // The right word in the wrong section, perhaps misspelt too.
  const word = nearest(last, new Set(settingsLeaves.map((leaf) => leaf.path.at(-1) ?? "")))
  return settingsLeaves.find((leaf) => leaf.path.at(-1) === word)?.key
}

export const nearestVariable = (name: string): string | undefined => {
  // Compared without the prefix all of them share, which would make any two look alike.
  const words = [...settingsLeaves.map((leaf) => leaf.env), fileVariable].map((known) =>
    known.slice(environmentPrefix.length)
  )
  const close = nearest(name.slice(environmentPrefix.length), words)
  return close === undefined ? undefined : environmentPrefix + close
}

const childrenOf = (parent: string, keys: ReadonlyArray<string>): ReadonlySet<string> => {
  const prefix = parent === "" ? "" : `${parent}.`
  return new Set(
    keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length).split(".")[0] ?? "")
  )
}
