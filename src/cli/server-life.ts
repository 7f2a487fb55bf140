/**
 * The life of the broker's process as seen from the command line: start, start lines, wait, stop.
 *
 * Invariants
 * - The first SIGTERM or SIGINT closes the broker's scope: it stops accepting, says goodbye, flushes. Also
 *   while it still starts. Then the exit code is 0.
 * - SIGHUP reloads, once the broker runs; SIGUSR1 opens the log's file again.
 * - The second one leaves at once with 130 or 143.
 * - A stop that takes longer than server.shutdown-timeout and a grace is cut off: exit code 1.
 * - A log that fails ends the broker at once, without a retry: one line first, then the doors close, exit code 1.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { RunningBroker, StartError } from "../app.ts"
import type { LoadedSettings } from "../config/load.ts"
import type { ConfigurationDesk } from "../config/reload.ts"
import type { ListenError } from "../listener/listen-error.ts"
import { formatAddress } from "../settings/address.ts"
import type { StoreFailed } from "../wal/store-error.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { type ServiceManager, serviceManager } from "./service-manager.ts"
import { startLines } from "./start-lines.ts"
import { storeFailed, storeFault, storeRefused, type Told } from "./tell-store-error.ts"
import { complain, printProblem, say, type World } from "./world.ts"

/** On top of server.shutdown-timeout, which the broker keeps itself. */
const stopGraceMs = 1000

export async function runUntilSignal(
  start: Effect.Effect<RunningBroker, StartError, Scope.Scope>,
  loaded: LoadedSettings,
  world: World,
  service: Service = nobodyElse
): Promise<ExitCode> {
  const { manager } = service
  let running: RunningBroker | undefined
  const broker = start.pipe(
    Effect.tap((started) =>
      Effect.sync(() => {
        running = started
        say(world, startLines(started, loaded, world))
        manager.ready(readyWords(started), () => !started.broker.core.isDiskStalled)
        service.onReady()
      })
    ),
    Effect.flatMap((started) => started.failure),
    Effect.tapError((error) => Effect.sync(() => leaveFailed(error, loaded, world))),
    Effect.scoped
  )
  manager.starting(service.progress)
  const fiber = Effect.runFork(broker)
  const releaseService = world.onServiceSignal((signal) => {
    if (signal === "SIGUSR1") service.reopenLog()
    else void reloadBySignal(running?.configuration, service)
  })
  let signals = 0
  const release = world.onStopSignal((signal) => {
    signals++
    if (signals > 1) {
      world.leaveAtOnce(signal === "SIGINT" ? exitCodes.interrupted : exitCodes.terminated)
      return
    }
    say(world, `${signal}: stopping; once more leaves at once`)
    manager.stopping()
    cutOff(loaded.settings.server.shutdownTimeoutMs + stopGraceMs, world)
    fiber.interruptUnsafe()
  })
  const exit = await Effect.runPromise(Fiber.await(fiber))
  release()
  releaseService()
  await manager.sent()
  if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return exitCodes.done
  return tellFailure(exit.cause, loaded, world)
}

/** What the process has besides its broker. */
export interface Service {
  readonly manager: ServiceManager
  /** How far the start is, in words. */
  readonly progress?: (() => string) | undefined
  readonly reopenLog: () => void
  /** The broker is ready; a parent that waits may go. */
  readonly onReady: () => void
}

const nobodyElse: Service = {
  manager: serviceManager({
    environment: {},
    processId: 0,
    monotonicMicroseconds: () => 0n,
    send: () => Promise.resolve()
  }),
  reopenLog: () => {},
  onReady: () => {}
}

/** How it went is in the log, from the one place where reloads are made (config/reload.ts). */
async function reloadBySignal(configuration: ConfigurationDesk | undefined, service: Service): Promise<void> {
  const { manager } = service
  service.reopenLog()
  if (configuration === undefined) return
  manager.reloading()
  const outcome = await configuration.reload()
  manager.reloaded("applied" in outcome ? "configuration read again" : "configuration refused, the old one is in force")
}

function readyWords({ listeners }: RunningBroker): string {
  return `ready on ${listeners.map(({ url }) => url).join(" ")}`
}

/** Said before anything is closed: what closes may hang on the same disk. */
function leaveFailed(error: StartError | StoreFailed, loaded: LoadedSettings, world: World): void {
  if (error._tag !== "StoreFailed") return
  printProblem(world, storeFailed(error).problem)
  cutOff(loaded.settings.server.shutdownTimeoutMs + stopGraceMs, world)
}

function cutOff(timeoutMs: number, world: World): void {
  const timer = setTimeout(() => {
    say(world, `did not stop within ${timeoutMs} ms, cut off`)
    world.leaveAtOnce(exitCodes.failed)
  }, timeoutMs)
  timer.unref()
}

function tellFailure(cause: Cause.Cause<StartError | StoreFailed>, loaded: LoadedSettings, world: World): ExitCode {
  const error = Cause.findErrorOption(cause)
  if (Option.isNone(error)) {
    const fix = "this is a mistake of PromptMQ: please report it with these lines"
    complain(world, { code: "E1001", fact: Cause.pretty(cause), fix })
    return exitCodes.failed
  }
  return tellStartError(error.value, loaded, world)
}

function tellStartError(error: StartError | StoreFailed, loaded: LoadedSettings, world: World): ExitCode {
  switch (error._tag) {
    case "StoreRefused":
      return tell(storeRefused(error, loaded), world)
    case "StoreFault":
      return tell(storeFault(error, loaded), world)
    case "StoreFailed":
      // Told when it happened.
      return storeFailed(error).exitCode
    case "ListenError":
      for (const each of [error, ...error.others]) tellListenError(each, loaded, world)
      return error.reason === "port-in-use" ? exitCodes.alreadyRunning : exitCodes.failed
    case "TlsMaterialError":
      for (const problem of error.problems) complain(world, problem)
      return exitCodes.configInvalid
    case "ProviderRefused":
      for (const problem of error.problems) complain(world, problem)
      return exitCodes.configInvalid
    case "RulesInvalid":
      for (const problem of error.problems) printProblem(world, problem)
      return exitCodes.configInvalid
    case "AdminError":
      complain(world, { code: error.code, fact: `admin.token-file ${error.tokenFile}: ${error.fact}`, fix: error.fix })
      return exitCodes.failed
    case "BansFileError":
      complain(world, { code: "E3561", fact: error.message, fix: "repair it, or remove it: nobody is banned then" })
      return exitCodes.configInvalid
    case "PidFileError":
      if (error.holder !== undefined) {
        complain(world, { code: "E8002", fact: error.message, fix: "stop it first, or give this one another pid file" })
        return exitCodes.alreadyRunning
      }
      complain(world, {
        code: "E1001",
        fact: error.message,
        fix: "choose a file this user may write: --pid-file"
      })
      return exitCodes.failed
  }
}

function tell({ exitCode, problem }: Told, world: World): ExitCode {
  printProblem(world, problem)
  return exitCode
}

function tellListenError(error: ListenError, loaded: LoadedSettings, world: World): void {
  const code = error.reason === "port-in-use" ? "E8001" : "E1001"
  const fact = `listener ${error.listener} cannot listen on ${error.address}: ${error.fact}`
  complain(world, { code, fact, fix: `${error.fix}: ${flagFor(error, loaded)}` })
}

const flagOfListener: Readonly<Record<string, string>> = {
  admin: "admin-bind",
  websocket: "ws-bind",
  tls: "tls-bind",
  wss: "wss-bind",
  unix: "unix-bind"
}

/** The flag that moves this listener, with the next port as an example. */
function flagFor(error: ListenError, loaded: LoadedSettings): string {
  const { server, admin } = loaded.settings
  const flag = flagOfListener[error.listener] ?? "bind"
  const all = [...server.bind, ...server.wsBind, ...server.tlsBind, ...server.wssBind, admin.bind]
  const taken = all.find((address) => formatAddress(address) === error.address)
  return taken === undefined ? `--${flag}` : `--${flag} ${formatAddress({ ...taken, port: taken.port + 1 })}`
}
