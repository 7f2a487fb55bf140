/**
 * `promptmq server`, and `promptmq` alone: loads the settings, starts the broker, says what it chose, and
 * stays until a signal. How the broker is put together is app.ts's business. The log goes to stdout or
 * to log.file (server-log.ts), what is said to the person who started it to stderr.
 *
 * Exit codes: 0 after a graceful stop, 3 for a configuration that is not valid or a data folder that cannot be one, 7
 * for damaged data, 8 when a port or the data folder is taken, 1 when it cannot start otherwise or the log fails; a second signal leaves at once with 130 or 143.
 */
import { HealthState } from "../admin/health-state.ts"
import { type StartOptions, startBroker } from "../app.ts"
import { ConfigInvalid } from "../config/config-invalid.ts"
import type { LoadedSettings } from "../config/load.ts"
import { defaultOrigin, formatOrigin } from "../config/origin.ts"
import { resolveSettings } from "../settings/resolve.ts"
import { detach, isDetachedChild, tellParent } from "./daemon.ts"
import { exitCodes } from "./exit-codes.ts"
import { makeFirstUser } from "./first-user.ts"
import { commandBody } from "./grammar/command.ts"
import { text } from "./grammar/option.ts"
import { runUntilSignal } from "./server-life.ts"
import { type ServerLog, serverLog } from "./server-log.ts"
import { sendByProgram, serviceManager } from "./service-manager.ts"
import { configOption, load, printInvalid, settingsFlags, settingsOptions, surroundings } from "./settings-options.ts"
import { tuneCompilers } from "./tier-up.ts"
import { packageVersion } from "./version.ts"
import { complain, printProblem, type World } from "./world.ts"

/** What mosquitto, and many others, call it. */
const address = "an address is --bind 127.0.0.1:1883, or --bind :1883 for every one"
const hints = {
  "-p": address,
  "--port": address,
  "-h": address,
  "--host": address,
  "-v": "to see more: --log-level debug",
  "--verbose": "to see more: --log-level debug",
  "-d": "in the background: --daemon",
  "-V": "promptmq --version"
}

export const body = commandBody({
  notes: [
    "Without a configuration: loopback only, everyone allowed there, data in $XDG_STATE_HOME/promptmq.",
    "Every setting has a flag, a variable (PROMPTMQ_...) and a key in the file; a flag wins over a variable, a variable over the file. The table is in promptmq man promptmq.yaml.",
    "SIGHUP reads the configuration, certificates, users and rules again, all or nothing; SIGUSR1 opens log.file again.",
    "SIGTERM and Ctrl-C stop it gracefully within server.shutdown-timeout; a second one leaves at once."
  ],
  examples: [
    { line: "promptmq", why: "a broker on this machine" },
    { line: "promptmq server -c broker.yaml", why: "with a configuration; promptmq config init writes one" },
    { line: "promptmq server --bind 127.0.0.1:1884 --log-level debug", why: "settings as flags" }
  ],
  operands: [],
  options: {
    ...configOption,
    "first-user": text("where there is no password file yet: make it, with this user and a random password", {
      placeholder: "name"
    }),
    ...settingsOptions
  },
  hints,
  isHelpWhenBare: false,
  run: async ({ options }, world) => {
    const loaded = await load(options.config, settingsFlags(options), world)
    if (loaded instanceof ConfigInvalid) {
      printInvalid(world, loaded)
      return exitCodes.configInvalid
    }
    const isChild = isDetachedChild()
    if (loaded.settings.server.daemon && !isChild) return detach(world)
    for (const warning of loaded.warnings) printProblem(world, warning)
    const name = options["first-user"]
    const failed = name === undefined ? undefined : makeFirstUser(name, loaded.settings, world)
    if (failed !== undefined) return failed
    const log = serverLog(loaded.settings, world)
    if (log.fault !== undefined) {
      const fact = `log.file ${loaded.settings.log.file} cannot be written: ${log.fault}`
      complain(world, { code: "E1311", fact, fix: "choose a file this user may write: --log-file" })
      return exitCodes.failed
    }
    const again = () => load(options.config, settingsFlags(options), world)
    const manager = serviceManager({
      environment: world.env,
      processId: world.processId,
      monotonicMicroseconds: () => process.hrtime.bigint() / 1000n,
      send: sendByProgram
    })
    const health = new HealthState()
    const service = {
      manager,
      progress: () => health.progressWords,
      reopenLog: log.reopen,
      onReady: () => {
        if (isChild) tellParent()
        tuneCompilers()
      }
    }
    const start = startBroker({ ...startOptions(loaded, log, again, world), health })
    const code = await runUntilSignal(start, loaded, world, service)
    log.close()
    return code
  }
})

function startOptions(
  loaded: LoadedSettings,
  { log, onChanged }: ServerLog,
  again: NonNullable<StartOptions["load"]>,
  world: World
): StartOptions {
  const { file, settings, origins } = loaded
  return {
    settings,
    log,
    onChanged,
    load: again,
    configFile: file,
    version: packageVersion(),
    originOf: (key) => formatOrigin(origins.get(key) ?? defaultOrigin),
    resolve: (changed) => resolveSettings(changed, surroundings(world))
  }
}
