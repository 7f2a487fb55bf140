/**
 * The whole broker in this process, as src/app.ts starts it: every listener, the admin listener, the log. For
 * tests of what lies outside of MQTT itself; layers are swapped in environments.ts.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { type RunningBroker, type StartOptions, startBroker } from "../../src/app.ts"
import { checkText, type LoadedSettings } from "../../src/config/load.ts"
import { memoryPair } from "../../src/listener/memory.ts"
import { resolveSettings } from "../../src/settings/resolve.ts"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import { Log } from "../../src/telemetry/logging.ts"
import { RawClient } from "./raw-client.ts"
import { TestBroker } from "./test-broker.ts"
import { memoryWire, tcpWire } from "./wire.ts"

const surroundings = { environment: {}, workingDirectory: "/", homeDirectory: "/" }
/** Ports the system chooses; no admin listener and nothing on disk unless it is asked for. */
const quiet = {
  server: { bind: ["127.0.0.1:0"], "ws-bind": [] },
  admin: { enabled: false },
  storage: { engine: "memory" }
}

export class WholeBroker extends TestBroker {
  readonly running: RunningBroker
  readonly log: ReadonlyArray<string>

  constructor(running: RunningBroker, log: ReadonlyArray<string>, stop: () => Promise<void>) {
    const { core } = running.broker
    super(() => tcpWire(this.portOf("tcp")), stop, core)
    this.running = running
    this.log = log
  }

  portOf(name: "tcp" | "tls" | "websocket" | "wss"): number {
    return this.running.listeners.find((listener) => listener.name === name)?.port ?? 0
  }

  /** A client without a kernel in between: what it does not read waits in the broker and nowhere else. */
  async joinInMemory(clientId: string): Promise<RawClient> {
    const { client, server } = memoryPair({ listener: "memory" })
    this.running.broker.accept(server)
    const joined = RawClient.over(memoryWire(client), 5)
    const { reasonCode } = await joined.connect(clientId)
    if (reasonCode !== 0) throw new Error(`CONNECT was refused with ${reasonCode}`)
    return joined
  }
}

/** `parts.load` is asked instead of `input`, where it is there: for what reloads. */
export const startWhole = async (
  input: SettingsInput = {},
  parts: Pick<StartOptions, "fs" | "load" | "configFile"> = {}
): Promise<WholeBroker> => {
  const scope = Scope.makeUnsafe()
  const lines: Array<string> = []
  const stop = () => Effect.runPromise(Scope.close(scope, Exit.void))
  const started = Effect.gen(function* () {
    const { server, admin, storage } = quiet
    const written = {
      ...input,
      server: { ...server, ...input.server },
      admin: { ...admin, ...input.admin },
      storage: { ...storage, ...input.storage }
    }
    const { load } = parts
    const loaded =
      load === undefined ? checkText(JSON.stringify(written), "settings", surroundings) : Effect.promise(load)
    const { settings } = (yield* loaded) as LoadedSettings
    const { level } = settings.log
    const write = (text: string) => void lines.push(text)
    const log = new Log({ format: "text", level, colour: false, write, wallClockMs: Date.now })
    const resolve = (changed: typeof settings) => resolveSettings(changed, surroundings)
    return yield* startBroker({ settings, log, version: "test", originOf: () => "test", resolve, ...parts })
  })
  const exit = await Effect.runPromiseExit(Effect.provideService(started, Scope.Scope, scope))
  if (Exit.isFailure(exit)) await stop()
  return new WholeBroker(await Effect.runPromise(exit), lines, stop)
}
