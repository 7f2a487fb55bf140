/**
 * Streams of events: one snapshot for all who listen, a reader that does not keep up gets the newest and nothing piles up
 * for it, and streams end with the broker's doors.
 */
import { EventEmitter } from "node:events"
import type { ServerResponse } from "node:http"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Overview } from "../../src/admin/api/system.ts"
import { EventStreams } from "../../src/admin/event-streams.ts"
import { openAdmin } from "../../src/admin/server.ts"
import { openTokenFile } from "../../src/admin/token-file.ts"
import { knownSources, recordingLog, scratchFolder } from "./support.ts"

/** A response whose reader can be told to stop. */
class Reader extends EventEmitter {
  readonly written: Array<string> = []
  isStopped = false
  writableEnded = false
  writeHead(): void {}
  write(text: string): boolean {
    this.written.push(text)
    return !this.isStopped
  }
  end(): void {
    this.writableEnded = true
    this.emit("close")
  }
  goOn(): void {
    this.isStopped = false
    this.emit("drain")
  }
  get all(): string {
    return this.written.join("")
  }
}

const snapshot = (sessions: number): Overview => ({ at: `t${sessions}`, sessions }) as Overview
const open = (streams: EventStreams, isGood = () => true): Reader => {
  const reader = new Reader()
  assert.isTrue(streams.add(reader as unknown as ServerResponse, undefined, isGood))
  return reader
}
const count = (text: string, word: string): number => text.split(word).length - 1

describe("event streams", () => {
  it("everybody gets each snapshot", () => {
    const streams = new EventStreams(() => 2)
    const readers = [open(streams), open(streams)]
    streams.snapshot(snapshot(1))
    for (const { all } of readers) assert.include(all, 'event: snapshot\ndata: {"at":"t1","sessions":1}\n\n')
    assert.isFalse(
      streams.add(new Reader() as unknown as ServerResponse, undefined, () => true),
      "there are too many"
    )
  })

  it("a reader that has stopped gets the newest snapshot when it goes on, and a number of what it missed", () => {
    const streams = new EventStreams(() => 2)
    const slow = open(streams)
    const quick = open(streams)
    slow.isStopped = true
    streams.snapshot(snapshot(1))
    const before = slow.written.length
    for (let second = 2; second <= 100; second++) {
      for (let i = 0; i < 3; i++) streams.event({ at: "", what: `event ${second}.${i}` })
      streams.snapshot(snapshot(second))
    }
    assert.strictEqual(slow.written.length, before, "nothing is written to who does not read")
    slow.goOn()
    assert.strictEqual(slow.written.length, before + 1)
    const late = slow.written.at(-1) ?? ""
    assert.strictEqual(count(late, "event: snapshot"), 1)
    assert.include(late, '"sessions":100')
    assert.strictEqual(count(late, '"what":"event '), 40)
    assert.include(late, "257 events missed")
    assert.strictEqual(count(quick.all, "event: snapshot"), 100)
  })

  it("a flood of events becomes twenty in a second, and a number", () => {
    const streams = new EventStreams(() => 1)
    const reader = open(streams)
    for (let i = 0; i < 5000; i++) streams.event({ at: "", what: "connected" })
    streams.snapshot(snapshot(1))
    assert.strictEqual(count(reader.all, '"what":"connected"'), 20)
    assert.include(reader.all, "4980 more events")
  })

  it("a stream ends when its token is no longer good", () => {
    const streams = new EventStreams(() => 1)
    let isGood = true
    const reader = open(streams, () => isGood)
    streams.snapshot(snapshot(1))
    isGood = false
    streams.snapshot(snapshot(2))
    assert.isTrue(reader.writableEnded)
    assert.notInclude(reader.all, '"sessions":2')
    assert.strictEqual(streams.size, 0)
  })

  it.live("over a real socket: snapshots come, connects are told, the doors' end ends it", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const folder = yield* scratchFolder
      const sources = yield* knownSources()
      const { log } = recordingLog()
      const tokenFile = join(folder, "token")
      const options = { ...sources, tokenFile, tokensFile: join(folder, "tokens"), log }
      const opening = openAdmin({ ...options, address: { host: "127.0.0.1", port: 0 } })
      const { port } = yield* Effect.provideService(opening, Scope.Scope, scope)
      const authorization = `Bearer ${yield* openTokenFile(tokenFile)}`
      const url = `http://127.0.0.1:${port}/api/v1/events`
      assert.strictEqual((yield* Effect.promise(() => fetch(url))).status, 401)
      const response = yield* Effect.promise(() => fetch(url, { headers: { authorization } }))
      assert.strictEqual(response.headers.get("content-type"), "text/event-stream; charset=utf-8")
      const reader = (response.body as ReadableStream<Uint8Array>).getReader()
      let text = ""
      const until = (word: string): Effect.Effect<void> =>
        Effect.promise(async () => {
          while (!text.includes(word)) {
            const { done, value } = await reader.read()
            if (done) throw new Error(`it ended before "${word}"`)
            text += new TextDecoder().decode(value)
          }
        })
      yield* until("event: snapshot")
      sources.core.options.report({ level: "debug", what: "connected", clientIdentifier: "c1", peer: "1.2.3.4:5" })
      yield* until('"clientIdentifier":"c1"')
      yield* Scope.close(scope, Exit.void)
      const ending = yield* Effect.promise(() => reader.read())
      assert.isTrue(ending.done)
    })
  )
})
