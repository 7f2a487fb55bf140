/**
 * `promptmq server`, and `promptmq` alone: loads the settings, starts the broker, says what it chose, and
 * stays until a signal. How the broker is put together is app.ts's business. The log goes to stdout, what is
 * said to the person who started it to stderr.
 *
 * Exit codes: 0 after a graceful stop, 3 for a configuration that is not valid or a data folder that cannot be one, 7
 * for damaged data, 8 when a port or the data folder is taken, 1 when it cannot start otherwise or the log fails; a second signal leaves at once with 130 or 143.
 */
import { type StartOptions, startBroker } from "../app.ts"
import { ConfigInvalid } from "../config/config-invalid.ts"
import type { LoadedSettings } from "../config/load.ts"
import { defaultOrigin, formatOrigin } from "../config/origin.ts"
import { resolveSettings } from "../settings/resolve.ts"
import { logFormatFor } from "../telemetry/log-format.ts"
import { Log } from "../telemetry/logging.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { runUntilSignal } from "./server-life.ts"
import { configOption, load, printInvalid, settingsFlags, settingsOptions, surroundings } from "./settings-options.ts"
import { packageVersion } from "./version.ts"
import { isColourWanted, printProblem, type World } from "./world.ts"

export const body = commandBody({
  notes: [
    "Without a configuration: loopback only, everyone allowed there, data in $XDG_STATE_HOME/promptmq.",
    "Every setting has a flag, a variable (PROMPTMQ_...) and a key in the file; a flag wins over a variable, a variable over the file. The table is in promptmq man promptmq.yaml.",
    "SIGTERM and Ctrl-C stop it gracefully within server.shutdown-timeout; a second one leaves at once."
  ],
  examples: [
    { line: "promptmq", why: "a broker on this machine" },
    { line: "promptmq server -c broker.yaml", why: "with a configuration; promptmq config init writes one" },
    { line: "promptmq server --bind 127.0.0.1:1884 --log-level debug", why: "settings as flags" }
  ],
  operands: [],
  options: { ...configOption, ...settingsOptions },
  isHelpWhenBare: false,
  run: async ({ options }, world) => {
    const loaded = await load(options.config, settingsFlags(options), world)
    if (loaded instanceof ConfigInvalid) {
      printInvalid(world, loaded)
      return exitCodes.configInvalid
    }
    for (const warning of loaded.warnings) printProblem(world, warning)
    return runUntilSignal(startBroker(startOptions(loaded, world)), loaded, world)
  }
})

function startOptions(loaded: LoadedSettings, world: World): StartOptions {
  const { settings, origins } = loaded
  const { stdout } = world
  const log = new Log({
    level: settings.log.level,
    format: logFormatFor(settings.log.format, stdout.isTerminal),
    colour: isColourWanted(world, stdout),
    write: (entry) => stdout.write(entry),
    wallClockMs: world.wallClockMs
  })
  return {
    settings,
    log,
    version: packageVersion(),
    originOf: (key) => formatOrigin(origins.get(key) ?? defaultOrigin),
    resolve: (changed) => resolveSettings(changed, surroundings(world))
  }
}
