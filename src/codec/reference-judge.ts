/**
 * What can be judged from a packet that mqtt-packet has parsed, for the reference codec (tests only).
 *
 * The library refuses a third of what must be refused; a second third shows in its packets and is caught
 * here. The rest is lost in parsing and cannot be judged by anyone afterwards: `referenceCannotJudge` in
 * reference.ts names it. Codes follow the same rules as faults.ts.
 */
import { Fault } from "./fault.ts"
import { packetIdentifierZero, topicEmpty, topicHasWildcard, truncated } from "./faults.ts"
import { type LibraryProperties, libraryName } from "./mqtt-packet-properties.ts"
import { misplacedFault, PropertyPlace, type PropertyRow, propertyTable } from "./properties.ts"
import { ReasonCode } from "./reason-codes.ts"

const rowByLibraryName = new Map(propertyTable.map((row) => [libraryName(row), row]))

export function judgeLibraryProperties(properties: LibraryProperties | undefined, place: number): Fault | undefined {
  for (const name of Object.keys(properties ?? {})) {
    const row = rowByLibraryName.get(name)
    const value = properties?.[name]
    if (row === undefined) return new Fault(ReasonCode.malformedPacket, "Unknown property")
    if ((row.places & ~row.serverOnly & place) === 0) return misplacedFault(row.id, place)
    const fault = row.repeatable ? judgePairs(value) : judgeValue(row, value)
    if (fault !== undefined) return fault
  }
  return undefined
}

function judgeValue(row: PropertyRow, value: unknown): Fault | undefined {
  if (Array.isArray(value)) return new Fault(ReasonCode.protocolError, `${row.name} appears more than once`)
  if (value === null || value === undefined || (value === false && row.kind !== 1)) return truncated
  if (typeof value === "number" && value < 0) return truncated
  if (typeof value === "number" && (value < row.minimum || value > row.maximum)) {
    return new Fault(row.rangeReasonCode, `${row.name} has a value that is not allowed`)
  }
  if (typeof value !== "string") return undefined
  if (row.field === "responseTopic" && (value === "" || /[#+]/.test(value))) {
    return new Fault(ReasonCode.protocolError, "Response Topic is no Topic Name")
  }
  return judgeText(value)
}

function judgePairs(value: unknown): Fault | undefined {
  for (const [name, values] of Object.entries(value as Record<string, unknown>)) {
    for (const one of Array.isArray(values) ? values : [values]) {
      const fault = judgeText(name) ?? judgeText(one)
      if (fault !== undefined) return fault
    }
  }
  return undefined
}

/** Text the library may have read: null when the packet ended within it. */
export function judgeText(text: unknown): Fault | undefined {
  if (typeof text !== "string") return truncated
  return text.includes("\0") ? new Fault(ReasonCode.malformedPacket, "String holds U+0000") : undefined
}

export function judgePacketIdentifier(packetIdentifier: number | undefined): Fault | undefined {
  if (packetIdentifier === undefined || packetIdentifier < 0) return truncated
  return packetIdentifier === 0 ? packetIdentifierZero : undefined
}

export function judgeTopic(topic: unknown, mayBeEmpty: boolean): Fault | undefined {
  if (topic === "") return mayBeEmpty ? undefined : topicEmpty
  return judgeText(topic) ?? (/[#+]/.test(topic as string) ? topicHasWildcard : undefined)
}

export function judgeFilters(filters: ReadonlyArray<unknown>): Fault | undefined {
  if (filters.length === 0) return new Fault(ReasonCode.protocolError, "There is no Topic Filter")
  for (const filter of filters) {
    const fault = filter === "" ? new Fault(ReasonCode.protocolError, "Topic Filter is empty") : judgeText(filter)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** PropertyPlace has one bit per packet type. */
export function placeOf(packetType: number): number {
  return packetType === 0 ? PropertyPlace.will : 1 << packetType
}
