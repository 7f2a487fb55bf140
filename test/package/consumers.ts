/**
 * Programs that use the installed package, as text: package.test.ts writes them into an empty project, checks their
 * types against the shipped declarations and runs them. Each ends by itself and prints one line of JSON.
 */

export const promiseProgram = `
import mqtt from "mqtt"
import { Broker, BrokerError, ConfigInvalid, ListenError, type EmbeddedBroker, type Message, type SettingsInput } from "promptmq"

const settings: SettingsInput = {
  server: { bind: ["127.0.0.1:0"], "ws-bind": "" },
  mqtt: { "max-packet-size": "64KiB", "max-qos": 2 },
  log: { level: "debug" }
}
const log: Array<string> = []
const broker: EmbeddedBroker = await Broker.start(settings, { onLog: (line) => log.push(line) })
const listener = broker.listeners[0]
if (listener === undefined) throw new Error("no listener")

const client = await mqtt.connectAsync(\`mqtt://\${listener.host}:\${listener.port}\`, { protocolVersion: 5 })
await client.subscribeAsync("to/client", { qos: 1 })
const atClient = new Promise<string>((resolve) => client.on("message", (_topic, payload) => resolve(payload.toString())))
const atHost = new Promise<Message>((resolve) => void broker.subscribe("to/host", resolve, { qos: 2 }).then(async () => {
  await client.publishAsync("to/host", "from the client", { qos: 2 })
}))
await broker.publish("to/client", new TextEncoder().encode("from the host"), { qos: 1 })
const { topic, payload, qos, retain } = await atHost

const problems = await Broker.start({ mqtt: { "max-qos": 3, "max-inflight": 0 }, log: { level: "info" } }).then(
  () => [],
  (error: unknown) => (error instanceof ConfigInvalid ? error.problems : [])
)
const taken = await Broker.start({ server: { bind: \`127.0.0.1:\${listener.port}\`, "ws-bind": "" } }).catch((error: unknown) =>
  error instanceof ListenError ? error.reason : String(error)
)
const refusals: Array<string> = []
const refused = async (ask: Promise<unknown>) => {
  await ask.catch((error: unknown) => refusals.push(error instanceof BrokerError ? error.reason : String(error)))
}
await refused(broker.publish("not/#/a/topic", ""))
await refused(broker.subscribe("not/a#filter", () => {}))
await client.endAsync()
await broker.stop()
await broker.stop()
await refused(broker.publish("late", ""))

const types = async () => {
  // @ts-expect-error a section that does not exist
  await Broker.start({ mqt: {} })
  // @ts-expect-error a key that does not exist
  await Broker.start({ mqtt: { "max-qoss": 1 } })
  // @ts-expect-error a value of the wrong type
  await Broker.start({ mqtt: { "max-qos": "2" } })
  // @ts-expect-error not one of the choices
  await Broker.start({ log: { level: "loud" } })
  // @ts-expect-error neither text nor bytes
  await broker.publish("x", 5)
  // @ts-expect-error no such QoS
  await broker.publish("x", "", { qos: 3 })
}
console.log(JSON.stringify({
  atClient: await atClient,
  atHost: [topic, payload.toString(), qos, retain],
  problems: problems.map(({ code, key, fix }) => [code, key, typeof fix]),
  taken, refusals, isLogged: log.length > 0, types: typeof types
}))
`

export const effectProgram = `
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { Broker, BrokerService } from "promptmq"

const program = Effect.gen(function* () {
  const broker = yield* BrokerService
  yield* broker.publish("greeting", "hello", { retain: true, qos: 1 })
  const taken = yield* broker.messages("greeting").pipe(Stream.take(1), Stream.runCollect)
  const refusal = yield* Effect.flip(broker.publish("+", ""))
  return { payload: taken[0]?.payload.toString(), refusal: refusal.reason, port: broker.listeners[0]?.port }
})
const settings = { server: { bind: "127.0.0.1:0", "ws-bind": "" } }
const invalid = Broker.layer({ mqtt: { "max-qos": 7 } })

const done = await Effect.runPromise(program.pipe(Effect.provide(Broker.layer(settings))))
const problem = await Effect.runPromise(
  program.pipe(
    Effect.provide(invalid),
    Effect.map(() => "none"),
    Effect.catchTag("ConfigInvalid", ({ problems }) => Effect.succeed(problems[0]?.code))
  )
)
console.log(JSON.stringify({ ...done, port: typeof done.port, problem }))
`

export const durableProgram = `
import { existsSync } from "node:fs"
import { Broker, type SettingsInput } from "promptmq"

const settings: SettingsInput = {
  server: { bind: "127.0.0.1:0", "ws-bind": "" },
  storage: { engine: "wal", "data-dir": "kept" },
  topics: { policies: [{ filter: "limited/#", "max-messages": 1 }] }
}
const first = await Broker.start(settings)
await first.publish("state", "21.5", { qos: 1, retain: true })
await first.stop()
const log: Array<string> = []
const second = await Broker.start(settings, { onLog: (line) => log.push(line) })
const value = await new Promise<string>((resolve) => {
  void second.subscribe("state", ({ payload }) => resolve(payload.toString()))
})
await second.stop()
const inMemory = await Broker.start({ server: settings.server ?? {} })
await inMemory.stop()
console.log(JSON.stringify({ value, isIndexed: existsSync("kept/index/data.mdb"), complaints: log.filter((line) => /level=(warn|error)/.test(line)) }))
`
