/**
 * Where a scenario runs. Each environment starts the same broker, put together from layers of which some are
 * swapped; the scenario sees a way to connect and nothing else of it.
 *
 *   tcp         production layers, a real socket
 *   memory      production layers, the in-memory pair; packets arrive in pieces whose lengths a seed decides
 *   reference   the reference codec (mqtt-packet both ways), a real socket
 *   naive       the naive router, the in-memory pair
 *   late log    a message log that shows its tail and keeps its promise later, the in-memory pair
 *   disk        the store on disk, in a folder of its own, and the in-memory pair
 *
 * `remote` is a broker that somebody else started: any MQTT broker, by host and port.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { listenerSettings, portsLayer } from "../../src/app.ts"
import { Broker, type BrokerShape } from "../../src/broker/broker.ts"
import { CodecPort, EventLog, MessageLogPort, RouterPort } from "../../src/broker/services.ts"
import { referenceCannotJudge, referenceCodec } from "../../src/codec/reference.ts"
import { checkText } from "../../src/config/load.ts"
import type { ListenError } from "../../src/listener/listen-error.ts"
import { openListeners } from "../../src/listener/listeners.ts"
import { listenMemory } from "../../src/listener/memory.ts"
import { makeNaiveRouter } from "../../src/router/naive-router.ts"
import type { Settings } from "../../src/settings/settings.ts"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import { MemoryLog } from "../../src/store/memory-log.ts"
import { LateLog } from "./late-log.ts"
import { TestBroker } from "./test-broker.ts"
import { memoryWire, tcpWire, type Wire } from "./wire.ts"

/** Layers that replace production's: provided on top of them. */
export type Swaps = ReadonlyArray<Layer.Layer<never>>
/** The reasons stand in src/codec/reference.ts. */
export type CannotJudge = keyof typeof referenceCannotJudge

export interface Environment {
  readonly name: string
  readonly cannot: ReadonlyArray<CannotJudge>
  readonly start: (settings?: SettingsInput, swaps?: Swaps) => Promise<TestBroker>
}

type Open = () => Promise<Wire>
type Listen = (settings: Settings, broker: BrokerShape) => Effect.Effect<Open, ListenError, Scope.Scope>

interface Parts {
  readonly name: string
  readonly listen: Listen
  readonly codec: string
  readonly router: string
  readonly isLogLate: boolean
  readonly isDurable: boolean
  readonly swaps: (settings: Settings) => Swaps
  readonly cannot: ReadonlyArray<CannotJudge>
}

const overTcp: Listen = (settings, { accept }) =>
  Effect.map(
    openListeners(listenerSettings(settings), accept),
    ([first]) =>
      () =>
        tcpWire(first?.port ?? 0)
  )

const inMemory =
  (chunkBytesMax: number): Listen =>
  (_, { accept }) =>
    Effect.map(listenMemory({ name: "memory", onTransport: accept }), (listener) => {
      let seed = 20_261_120
      return async () => {
        const transport = listener.connect({ chunkBytesMax, seed: (seed += 2) })
        if (transport === undefined) throw new Error("the listener is closed")
        return memoryWire(transport)
      }
    })

const production = { codec: "own", router: "tree", isLogLate: false, isDurable: false, swaps: () => [], cannot: [] }

export const environments: ReadonlyArray<Environment> = [
  environment({ ...production, name: "tcp", listen: overTcp }),
  environment({ ...production, name: "memory", listen: inMemory(13) }),
  environment({
    ...production,
    name: "reference",
    listen: overTcp,
    codec: "reference",
    swaps: () => [Layer.succeed(CodecPort, referenceCodec)],
    cannot: Object.keys(referenceCannotJudge) as ReadonlyArray<CannotJudge>
  }),
  environment({
    ...production,
    name: "naive",
    listen: inMemory(65_536),
    router: "naive",
    swaps: () => [Layer.sync(RouterPort, () => makeNaiveRouter())]
  }),
  environment({ ...production, name: "late log", listen: inMemory(65_536), isLogLate: true, swaps: lateLog }),
  environment({ ...production, name: "disk", listen: inMemory(65_536), isDurable: true })
]

/** Tail and promise come in a later turn of the loop, as a replicated log's would. */
function lateLog({ storage }: Settings): Swaps {
  const inner = new MemoryLog({ limitBytes: storage.memoryBufferBytes })
  return [Layer.sync(MessageLogPort, () => new LateLog(inner, setImmediate))]
}

/** Somebody else's broker; its settings are its own business. */
export const remote = (name: string, port: number, host?: string): Environment => ({
  name,
  cannot: [],
  start: async () =>
    new TestBroker(
      () => tcpWire(port, host),
      async () => undefined
    )
})

const listening = {
  server: { bind: ["127.0.0.1:0"], "ws-bind": [], "shutdown-timeout": "1s" },
  admin: { enabled: false }
}
const nowhere = { environment: {}, workingDirectory: "/", homeDirectory: "/" }

const dataFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "promptmq-scenario-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

function environment(parts: Parts): Environment {
  const start = async (input: SettingsInput = {}, swaps: Swaps = []): Promise<TestBroker> => {
    const scope = Scope.makeUnsafe()
    const started = Effect.gen(function* () {
      const storage = parts.isDurable
        ? { engine: "wal" as const, "data-dir": yield* dataFolder }
        : { engine: "memory" as const }
      const written = {
        ...listening,
        ...input,
        server: { ...listening.server, ...input.server },
        storage: { ...storage, ...input.storage }
      }
      const { settings } = yield* checkText(JSON.stringify(written), "settings", nowhere)
      const ports = Layer.mergeAll(portsLayer(settings), ...parts.swaps(settings), ...swaps)
      const layer = Broker.layer.pipe(Layer.provide(ports), Layer.provide(EventLog.layerSilent))
      const broker = Context.get(yield* Layer.build(layer), Broker)
      return { core: broker.core, open: yield* parts.listen(settings, broker) }
    })
    const { core, open } = await Effect.runPromise(Effect.provideService(started, Scope.Scope, scope))
    // A swap that did not take would make every scenario pass for nothing.
    const found = {
      codec: core.codec.name,
      router: core.router.name,
      isLogLate: core.log instanceof LateLog,
      isDurable: core.isDurable
    }
    const { codec, isDurable, isLogLate, router } = parts
    assert.deepEqual(found, { codec, router, isLogLate, isDurable }, parts.name)
    return new TestBroker(open, () => Effect.runPromise(Scope.close(scope, Exit.void)), core)
  }
  return { name: parts.name, cannot: parts.cannot, start }
}
