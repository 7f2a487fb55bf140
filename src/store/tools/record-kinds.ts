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

export const recordKinds: ReadonlyArray<string> = [...names.values()]

export function kindName(type: number): string {
  return names.get(type) ?? `type-${type}`
}
