/**
 * The first of import's two passes: is the whole file right, before a byte is written. What it learns is what the second
 * one needs to number messages and sessions anew.
 *
 * Order of an export: head, messages by rising position, sessions and groups, end. The end's counts say that nothing was
 * cut off.
 */
import * as Effect from "effect/Effect"
import { filterFault } from "../../router/topic-filter.ts"
import type { StoreFault, StoreFs } from "../../wal/store-fs.ts"
import { type ExportLine, readHead, readLine, type SessionLine } from "./export-lines.ts"
import { EXPORT_VERSION } from "./export-store.ts"
import { eachLine } from "./file-lines.ts"
import { importedFrame } from "./import-message.ts"
import { type ToolRefused, toolRefused } from "./place.ts"

const POSITIONS_FIRST = 1024

export interface CheckedImport {
  /** Of the messages, rising. */
  readonly positions: Float64Array
  readonly clientIdentifiers: ReadonlyArray<string>
  readonly groups: ReadonlyArray<string>
}

export const checkImport = (fs: StoreFs, path: string): Effect.Effect<CheckedImport, StoreFault | ToolRefused> =>
  Effect.gen(function* () {
    const check = new Check()
    yield* eachLine(fs, path, (text, number) => {
      const why = number === 1 ? check.head(text) : check.line(text)
      return why === undefined ? Effect.void : Effect.fail(badLine(path, number, why))
    })
    if (!check.isEnded)
      return yield* badLine(path, check.lines + 1, "the file ends before its end line: it was cut off")
    return check
  })

class Check implements CheckedImport {
  readonly clientIdentifiers: Array<string> = []
  readonly groups: Array<string> = []
  isEnded = false
  lines = 0
  readonly #seen = new Set<string>()
  #positions = new Float64Array(POSITIONS_FIRST)
  #messages = 0

  get positions(): Float64Array {
    return this.#positions.subarray(0, this.#messages)
  }

  head(text: string): string | undefined {
    this.lines++
    const head = readHead(text)
    if (typeof head === "string") return "it is not the first line of an export"
    return head.version > EXPORT_VERSION ? `it is an export of version ${head.version}: use a later version` : undefined
  }

  line(text: string): string | undefined {
    this.lines++
    if (this.isEnded) return "something follows the end line"
    const line = readLine(text)
    return typeof line === "string" ? line : this.#judge(line)
  }

  #judge(line: ExportLine): string | undefined {
    switch (line.type) {
      case "message": {
        if (this.clientIdentifiers.length + this.groups.length > 0) return "a message stands behind sessions and groups"
        if (line.expiresAt !== undefined && Number.isNaN(Date.parse(line.expiresAt))) return "expiresAt is no time"
        if (!this.#take(line.position)) return "its position is not above the one before it"
        const frame = importedFrame(line)
        return typeof frame === "string" ? frame : undefined
      }
      case "session":
        if (this.#isTwice(`session ${line.clientIdentifier}`))
          return `the session ${line.clientIdentifier} is there twice`
        this.clientIdentifiers.push(line.clientIdentifier)
        return sessionFault(line)
      case "group":
        if (this.#isTwice(`group ${line.share}`)) return `the group ${line.share} is there twice`
        this.groups.push(line.share)
        return filterFault(line.share, Number.POSITIVE_INFINITY)?.why
      case "end": {
        this.isEnded = true
        const { groups, messages, sessions } = line
        const found = [this.#messages, this.clientIdentifiers.length, this.groups.length]
        const isWhole = found.join() === [messages, sessions, groups].join() // [TOOL-6]
        return isWhole
          ? undefined
          : `it names ${messages}, ${sessions}, ${groups} messages, sessions, groups, found were ${found}`
      }
    }
  }

  #isTwice(name: string): boolean {
    const isTwice = this.#seen.has(name)
    this.#seen.add(name)
    return isTwice
  }

  #take(position: number): boolean {
    const last = this.#messages === 0 ? -1 : (this.#positions[this.#messages - 1] as number)
    if (position <= last) return false
    if (this.#messages === this.#positions.length) {
      const grown = new Float64Array(this.#messages * 2)
      grown.set(this.#positions)
      this.#positions = grown
    }
    this.#positions[this.#messages++] = position
    return true
  }
}

function sessionFault({ disconnectedAt, subscriptions, will }: SessionLine): string | undefined {
  if (disconnectedAt !== undefined && Number.isNaN(Date.parse(disconnectedAt))) return "disconnectedAt is no time"
  for (const { filter } of subscriptions) {
    const fault = filterFault(filter, Number.POSITIVE_INFINITY)
    if (fault !== undefined) return fault.why
  }
  const frame = will === undefined ? undefined : importedFrame(will)
  return typeof frame === "string" ? `its will: ${frame}` : undefined
}

function badLine(path: string, number: number, why: string): ToolRefused {
  return toolRefused(
    "bad-input",
    `${path}:${number}: ${why}`,
    "take a file that `promptmq store export` wrote; nothing was imported"
  )
}
