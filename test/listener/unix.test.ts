/**
 * Unix sockets: the contract, and the file: who may connect, what is replaced, what is never touched, that it goes.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Transport } from "../../src/listener/transport.ts"
import { listenUnix } from "../../src/listener/unix.ts"
import { transportContract, until } from "../contract/transport.ts"
import { UnixPeer } from "./peers.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-unix-"))
afterAll(() => rmSync(folder, { recursive: true }))
let count = 0
const freshPath = () => join(folder, `${count++}.sock`)

const listen = (path: string, mode = 0o660) =>
  Effect.gen(function* () {
    const accepted: Array<Transport> = []
    const onTransport = (transport: Transport): void => void accepted.push(transport)
    yield* listenUnix({ name: "local", path, mode, onTransport })
    return accepted
  })

const open = Effect.gen(function* () {
  const path = freshPath()
  const accepted = yield* listen(path)
  const peer = new UnixPeer(path)
  yield* Effect.addFinalizer(() => Effect.sync(() => peer.socket.destroy()))
  yield* Effect.promise(() => until(() => accepted.length > 0))
  return { transport: accepted[0] as Transport, peer }
})

transportContract("unix", { kind: "unix", listener: "local", peerAddress: /^unix:.+\.sock$/, open })

/** A socket file that its process left behind. */
const abandoned = Effect.promise(async () => {
  const path = freshPath()
  const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => console.log("listening"))`
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] })
  await once(child.stdout, "data")
  child.kill("SIGKILL")
  await once(child, "exit")
  assert.isTrue(existsSync(path))
  return path
})

describe("unix listener", () => {
  it.live("gives the file its mode, and takes it away at the end", () =>
    Effect.gen(function* () {
      const path = freshPath()
      for (const mode of [0o660, 0o600, 0o777]) {
        yield* Effect.scoped(
          Effect.andThen(
            listen(path, mode),
            Effect.sync(() => assert.strictEqual(statSync(path).mode & 0o777, mode))
          )
        )
        assert.isFalse(existsSync(path))
      }
    })
  )

  it.live("replaces the file of a process that was killed", () =>
    Effect.gen(function* () {
      const path = yield* abandoned
      const accepted = yield* listen(path)
      const peer = new UnixPeer(path)
      yield* Effect.promise(() => until(() => accepted.length > 0))
      accepted[0]?.destroy()
      yield* Effect.promise(() => until(() => peer.closed))
    })
  )

  it.live("refuses a socket that somebody listens on, and leaves it to them", () =>
    Effect.gen(function* () {
      const path = freshPath()
      const first = yield* listen(path)
      const error = yield* Effect.flip(Effect.scoped(listen(path)))
      assert.strictEqual(error.reason, "port-in-use")
      assert.strictEqual(
        error.message,
        `listener "local" cannot listen on unix:${path}: another program listens on this socket (stop it, or choose another path)`
      )
      // The look whether somebody listens was a connection too.
      yield* Effect.promise(() => until(() => first.length === 1))
      const peer = new UnixPeer(path)
      yield* Effect.promise(() => until(() => first.length === 2))
      peer.socket.destroy()
    })
  )

  it.live("never removes what is no socket", () =>
    Effect.gen(function* () {
      const path = freshPath()
      writeFileSync(path, "precious")
      const error = yield* Effect.flip(Effect.scoped(listen(path)))
      assert.include(error.message, "a file that is no socket has this name")
      assert.strictEqual(readFileSync(path, "utf8"), "precious")
    })
  )

  it.live("names what is wrong with a path", () =>
    Effect.gen(function* () {
      const inNoFolder = yield* Effect.flip(Effect.scoped(listen(join(folder, "nowhere", "a.sock"))))
      assert.include(inNoFolder.message, "the folder does not exist")
      const tooLong = yield* Effect.flip(Effect.scoped(listen(join(folder, "a".repeat(100)))))
      assert.include(tooLong.message, "longer than 107 bytes")
      const file = freshPath()
      writeFileSync(file, "")
      const belowFile = yield* Effect.flip(Effect.scoped(listen(join(file, "a.sock"))))
      assert.include(belowFile.message, "its folder is a file")
    })
  )
})
