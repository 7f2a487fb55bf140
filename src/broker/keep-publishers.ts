/**
 * The names of those who published what is retained, over a restart: a file beside the store, since the log's record has
 * room for a session's number and none for its name, and the session may have ended long ago.
 *
 *   <data-dir>/retained-publishers.jsonl, mode 0600, one line per name:  [session number, client identifier, user name or null]
 *
 * Invariants
 * - It is for people: nothing is decided by it, no start waits for it or fails by it, and a line that is none is passed
 *   over. A crash loses the names of the last second; their messages then have no publisher.
 * - Only the name of a session whose number is that of the message is ever shown: numbers found in the log are not given
 *   again. A store that was made anew has another store's names nowhere, because the first line names the store.
 * - Bounded: it is written anew, whole, when it has twice as many lines as there are names.
 */
import { open, readFile } from "node:fs/promises"
import { join } from "node:path"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { replaceFile } from "../access/private-file.ts"
import type { Core } from "./core.ts"
import { keepSaving } from "./keep-saving.ts"
import type { PublisherName } from "./retained-publishers.ts"

const FILE = "retained-publishers.jsonl"
const SAVE_MS = 1000
const LINES_SPARE = 1000
/** Lines taken in before others have a turn. */
const LINES_AT_ONCE = 1000
const ownerOnly = 0o600

export const keepPublishers = (
  core: Core,
  dataDirectory: string,
  storeUuid: string
): Effect.Effect<void, never, Scope.Scope> => {
  const keeper = new Keeper(core, join(dataDirectory, FILE), storeUuid)
  return keepSaving("the keeper of publishers' names", SAVE_MS, () => keeper.save())
}

class Keeper {
  readonly #core: Core
  readonly #file: string
  readonly #storeUuid: string
  #lines = 0
  #isToldBad = false
  #isLoaded = false

  constructor(core: Core, file: string, storeUuid: string) {
    this.#core = core
    this.#file = file
    this.#storeUuid = storeUuid
  }

  /** Never rejects. */
  async #load(): Promise<void> {
    const text = await readFile(this.#file, { encoding: "utf8" }).catch(() => "")
    const lines = text.split("\n")
    const isOurs = lines[0] === this.#head()
    for (let at = 1; isOurs && at < lines.length; at++) {
      const entry = entryOf(lines[at] as string)
      if (entry !== undefined) this.#core.publishers.restore(...entry)
      if (at % LINES_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    this.#lines = isOurs ? lines.length : Number.POSITIVE_INFINITY
    this.#isLoaded = true
  }

  /** Never rejects. */
  async save(): Promise<void> {
    const { publishers } = this.#core
    // What is on disk and not read yet must not be written over.
    if (!this.#isLoaded) await this.#load()
    const fresh = publishers.takeFresh()
    if (fresh.length === 0) return
    try {
      if (this.#lines + fresh.length > publishers.size * 2 + LINES_SPARE) await this.#writeAll()
      else await this.#append(fresh)
      this.#isToldBad = false
    } catch (cause) {
      this.#lines = Number.POSITIVE_INFINITY // The next save writes all of them.
      if (this.#isToldBad) return
      this.#isToldBad = true
      const why = cause instanceof Error ? cause.message : String(cause)
      this.#core.options.report({ level: "warn", what: "publishers of retained messages could not be saved", why })
    }
  }

  async #append(fresh: ReadonlyArray<readonly [number, PublisherName]>): Promise<void> {
    const handle = await open(this.#file, "a", ownerOnly)
    try {
      await handle.appendFile(fresh.map(lineOf).join(""))
    } finally {
      await handle.close()
    }
    this.#lines += fresh.length
  }

  async #writeAll(): Promise<void> {
    const all = Array.from(this.#core.publishers.entries(), lineOf)
    await replaceFile(this.#file, `${this.#head()}\n${all.join("")}`)
    this.#lines = all.length + 1
  }

  #head(): string {
    return JSON.stringify({ version: 1, store: this.#storeUuid })
  }
}

const lineOf = ([number, { clientIdentifier, username }]: readonly [number, PublisherName]): string =>
  `${JSON.stringify([number, clientIdentifier, username ?? null])}\n`

const entryOf = (line: string): [number, PublisherName] | undefined => {
  try {
    const [number, clientIdentifier, username] = JSON.parse(line) as ReadonlyArray<unknown>
    if (!Number.isSafeInteger(number) || typeof clientIdentifier !== "string") return undefined
    return [number as number, { clientIdentifier, username: typeof username === "string" ? username : undefined }]
  } catch {
    return undefined
  }
}
