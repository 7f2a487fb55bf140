/**
 * Our broker as a target: one in this process per make-up, each on a port of its own.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { listenerSettings, portsLayer } from "../../../src/app.ts"
import { Broker } from "../../../src/broker/broker.ts"
import { EventLog } from "../../../src/broker/services.ts"
import { checkText } from "../../../src/config/load.ts"
import { openListeners } from "../../../src/listener/listeners.ts"
import type { SettingsInput } from "../../../src/settings/settings-input.ts"
import { tcpWire } from "../../support/wire.ts"
import { enhancedAccess, guardedAccess } from "./access.ts"
import { type MakeUp, narrow, type Target } from "./target.ts"
import { websocketWire } from "./websocket-wire.ts"

type Mqtt = NonNullable<SettingsInput["mqtt"]>

const responseInformation = "answers/"

const settingsOf: Readonly<Record<Exclude<MakeUp, "websocket">, Mqtt>> = {
  plain: { "response-information": responseInformation },
  qos0: { "max-qos": 0 },
  qos1: { "max-qos": 1 },
  "no-retain": { "retain-available": false },
  "no-wildcard": { "wildcard-available": false },
  "no-alias": { "topic-alias-maximum": 0 },
  narrow: {
    "max-packet-size": `${narrow.packetBytes}B`,
    "receive-maximum": narrow.receiveMaximum,
    "max-client-id-len": narrow.clientIdLength,
    "topic-alias-maximum": narrow.topicAliasMaximum
  },
  guarded: {},
  enhanced: {}
}
const accessOf: Partial<Record<MakeUp, Layer.Layer<never>>> = { guarded: guardedAccess, enhanced: enhancedAccess }

const nowhere = { environment: {}, workingDirectory: "/", homeDirectory: "/" }

export const startPromptmq = async (): Promise<Target> => {
  const scope = Scope.makeUnsafe()
  const started = Effect.forEach(Object.entries(settingsOf), ([makeUp, mqtt]) =>
    Effect.map(start(makeUp as MakeUp, mqtt), (ports) => [makeUp, ports] as const)
  )
  const ports = new Map(await Effect.runPromise(Effect.provideService(started, Scope.Scope, scope)))
  return {
    name: "PromptMQ",
    features: {
      tellsWhy: true,
      givesReasons: true,
      responseInformation,
      sendsAliases: true,
      deniesFilters: true,
      mergesOverlaps: true,
      longestClientId: narrow.clientIdLength
    },
    open: (makeUp) =>
      makeUp === "websocket"
        ? websocketWire("127.0.0.1", ports.get("plain")?.websocket ?? 0)
        : tcpWire(ports.get(makeUp)?.tcp ?? 0),
    stop: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

const start = Effect.fnUntraced(function* (makeUp: MakeUp, mqtt: Mqtt) {
  const server = { bind: ["127.0.0.1:0"], "ws-bind": ["127.0.0.1:0"], "shutdown-timeout": "1s" }
  const written = { server, mqtt, admin: { enabled: false }, storage: { engine: "memory" } }
  const { settings } = yield* checkText(JSON.stringify(written), "settings", nowhere)
  const ports = Layer.mergeAll(portsLayer(settings), accessOf[makeUp] ?? Layer.empty)
  const layer = Broker.layer.pipe(Layer.provide(ports), Layer.provide(EventLog.layerSilent))
  const { accept } = Context.get(yield* Layer.build(layer), Broker)
  const listeners = yield* openListeners(listenerSettings(settings), accept)
  const portOf = (kind: string) => listeners.find((listener) => listener.kind === kind)?.port ?? 0
  return { tcp: portOf("tcp"), websocket: portOf("websocket") }
})
