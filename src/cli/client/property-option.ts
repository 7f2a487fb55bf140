/**
 * `-D command property value`: MQTT 5 properties of the packets that pub, sub and ping send, spelled as the
 * Mosquitto tools spell them: the standard's name in lower case with dashes. Derived from the codec's
 * property table, which also bounds the numbers.
 *
 *   -D publish content-type text/plain
 *   -D publish user-property key value        (a pair; may repeat)
 *   -D connect receive-maximum 10
 *
 * Values are text; binary properties take the bytes of that text, as in the Mosquitto tools.
 */
import { PropertyKind, PropertyPlace, type PropertyRow, propertyTable } from "../../codec/properties.ts"
import { custom, type Occurrence, type Option, UsageFault } from "../grammar/option.ts"
import { didYouMean } from "../grammar/suggest.ts"

export type PropertyCommand = "connect" | "will" | "publish" | "subscribe" | "unsubscribe" | "disconnect"
export type PropertyValue = string | number | boolean | Buffer | Record<string, string | Array<string>>
/** Field name as MQTT.js spells it, to value. */
export type PropertyBag = Record<string, PropertyValue>
export type PropertyBags = Partial<Record<PropertyCommand, PropertyBag>>

export function propertyOption(commands: ReadonlyArray<PropertyCommand>, section: string): Option<PropertyBags> {
  return custom(
    `MQTT 5 property for ${commands.join(", ")}; may repeat`,
    { letter: "D", placeholder: "command property value", section },
    (rest) => (rest[1] === userProperty ? 4 : 3),
    (_name, given) => decodeProperties(given, commands)
  )
}

const userProperty = "user-property"

function decodeProperties(
  given: ReadonlyArray<Occurrence>,
  commands: ReadonlyArray<PropertyCommand>
): PropertyBags | UsageFault {
  const bags: PropertyBags = {}
  for (const [typedCommand = "", name = "", ...values] of given) {
    const command = commands.find((known) => known === typedCommand.toLowerCase())
    if (command === undefined) {
      const fix = didYouMean(typedCommand, commands) ?? `one of ${commands.join(", ")}`
      return new UsageFault(`-D ${typedCommand}: properties are not set on that here`, fix)
    }
    const bag = (bags[command] ??= {})
    const fault = setProperty(bag, command, name, values)
    if (fault !== undefined) return fault
  }
  return bags
}

function setProperty(
  bag: PropertyBag,
  command: PropertyCommand,
  name: string,
  values: ReadonlyArray<string>
): UsageFault | undefined {
  const allowed = propertyTable.filter((row) => (row.places & ~row.serverOnly & PropertyPlace[command]) !== 0)
  const row = allowed.find((candidate) => dashed(candidate.name) === name)
  if (row === undefined) {
    const names = allowed.map((candidate) => dashed(candidate.name))
    return new UsageFault(
      `-D ${command} ${name}: no such property there`,
      didYouMean(name, names) ?? `one of ${names.join(", ")}`
    )
  }
  if (row.kind === PropertyKind.pair) {
    addPair(bag, row.field, values[0] ?? "", values[1] ?? "")
    return undefined
  }
  const value = decodeValue(row, values[0] ?? "")
  if (value === undefined) {
    return new UsageFault(
      `-D ${command} ${name}: "${values[0]}" is not a whole number from ${row.minimum} to ${row.maximum}`
    )
  }
  bag[row.field] = value
  return undefined
}

function addPair(bag: PropertyBag, field: string, key: string, value: string): void {
  const pairs = (bag[field] ??= {}) as Record<string, string | Array<string>>
  const earlier = Object.hasOwn(pairs, key) ? pairs[key] : undefined
  if (earlier === undefined) pairs[key] = value
  else pairs[key] = [...(Array.isArray(earlier) ? earlier : [earlier]), value]
}

function decodeValue(row: PropertyRow, text: string): PropertyValue | undefined {
  if (row.kind === PropertyKind.string) return text
  if (row.kind === PropertyKind.binary) return Buffer.from(text)
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= row.minimum && value <= row.maximum)) return undefined
  return row.kind === PropertyKind.byte ? value === 1 : value
}

function dashed(name: string): string {
  return name.toLowerCase().replaceAll(" ", "-")
}
