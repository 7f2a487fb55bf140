/**
 * One user, one name: how a directory writes the name that somebody logged in with.
 *
 * Names in directories are the same whatever their case, spaces at the ends and doubled ones, and forms of letters are
 * (RFC 4518): " ALICE", "alice" and "\uff41lice" are one entry. To rules, bans and quotas they would be three users.
 *
 * Invariants
 * - [AUTH-LDAP-2] Every spelling that leads to an entry comes out as the same name: the directory's value where it can be
 *   read; else only the plainest spelling is taken, and all others are nobody's.
 */

/** Attributes that a filter, or a distinguished name, compares with the user name: "(&(uid=${username})(...))" says uid. */
export const nameAttributes = (template: string): ReadonlyArray<string> => {
  const found = template.matchAll(/([A-Za-z][A-Za-z0-9-]*)(?:[~<>]?=|:[^=()]*:=)\s*\$\{username\}/g)
  return [...new Set(Array.from(found, ([, name = ""]) => name))]
}

/** `values` are those of the entry's name attributes. Undefined: it cannot be told who that is. */
export const spelledAs = (username: string, values: ReadonlyArray<string>): string | undefined => {
  if (values.includes(username)) return username
  const plain = plainest(username)
  const own = values.find((value) => plainest(value) === plain)
  return own ?? (username === plain ? username : undefined) // [AUTH-LDAP-2]
}

/** Values of the attribute in a distinguished name (RFC 4514, 2.4), without their escapes. */
export const valuesInDn = (dn: string, attribute: string): ReadonlyArray<string> => {
  const parts = dn.match(/(?:[^\\,+;]|\\.)+/gsu) ?? []
  return parts.flatMap((part) => {
    const equals = part.indexOf("=")
    const isAsked = part.slice(0, equals).trim().toLowerCase() === attribute.toLowerCase()
    return equals > 0 && isAsked ? [unescaped(part.slice(equals + 1))] : []
  })
}

const unescaped = (value: string): string => {
  const bytes: Array<Buffer> = []
  for (const [whole, hex] of value.matchAll(/\\([0-9a-fA-F]{2})|\\.|[^\\]/gsu)) {
    if (hex !== undefined) bytes.push(Buffer.from(hex, "hex"))
    else bytes.push(Buffer.from(whole.length > 1 && whole.startsWith("\\") ? whole.slice(1) : whole))
  }
  return Buffer.concat(bytes).toString("utf8")
}

const plainest = (name: string): string => name.normalize("NFKC").trim().replaceAll(/\s+/g, " ").toLowerCase()
