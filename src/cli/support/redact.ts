/**
 * Takes secrets out of text that leaves the machine: those that are known, and what looks like one.
 *
 * Known: values of settings that are marked secret, the tokens in their files. A known secret is replaced wherever it
 * stands, also as JSON and as part of a URL writes it. Looks like one: credentials in a URL, bearer tokens, JSON Web Tokens, password hashes, private keys.
 *
 * Invariant [REDACT-1]: nothing of KNOWN_LENGTH_MIN characters or more that is known as a secret is in the answer. Shorter
 * ones are no secrets that could be kept: replacing every "a" would destroy the text and tell where it stood.
 */
import { readFileSync } from "node:fs"
import { settingsLeaves, settingValue } from "../../settings/leaves.ts"
import type { Settings } from "../../settings/settings.ts"

export const redactedMark = "(redacted)"
const KNOWN_LENGTH_MIN = 4
const TOKEN_FILE_BYTES_MAX = 65_536

/** Every secret that this configuration and its files hold, as far as this user may read them. */
export function knownSecrets(settings: Settings): ReadonlyArray<string> {
  const written = settingsLeaves
    .filter(({ secret }) => secret)
    .map((leaf) => settingValue(settings, leaf))
    .filter((value): value is string => typeof value === "string")
  const tokens = [settings.admin.tokenFile, settings.admin.tokensFile].flatMap(wordsOf)
  return [...written, ...tokens]
}

export function redacted(text: string, secrets: ReadonlyArray<string>): string {
  const spellings = new Set(
    secrets
      .filter((secret) => secret.length >= KNOWN_LENGTH_MIN)
      .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
  )
  // The longest first: one secret may begin with another.
  const longestFirst = [...spellings].sort((left, right) => right.length - left.length)
  const known = longestFirst.reduce((rest, secret) => rest.replaceAll(secret, redactedMark), text) // [REDACT-1]
  return looksLike.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), known)
}

const looksLike: ReadonlyArray<readonly [RegExp, string]> = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, redactedMark],
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi, `$1${redactedMark}@`],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{4,}/gi, `$1 ${redactedMark}`],
  [/\beyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g, redactedMark],
  [/\$(?:argon2(?:id|i|d)|scrypt|scram-sha-256|pbkdf2[a-z0-9-]*|2[aby]|[67])\$[^\s"']+/g, redactedMark]
]

/** A file with tokens, whatever it looks like: every word of it that could be one. */
function wordsOf(file: string): ReadonlyArray<string> {
  try {
    const text = readFileSync(file, "utf8")
    return text.length > TOKEN_FILE_BYTES_MAX ? [] : text.split(/[\s"',:{}[\]]+/).filter((word) => word.length >= 16)
  } catch {
    return []
  }
}
