/**
 * What the `promptmq store` commands share: which folder, how an effect becomes an exit code, tables.
 *
 * The folder is that of the configuration, found and judged as `promptmq server` does, so that a tool looks where the
 * broker looks: --data-dir and --wal-dir win over variables, those over the file.
 *
 * Exit codes: 6 no store there, 7 damaged, 8 in use (the message names the process), 3 a store that this version cannot
 * read or a configuration that is not valid, 1 what the disk refused.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import { ConfigInvalid } from "../config/config-invalid.ts"
import type { Settings } from "../settings/settings.ts"
import {
  holderWords,
  type Inspected,
  inspect,
  type ToolError,
  type ToolReason,
  ToolRefused
} from "../store/tools/place.ts"
import { diskFs } from "../wal/disk-fs.ts"
import type { StorePlace } from "../wal/open-store.ts"
import { type RefusalReason, StoreFailed, StoreRefused } from "../wal/store-error.ts"
import { type LockHolder, StoreFault } from "../wal/store-fs.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { type Decoded, flag, type Option } from "./grammar/option.ts"
import { configOption, load, printInvalid, settingsFlags, settingsOptions } from "./settings-options.ts"
import { type Complaint, complain, paint, printProblem, say, type World, warn } from "./world.ts"

const section = "Which store"

export const storeOptions = {
  config: { ...configOption.config, section },
  "data-dir": placeOption("data-dir"),
  "wal-dir": placeOption("wal-dir")
}
export const jsonOption = { json: flag("one JSON document on stdout, for programs") }

type StoreOptions = Decoded<typeof storeOptions>

export interface ChosenStore {
  readonly place: StorePlace
  readonly settings: Settings
}

/** The folders that the options and the configuration mean; an exit code when the configuration is not valid. */
export async function chooseStore(options: StoreOptions, world: World): Promise<ChosenStore | ExitCode> {
  const loaded = await load(options.config, settingsFlags(options), world)
  if (loaded instanceof ConfigInvalid) {
    printInvalid(world, loaded)
    return exitCodes.configInvalid
  }
  for (const warning of loaded.warnings) printProblem(world, warning)
  const { settings } = loaded
  return { settings, place: { dataDirectory: settings.storage.dataDir, logDirectory: settings.storage.walDir } }
}

/** Runs the tool; what it refuses is said, and becomes the exit code that belongs to it. */
export async function runTool<A>(
  tool: Effect.Effect<A, ToolError | StoreFailed, Scope.Scope>,
  world: World,
  finish: (result: A) => ExitCode
): Promise<ExitCode> {
  const exit = await Effect.runPromiseExit(Effect.scoped(tool).pipe(Effect.provide(warningsTo(world))))
  if (Exit.isSuccess(exit)) return finish(exit.value)
  const error = Cause.squash(exit.cause)
  const complaint = complaintOf(error) ?? {
    code: "E1001",
    fact: Cause.pretty(exit.cause),
    fix: "this is a mistake of promptmq: please report it, with the store if you can"
  }
  complain(world, complaint)
  return Number(complaint.code[1]) as ExitCode
}

/** What the store's own code logs: warnings and errors, where people look; stdout is for data. */
function warningsTo(world: World): Layer.Layer<never> {
  const logger = Logger.make<unknown, void>(({ logLevel, message }) => {
    if (logLevel !== "Warn" && logLevel !== "Error" && logLevel !== "Fatal") return
    warn(world, (Array.isArray(message) ? message : [message]).map(String).join(" "))
  })
  return Logger.layer([logger])
}

/** What to do with a store that somebody uses, and with one that nobody does. */
export interface HeldOrFree {
  readonly held: (holder: LockHolder) => Promise<ExitCode>
  readonly free: (inspected: Inspected) => Promise<ExitCode>
}

export async function onHeldStore(
  { place, settings }: ChosenStore,
  world: World,
  { free, held }: HeldOrFree
): Promise<ExitCode> {
  let found: Inspected | undefined
  const look = inspect(diskFs, place)
  const code = await runTool(Effect.mapError(look, inMemoryHint(settings)), world, (inspected) => {
    found = inspected
    return exitCodes.done
  })
  if (found === undefined) return code
  return found.holder === undefined ? free(found) : held(found.holder)
}

/** Runs the tool on the chosen store. */
export async function onStore<A>(
  options: StoreOptions,
  world: World,
  tool: (chosen: ChosenStore) => Effect.Effect<A, ToolError | StoreFailed, Scope.Scope>,
  finish: (result: A, chosen: ChosenStore) => ExitCode
): Promise<ExitCode> {
  const chosen = await chooseStore(options, world)
  if (typeof chosen === "number") return chosen
  const hinted = Effect.mapError(tool(chosen), inMemoryHint(chosen.settings))
  return runTool(hinted, world, (result) => finish(result, chosen))
}

/** Where there is no store because this configuration keeps none. */
const inMemoryHint =
  ({ storage }: Settings) =>
  <E>(error: E): E | ToolRefused => {
    if (!(error instanceof ToolRefused) || error.reason !== "no-store" || storage.engine !== "memory") return error
    const fix = `${error.fix}; storage.engine is memory here: a broker of this configuration keeps nothing on disk`
    return new ToolRefused({ reason: error.reason, fact: error.fact, fix })
  }

/** A reader of a store in use tells so. */
export function sayInUse(world: World, { holder }: Inspected): void {
  if (holder === undefined) return
  say(world, `the store is in use by ${holderWords(holder)}: read as it is now, nothing is changed or waited for`)
}

export function good(world: World, text: string): string {
  return paint(world, world.stdout, "good", text)
}
export function bad(world: World, text: string): string {
  return paint(world, world.stdout, "error", text)
}

/** Columns as wide as their widest cell; those of `right` are flush right. */
export function table(rows: ReadonlyArray<ReadonlyArray<string>>, right: ReadonlySet<number> = new Set()): string {
  const widths: Array<number> = []
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length)
  const line = (row: ReadonlyArray<string>): string =>
    row.map((cell, i) => (right.has(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join("  ")
  return `${rows.map((row) => line(row).trimEnd()).join("\n")}\n`
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en-US")} ${number === 1 ? one : many}`
}

/** "16.0 MiB", for people. */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"]
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return unit === 0 ? `${bytes} B` : `${value.toFixed(1)} ${units[unit]}`
}

function placeOption(name: "data-dir" | "wal-dir"): Option<string | undefined> {
  const option = settingsOptions[name]
  if (option === undefined) throw new Error(`there is no setting --${name}`)
  return { ...option, section, isFile: true, placeholder: "folder" }
}

const refusalCodes: Readonly<Record<RefusalReason, string>> = {
  locked: "E8002",
  "network-file-system": "E3601",
  "foreign-store": "E3602",
  "newer-version": "E3603",
  "unknown-record-type": "E3604",
  corrupt: "E7001",
  unreadable: "E7002"
}

const toolCodes: Readonly<Record<ToolReason, string>> = {
  "no-store": "E6001",
  "no-backup": "E6001",
  "not-empty": "E1303",
  damaged: "E7001",
  "bad-input": "E2001",
  conflict: "E1001",
  busy: "E1001"
}

function complaintOf(error: unknown): Complaint | undefined {
  if (error instanceof StoreRefused) {
    const { fact, fix, path, reason } = error
    const code = refusalCodes[reason]
    return { code, fact: reason === "locked" ? fact : `${path}: ${fact}`, fix }
  }
  if (error instanceof ToolRefused) return { code: toolCodes[error.reason], fact: error.fact, fix: error.fix }
  if (error instanceof StoreFault) {
    return { code: "E1301", fact: error.message, fix: "correct the permissions, make room, or choose another folder" }
  }
  if (error instanceof StoreFailed) {
    return { code: "E1302", fact: error.message, fix: "look at the disk, then try again" }
  }
  return undefined
}
