/**
 * Bans over a restart: one JSON file, mode 0600, written anew as a whole and renamed into place.
 *
 *   {"version":1,"bans":[{"kind":"client","value":"c1","why":"...","by":"admin API","createdAtMs":1,"untilMs":2}]}
 *
 * Invariants
 * - [LIM-8] A file that cannot be read, or is not what this wrote, refuses the start: who was banned would be let in.
 * - A file that is not there is no ban. A crash leaves the old file or the new one.
 * - A ban that somebody asked for is in the file before it is answered; those the broker makes follow within a second.
 */
import { readFileSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type Ban, type Bans, banKinds, banValue } from "./bans.ts"
import { replaceFileSync } from "./private-file.ts"

export class BansFileError extends Schema.TaggedError<BansFileError>()("BansFileError", {
  file: Schema.String,
  fact: Schema.String
}) {
  override get message(): string {
    return `the bans file ${this.file} ${this.fact}`
  }
}

const VERSION = 1

export const loadBans = (file: string, bans: Bans, nowMs: number): Effect.Effect<void, BansFileError> =>
  Effect.suspend(() => {
    const refuse = (fact: string) => Effect.fail(new BansFileError({ file, fact }))
    let text: string
    try {
      text = readFileSync(file, "utf8")
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException
      return code === "ENOENT" || code === "ENOTDIR" ? Effect.void : refuse(`cannot be read: ${message}`)
    }
    const found = decode(text)
    if (found === undefined) return refuse("is damaged")
    for (const ban of found) bans.add(ban, nowMs)
    return Effect.void
  })

/** Throws what the file system says. */
export function saveBans(file: string, bans: ReadonlyArray<Ban>): void {
  replaceFileSync(file, `${JSON.stringify({ version: VERSION, bans })}\n`)
}

function decode(text: string): ReadonlyArray<Ban> | undefined {
  try {
    const { bans, version } = JSON.parse(text) as { readonly version?: unknown; readonly bans?: unknown }
    return version === VERSION && Array.isArray(bans) && bans.every(isBan) ? bans : undefined // [LIM-8]
  } catch {
    return undefined
  }
}

function isBan(value: unknown): value is Ban {
  if (typeof value !== "object" || value === null) return false
  const ban = value as Record<keyof Ban, unknown>
  const kind = banKinds.find((each) => each === ban.kind)
  if (kind === undefined || typeof ban.value !== "string" || banValue(kind, ban.value) !== ban.value) return false
  const isTimed = ban.untilMs === undefined || Number.isFinite(ban.untilMs)
  return typeof ban.why === "string" && typeof ban.by === "string" && Number.isFinite(ban.createdAtMs) && isTimed
}
