/**
 * storage.wal.crash-recovery-validation: silent on a good log, also beside an appender at work; damage that recovery knows
 * is no news; damage that it does not know is refused.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { verifyAgain } from "../../src/store/verify-again.ts"
import { MemoryFs } from "../fault/memory-fs.ts"
import { openStoreManually, publishTo, storeOptions } from "./store-world.ts"

const written = Effect.gen(function* () {
  const fs = new MemoryFs()
  const { store } = yield* openStoreManually(storeOptions(fs))
  for (let i = 0; i < 20; i++) publishTo(store.log, { topic: "t", payload: `precious ${i}` })
  yield* store.log.force
  // The next frame says how far the ones before it are durable.
  publishTo(store.log, { topic: "t", payload: "later" })
  yield* store.log.force
  return { fs, store }
})

describe("verifying once more", () => {
  it.effect("finds nothing in a good log that is being written to", () =>
    Effect.gen(function* () {
      const { fs, store } = yield* written
      publishTo(store.log, { topic: "t", payload: "not synced yet" })
      yield* verifyAgain(fs, "log", store)
    })
  )

  it.effect("refuses damage that recovery has not seen, and knows what it has", () =>
    Effect.gen(function* () {
      const { fs, store } = yield* written
      const path = [...fs.content().keys()].find((name) => name.endsWith(".0.wal")) ?? ""
      const bytes = fs.content().get(path) as Buffer
      const at = bytes.indexOf("precious 7")
      fs.files.get(path)?.write(at, Buffer.from("P"))
      const refused = yield* Effect.flip(verifyAgain(fs, "log", store))
      assert.strictEqual(refused._tag === "StoreRefused" ? refused.reason : refused._tag, "corrupt")
      const offset = Number(/at byte (\d+)/.exec(refused.message)?.[1])
      const segment = path.slice("log/".length)
      const damages = [{ segment, offset, lengthBytes: 1, lost: [], isNew: true }]
      yield* verifyAgain(fs, "log", { report: { ...store.report, damages } })
    })
  )
})
