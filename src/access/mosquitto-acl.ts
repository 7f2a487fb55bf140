/**
 * An acl_file of Mosquitto as rules.
 *
 *   topic [read|write|readwrite|deny] <filter>     before the first user line: clients without a user name
 *   user <name>                                    the topic lines below are this user's
 *   pattern [read|write|readwrite|deny] <filter>   everybody's; %c and %u stand for client identifier and user name
 *
 * As Mosquitto asks them: denials first, wherever they stand, then what allows; no match is deny. Unlike there, a
 * subscription is allowed only when one line covers all of its filter (compile-rules.ts).
 */
import { decodeRules, type RuleFault } from "./decode-rule.ts"
import type { Rule } from "./rule.ts"

export interface LineFault extends Omit<RuleFault, "at"> {
  readonly line: number
  readonly column: number
}

export interface MosquittoRules {
  readonly rules: ReadonlyArray<Rule>
  readonly faults: ReadonlyArray<LineFault>
}

/** Looks like one: its first line that says something begins with one of its words. */
export const isMosquittoAcl = (text: string): boolean =>
  /^\s*(?:topic|user|pattern)\s+\S/.test(text.split("\n").find((line) => /^\s*[^#\s]/.test(line)) ?? "")

export const readMosquittoAcl = (text: string, file: string): MosquittoRules => {
  const faults: Array<LineFault> = []
  const denied: Array<Rule> = []
  const allowed: Array<Rule> = []
  let user = ""
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim()
    if (line === "" || line.startsWith("#")) continue
    const fault = (fact: string, fix: string) =>
      void faults.push({ line: index + 1, column: raw.length - raw.trimStart().length + 1, fact, fix })
    const [word = "", rest = ""] = splitOnce(line)
    if (word === "user") {
      if (rest === "") fault("the user has no name", "write user <name>")
      user = rest
      continue
    }
    if (word !== "topic" && word !== "pattern") {
      fault(`${JSON.stringify(word.slice(0, 40))} is not a line of an acl_file`, "write topic, user or pattern")
      continue
    }
    const [access, filter] = accessOf(rest)
    const isPattern = word === "pattern"
    const written = {
      effect: access === "deny" ? "deny" : "allow",
      ...(access === "read" ? { actions: "subscribe" } : access === "write" ? { actions: "publish" } : {}),
      ...(isPattern ? {} : { users: [user] }),
      topics: [isPattern ? withPlaceholders(filter) : filter]
    }
    if (filter.startsWith("eq ") || filter.includes("${")) {
      fault("the filter would mean something else here", "write it as a rule of a rules file in YAML")
      continue
    }
    const decoded = decodeRules([written], () => `${file}:${index + 1}`)
    for (const { fact, fix } of decoded.faults) fault(fact, fix)
    ;(access === "deny" ? denied : allowed).push(...decoded.rules)
  }
  return { rules: faults.length === 0 ? [...denied, ...allowed] : [], faults }
}

const splitOnce = (line: string): readonly [string, string] => {
  const at = line.search(/\s/)
  return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at).trim()]
}

const accessOf = (rest: string): readonly [string, string] => {
  const [word, filter] = splitOnce(rest)
  return /^(?:read|write|readwrite|deny)$/.test(word) && filter !== "" ? [word, filter] : ["readwrite", rest]
}

const withPlaceholders = (filter: string): string =>
  filter
    .split("/")
    .map((level) => (level === "%c" ? "${clientid}" : level === "%u" ? "${username}" : level))
    .join("/")
