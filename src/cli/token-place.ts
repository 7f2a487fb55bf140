/**
 * What the `promptmq token` commands share: which tokens file, and what is in it. The file is admin.tokens-file of the
 * configuration, found as `promptmq server` does, or the one of --file. A running broker reads it again within a second.
 */
import { resolve } from "node:path"
import { readTokens, type TokenRow } from "../admin/tokens-file.ts"
import { ConfigInvalid } from "../config/config-invalid.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { type Decoded, text } from "./grammar/option.ts"
import { configOption, load, printInvalid } from "./settings-options.ts"
import { complain, type World } from "./world.ts"

export const tokensFileOptions = {
  config: configOption.config,
  file: text("the tokens file (admin.tokens-file)", { placeholder: "file", isFile: true })
}

export interface ChosenTokens {
  readonly file: string
  readonly rows: ReadonlyArray<TokenRow>
}

export async function chooseTokens(
  options: Decoded<typeof tokensFileOptions>,
  world: World
): Promise<ChosenTokens | ExitCode> {
  let file = options.file === undefined ? undefined : resolve(world.workingDirectory, options.file)
  if (file === undefined) {
    const loaded = await load(options.config, new Map(), world)
    if (loaded instanceof ConfigInvalid) {
      printInvalid(world, loaded)
      return exitCodes.configInvalid
    }
    file = loaded.settings.admin.tokensFile
  }
  const rows = readTokens(file)
  if (typeof rows !== "string") return { file, rows }
  const fix = "mend it, or remove it and make its tokens anew"
  complain(world, { code: "E3562", fact: `${file}: ${rows}`, fix })
  return exitCodes.configInvalid
}
