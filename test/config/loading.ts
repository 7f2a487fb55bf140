/**
 * Helpers of the configuration tests: loads a text through a real file in a folder of its own.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type { ConfigInvalid } from "../../src/config/config-invalid.ts"
import { type LoadedSettings, loadSettings } from "../../src/config/load.ts"
import type { Problem } from "../../src/config/problem.ts"

export interface Written {
  readonly file?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly flags?: Readonly<Record<string, string>>
  /** Further files of the folder. */
  readonly beside?: Readonly<Record<string, string>>
}

export const withFolder = <A, E>(
  files: Readonly<Record<string, string>>,
  use: (folder: string) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const folder = mkdtempSync(join(tmpdir(), "promptmq-config-"))
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
      return folder
    }),
    use,
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  )

/** Loads `broker.yaml` with that text (or without a file), from a folder that is also the home folder. */
export const load = (written: Written): Effect.Effect<LoadedSettings, ConfigInvalid> =>
  withFolder({ ...written.beside, ...(written.file === undefined ? {} : { "broker.yaml": written.file }) }, (folder) =>
    loadSettings({
      ...(written.file === undefined ? {} : { file: "broker.yaml" }),
      environment: written.environment ?? {},
      flags: new Map(Object.entries(written.flags ?? {})),
      workingDirectory: folder,
      homeDirectory: folder
    })
  )

/** The errors of a configuration that must not load; fails the test when it does. */
export const problemsOf = (written: Written): Effect.Effect<ReadonlyArray<Problem>> =>
  Effect.flip(load(written)).pipe(
    Effect.map((invalid) => invalid.problems),
    Effect.orDie
  )

/** `storage.wal.sync-mode` and `immediate` -> the YAML document that sets it. */
export const yamlOf = (key: string, value: string): string => {
  const segments = key.split(".")
  const lines = segments.map((segment, depth) => `${"  ".repeat(depth)}${segment}:`)
  return `${lines.join("\n")} ${value}\n`
}
