/**
 * `promptmq ping`: is there a broker, does it let us in, how fast does it answer. One CONNECT, some
 * PINGREQs, one line each. For scripts the exit code says it all: 0 answered, 4 not reached, 5 refused.
 */
import type { Packet } from "mqtt"
import { ConnectFailure, type Connection, connect } from "./client/connect.ts"
import { connectionOptions } from "./client/connection-options.ts"
import { type ConnectionSettings, connectionSettings, targetText } from "./client/connection-settings.ts"
import { EndingWatch } from "./client/ending.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { number, UsageFault } from "./grammar/option.ts"
import { complain, type World } from "./world.ts"

export const body = commandBody({
  notes: ["The options are those of pub and sub; -h is the host."],
  examples: [
    { line: "promptmq ping", why: "the broker on this machine" },
    { line: "promptmq ping -L mqtts://user@host --count 1 --quiet", why: "in a health check: the exit code tells" }
  ],
  operands: [],
  options: {
    count: number("how many pings (3)", { placeholder: "times", minimum: 0, maximum: 1_000_000 }),
    interval: number("seconds between two (1)", {
      placeholder: "seconds",
      minimum: 0,
      maximum: 86_400,
      isFractional: true
    }),
    ...connectionOptions([])
  },
  isHelpWhenBare: false,
  run: async ({ options }, world) => {
    const settings = connectionSettings(options, world.processId)
    if (settings instanceof UsageFault) return settings
    const connection = await connect(settings, world, { isReconnecting: false })
    if (connection instanceof ConnectFailure) {
      if (!settings.isQuiet) complain(world, connection)
      return connection.exitCode
    }
    return ping(connection, settings, { times: options.count ?? 3, intervalMs: (options.interval ?? 1) * 1000 }, world)
  }
})

interface Rhythm {
  readonly times: number
  readonly intervalMs: number
}

const answerTimeoutMs = 10_000

async function ping(
  connection: Connection,
  settings: ConnectionSettings,
  rhythm: Rhythm,
  world: World
): Promise<ExitCode> {
  const place = targetText(settings.target)
  const print = (text: string): void => {
    if (!settings.isQuiet) world.stdout.write(`${text}\n`)
  }
  const watch = new EndingWatch(connection.client, world, false)
  print(`${place} accepted the connection, ${connection.connectMs.toFixed(1)} ms`)
  let isAnswered = true
  for (let count = 1; count <= rhythm.times && isAnswered && watch.ending === undefined; count++) {
    if (count > 1) await watch.orEnd(new Promise((resolve) => setTimeout(resolve, rhythm.intervalMs)))
    const roundTripMs = watch.ending === undefined ? await watch.orEnd(roundTrip(connection, world)) : undefined
    isAnswered = roundTripMs !== Number.POSITIVE_INFINITY
    if (!isAnswered) print(`${place} did not answer ping ${count} within ${answerTimeoutMs / 1000} s`)
    else if (roundTripMs !== undefined) print(`${place} answered ping ${count}, ${roundTripMs.toFixed(2)} ms`)
  }
  const { ending } = watch
  watch.release()
  await connection.end()
  if (ending?.complaint !== undefined && !settings.isQuiet) complain(world, ending.complaint)
  return ending?.exitCode ?? (isAnswered ? exitCodes.done : exitCodes.unreachable)
}

/** Milliseconds; Infinity when no answer came in time. */
function roundTrip(connection: Connection, world: World): Promise<number> {
  const { client } = connection
  const startedMs = world.monotonicMs()
  return new Promise((resolve) => {
    const finish = (elapsedMs: number): void => {
      clearTimeout(timer)
      client.off("packetreceive", onPacket)
      resolve(elapsedMs)
    }
    const onPacket = (packet: Packet): void => {
      if (packet.cmd === "pingresp") finish(world.monotonicMs() - startedMs)
    }
    const timer = setTimeout(finish, answerTimeoutMs, Number.POSITIVE_INFINITY)
    client.on("packetreceive", onPacket)
    client.sendPing()
  })
}
