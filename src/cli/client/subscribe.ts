/**
 * The life of `promptmq sub`: connect, unsubscribe, subscribe, print until there is a reason to leave.
 *
 * Invariants
 * - The message handler is in place before CONNECT: a kept session sends at once.
 * - After the last wanted message (-C) nothing more is printed and nothing more is acknowledged: what we
 *   did not print stays with a kept session for the next run.
 */
import type { MqttClient, Packet } from "mqtt"
import { PacketType } from "../../codec/codec.ts"
import { subscriptionMatches } from "../../router/topic-filter.ts"
import { type ExitCode, exitCodes } from "../exit-codes.ts"
import { complain, say, type World, warn } from "../world.ts"
import { ConnectFailure, type Connection, connect } from "./connect.ts"
import { type ConnectionSettings, type Qos, targetText } from "./connection-settings.ts"
import { EndingWatch } from "./ending.ts"
import { NotJson, type Render } from "./message-format.ts"
import { exitCodeOfSuback, reasonText, subackText } from "./reason-text.ts"
import { type Received, receivedFrom } from "./received.ts"

export interface SubscribePlan {
  readonly filters: ReadonlyArray<string>
  readonly filteredOut: ReadonlyArray<string>
  readonly unsubscribed: ReadonlyArray<string>
  readonly qos: Qos
  readonly render: Render
  readonly countMax: number | undefined
  readonly timeoutMs: number | undefined
  readonly isLeavingWhenSubscribed: boolean
  readonly isRetainedSkipped: boolean
  readonly isRetainedOnly: boolean
  readonly isRetainedRemoved: boolean
  readonly isRetainAsPublished: boolean
  readonly retainHandling: 0 | 1 | 2
}

export async function subscribe(plan: SubscribePlan, settings: ConnectionSettings, world: World): Promise<ExitCode> {
  const { promise: left, resolve: leave } = Promise.withResolvers<ExitCode>()
  const timer = plan.timeoutMs === undefined ? undefined : setTimeout(() => leave(exitCodes.timedOut), plan.timeoutMs)
  const connecting = connect(settings, world, {
    isReconnecting: true,
    prepare: (client) => attachPrinter(client, plan, world, leave)
  })
  const connection = await Promise.race([connecting, left])
  if (typeof connection === "number") return timedOut(connection, settings, world)
  if (connection instanceof ConnectFailure) {
    clearTimeout(timer)
    if (!settings.isQuiet) complain(world, connection)
    return connection.exitCode
  }
  const exitCode = await untilLeft(connection, plan, settings, world, left)
  clearTimeout(timer)
  return exitCode
}

async function untilLeft(
  connection: Connection,
  plan: SubscribePlan,
  settings: ConnectionSettings,
  world: World,
  left: Promise<ExitCode>
): Promise<ExitCode> {
  const watch = new EndingWatch(connection.client, world, true)
  announceReconnects(connection.client, watch, settings, world)
  const subscribed = await watch.orEnd(Promise.race([subscribeAll(connection.client, plan, settings, world), left]))
  const exitCode = subscribed ?? (await watch.orEnd(left))
  const { ending } = watch
  watch.release()
  await connection.end()
  if (exitCode === exitCodes.timedOut) return timedOut(exitCode, settings, world)
  if (ending?.complaint !== undefined && !settings.isQuiet) complain(world, ending.complaint)
  return exitCode ?? ending?.exitCode ?? exitCodes.failed
}

function timedOut(exitCode: ExitCode, settings: ConnectionSettings, world: World): ExitCode {
  if (!settings.isQuiet) say(world, "timed out")
  return exitCode
}

/** An exit code when there is nothing to wait for: all refused, or only asked to subscribe. */
async function subscribeAll(
  client: MqttClient,
  plan: SubscribePlan,
  settings: ConnectionSettings,
  world: World
): Promise<ExitCode | undefined> {
  if (plan.unsubscribed.length > 0) await unsubscribeFrom(client, plan, settings, world)
  if (plan.filters.length === 0) return exitCodes.done
  const codes = await subscribeTo(client, plan, settings)
  if (codes === undefined) return exitCodes.failed
  let refused = 0
  for (const [index, code] of codes.entries()) {
    const line = `${plan.filters[index]}: ${subackText(code)}`
    if (code >= 0x80) refused++
    if (settings.isQuiet) continue
    if (code >= 0x80) warn(world, line)
    else say(world, `subscribed to ${plan.filters[index]}, ${subackText(code)}`)
  }
  if (refused === codes.length) return exitCodeOfSuback(codes[0] ?? 0x80)
  return plan.isLeavingWhenSubscribed ? exitCodes.done : undefined
}

/** The codes of SUBACK, in the order of the filters; undefined when the answer does not fit. */
function subscribeTo(
  client: MqttClient,
  plan: SubscribePlan,
  settings: ConnectionSettings
): Promise<ReadonlyArray<number> | undefined> {
  const { qos, isRetainAsPublished: rap, retainHandling: rh } = plan
  const each = settings.protocolVersion === 5 ? { qos, rap, rh } : { qos }
  const bag = settings.properties.subscribe
  return new Promise((resolve) => {
    client.subscribe(
      [...plan.filters],
      { ...each, ...(bag === undefined ? {} : { properties: bag }) },
      (error, _granted, packet) => {
        const codes = packet?.granted.map(Number)
        resolve(codes?.length === plan.filters.length ? codes : error ? [] : undefined)
      }
    )
  })
}

function unsubscribeFrom(
  client: MqttClient,
  plan: SubscribePlan,
  settings: ConnectionSettings,
  world: World
): Promise<void> {
  const bag = settings.properties.unsubscribe
  return new Promise((resolve) => {
    client.unsubscribe([...plan.unsubscribed], bag === undefined ? {} : { properties: bag }, (_error, packet) => {
      const codes = packet?.cmd === "unsuback" ? unsubackCodes(packet) : []
      for (const [index, code] of codes.entries()) {
        if (code !== 0 && !settings.isQuiet) {
          warn(world, `${plan.unsubscribed[index]}: ${reasonText(code, PacketType.unsuback)}`)
        }
      }
      resolve()
    })
  })
}

/** MQTT 3.x acknowledges without codes. */
function unsubackCodes(packet: Packet & { readonly granted?: unknown }): ReadonlyArray<number> {
  return Array.isArray(packet.granted) ? packet.granted.map(Number) : []
}

function attachPrinter(client: MqttClient, plan: SubscribePlan, world: World, leave: (code: ExitCode) => void): void {
  let printed = 0
  let hasLeft = false
  let isUnwanted = false
  client.on("message", (topic, payload, packet) => {
    isUnwanted = hasLeft
    if (hasLeft) return
    const message = receivedFrom(packet, topic, payload, world.wallClockMs())
    if (!message.retain && plan.isRetainedOnly) {
      hasLeft = true
      leave(exitCodes.done)
      return
    }
    if (plan.filteredOut.some((filter) => subscriptionMatches(filter, topic))) return
    if (message.retain && plan.isRetainedRemoved) client.publish(topic, "", { retain: true, qos: plan.qos })
    if (message.retain && plan.isRetainedSkipped) return
    print(message, plan, world)
    printed++
    if (printed === plan.countMax) {
      hasLeft = true
      leave(exitCodes.done)
    }
  })
  // The library acknowledges when this calls back.
  client.handleMessage = (_packet, done) => {
    if (!isUnwanted) done()
  }
}

function print(message: Received, plan: SubscribePlan, world: World): void {
  const text = plan.render(message)
  if (!(text instanceof NotJson)) world.stdout.write(text)
  else warn(world, `the payload on ${text.topic} is not JSON; %j prints any payload as a string`)
}

function announceReconnects(client: MqttClient, watch: EndingWatch, settings: ConnectionSettings, world: World): void {
  if (settings.isQuiet) return
  client.on("offline", () => {
    if (!watch.isSentAway) say(world, `lost ${targetText(settings.target)}, trying again every second`)
  })
  client.on("connect", () => say(world, `connected to ${targetText(settings.target)} again`))
}
