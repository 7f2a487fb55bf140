/**
 * Names of record types for people and JSON: those of RecordType, written as the command line writes words. A type that
 * this version does not know is "type-<number>".
 */
import { RecordType } from "../../wal/record.ts"

const names: ReadonlyMap<number, string> = new Map(
  Object.entries(RecordType).map(([name, type]) => [
    type,
    name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  ])
)

/** Those that this version writes; the other numbers are reserved. */
const written: ReadonlyArray<number> = [
  RecordType.message,
  RecordType.session,
  RecordType.sessionEnd,
  RecordType.subscribe,
  RecordType.unsubscribe,
  RecordType.group,
  RecordType.cursor,
  RecordType.qos2In,
  RecordType.qos2InReleased,
  RecordType.qos2Out,
  RecordType.qos2OutReceived,
  RecordType.qos2OutDone,
  RecordType.segmentDropped
]

export const recordKinds: ReadonlyArray<string> = written.map(kindName)

export function kindName(type: number): string {
  return names.get(type) ?? `type-${type}`
}
