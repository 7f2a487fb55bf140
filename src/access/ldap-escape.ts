/**
 * A client's name inside the two languages of LDAP: distinguished names (RFC 4514) and filters (RFC 4515). Whatever it
 * contains, it stays one value: `admin)(uid=*` is a user of that name, not a wish.
 *
 *   DN       , + " \ < > ; =  and a leading # or space, a trailing space    backslash before it; control characters as \XX
 *   filter   ( ) * \ and control characters                                \XX
 *
 * Elsewhere: where the texts go (ldap-provider.ts).
 */

export function escapeDnValue(value: string): string {
  let escaped = ""
  const characters = [...value]
  for (const [index, character] of characters.entries()) {
    const isEdge = index === 0 || index === characters.length - 1
    if (isControl(character)) escaped += hexOf(character)
    else if (',+"\\<>;='.includes(character)) escaped += `\\${character}`
    else if ((character === " " && isEdge) || (character === "#" && index === 0)) escaped += `\\${character}`
    else escaped += character
  }
  return escaped
}

export function escapeFilterValue(value: string): string {
  let escaped = ""
  for (const character of value) {
    escaped += "()*\\".includes(character) || isControl(character) ? hexOf(character) : character
  }
  return escaped
}

/** Each placeholder once through `escapeValue`; what came in for one is not looked at for others. */
export function fillTemplate(
  template: string,
  values: Readonly<Record<string, string>>,
  escapeValue: (value: string) => string
): string {
  return template.replaceAll(/\$\{([a-z]+)\}/g, (whole, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined
    return value === undefined ? whole : escapeValue(value)
  })
}

const isControl = (character: string): boolean => {
  const code = character.charCodeAt(0)
  return code < 0x20 || code === 0x7f
}

/** Of a character of ASCII. */
const hexOf = (character: string): string => `\\${character.charCodeAt(0).toString(16).padStart(2, "0")}`
