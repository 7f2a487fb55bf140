/** The in-memory pair: the contract, whole and in pieces; the same seed cuts the same way. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { listenMemory, type MemoryPairOptions, memoryPair } from "../../src/listener/memory.ts"
import type { Transport } from "../../src/listener/transport.ts"
import { transportContract, until } from "../contract/transport.ts"
import { MemoryPeer } from "./peers.ts"

const caseOf = (options: MemoryPairOptions) => ({
  kind: "memory" as const,
  listener: "inside",
  peerAddress: /^memory:client$/,
  open: Effect.sync(() => {
    const pair = memoryPair({ ...options, listener: "inside" })
    return { transport: pair.server, peer: new MemoryPeer(pair) }
  })
})

transportContract("memory, whole writes", caseOf({}))
transportContract("memory, in pieces", caseOf({ chunkBytesMax: 30_000, seed: 7 }))

async function pieces(seed: number): Promise<ReadonlyArray<number>> {
  const { server, client } = memoryPair({ chunkBytesMax: 9, seed })
  const lengths: Array<number> = []
  client.onData = (chunk) => void lengths.push(chunk.length)
  server.write(Buffer.alloc(200), () => undefined)
  await until(() => lengths.reduce((sum, length) => sum + length, 0) === 200)
  return lengths
}

describe("memory pair", () => {
  it("cuts in the same places for the same seed, in others for another", async () => {
    assert.deepStrictEqual(await pieces(3), await pieces(3))
    assert.notDeepEqual(await pieces(3), await pieces(4))
  })

  it.live("a listener accepts until its scope is closed", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const accepted: Array<Transport> = []
      const listener = yield* Scope.provide(
        listenMemory({ name: "inside", onTransport: (transport) => accepted.push(transport) }),
        scope
      )
      assert.isDefined(listener.connect())
      assert.strictEqual(accepted[0]?.listener, "inside")
      yield* Scope.close(scope, Exit.void)
      assert.isUndefined(listener.connect())
      assert.strictEqual(accepted.length, 1)
    })
  )
})
