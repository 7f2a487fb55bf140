/**
 * Properties, between our names and those of the mqtt-packet library.
 *
 * The library says booleans where the standard says a byte of 0 or 1, spells two names differently, and
 * groups User Properties by name. Given an array of one-pair objects it writes them in order, so that is
 * what it is given; what it read is grouped already and cannot be put back in order.
 */
import { assert } from "../base/assert.ts"
import type { Properties, UserProperty } from "./codec.ts"
import { PropertyKind, type PropertyRow, propertyTable } from "./properties.ts"
import { lengthMax } from "./write-properties.ts"

export type LibraryProperties = Record<string, unknown>

/** The library writes Maximum QoS as a number, all other bytes as booleans. */
const maximumQos = "maximumQos"

export function toLibrary(properties: Properties): LibraryProperties {
  const result: LibraryProperties = {}
  for (const property of propertyTable) {
    const value = properties[property.field]
    if (value === undefined) continue
    if (property.field === "userProperties") {
      // A library that is given a value it cannot write throws or writes too little.
      result["userProperties"] = (properties.userProperties ?? []).map(onePair)
      continue
    }
    assert(
      typeof value === "number" || Buffer.byteLength(value as string | Buffer) <= lengthMax,
      `${property.name} is too long`
    )
    result[libraryName(property)] = isBoolean(property) ? value === 1 : value
  }
  return result
}

/** What the library read. A value that it hands over as something else than a value of the kind stays as it is. */
export function fromLibrary(library: LibraryProperties | undefined): Properties {
  const result: Properties = {}
  if (library === undefined) return result
  for (const property of propertyTable) {
    const value = library[libraryName(property)]
    if (value === undefined) continue
    if (property.field === "userProperties")
      result.userProperties = pairs(value as Record<string, string | Array<string>>)
    else (result as LibraryProperties)[property.field] = fromLibraryValue(property, value)
  }
  return result
}

export function libraryName(property: PropertyRow): string {
  if (property.field === maximumQos) return "maximumQoS"
  if (property.field === "subscriptionIdentifierAvailable") return "subscriptionIdentifiersAvailable"
  return property.field
}

function isBoolean(property: PropertyRow): boolean {
  return property.kind === PropertyKind.byte && property.field !== maximumQos
}

function fromLibraryValue(property: PropertyRow, value: unknown): unknown {
  if (isBoolean(property) && typeof value === "boolean") return value ? 1 : 0
  return Buffer.isBuffer(value) ? Buffer.from(value) : value
}

function onePair([name, value]: UserProperty): Record<string, string> {
  assert(Buffer.byteLength(name) <= lengthMax && Buffer.byteLength(value) <= lengthMax, "User Property is too long")
  // Without a prototype, "__proto__" is a name like any other.
  const pair: Record<string, string> = Object.create(null)
  pair[name] = value
  return pair
}

function pairs(grouped: Record<string, string | Array<string>>): Array<UserProperty> {
  const result: Array<UserProperty> = []
  for (const name of Object.keys(grouped)) {
    const value = grouped[name]
    if (Array.isArray(value)) for (const one of value) result.push([name, one])
    else if (value !== undefined) result.push([name, value])
  }
  return result
}
