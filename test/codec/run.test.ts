/**
 * Run coalescing: a run is exactly the frames that are alike but for their payloads.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { ProtocolVersion } from "../../src/codec/codec.ts"
import { frameLength, runEnd } from "../../src/codec/frame.ts"
import { PublishView } from "../../src/codec/publish-view.ts"
import { readPublish } from "../../src/codec/read-publish.ts"
import { limit } from "./decode.ts"
import { frame } from "./frames.ts"

/** The run behind the first of these frames: [number of frames, offset of its end in frames]. */
const run = (version: ProtocolVersion, notations: ReadonlyArray<string>, cut = 0, maximum = limit) => {
  const frames = notations.map((notation) => frame(notation, version))
  const chunk = Buffer.concat(frames)
  const view = new PublishView()
  const first = frames[0] as Buffer
  assert.isUndefined(readPublish(view, chunk, 0, first.length, version))
  const end = runEnd(view, chunk.length - cut, maximum)
  assert.strictEqual(view.frameEndRead, end)
  const expected = Buffer.concat(frames.slice(0, view.runFrames)).length
  assert.strictEqual(end, expected)
  return view.runFrames
}

describe("runEnd", () => {
  it("joins frames of one topic with payloads of any length, 3.1.1 and 5.0", () => {
    const alike = [`30 "a/b" . 'x'`, `30 "a/b" .`, `30 "a/b" . '${"y".repeat(200)}'`, `30 "a/b" . 'z'`]
    assert.strictEqual(run(4, alike), 4)
    assert.strictEqual(run(5, alike), 4)
  })
  const breaks: ReadonlyArray<readonly [string, ProtocolVersion, string]> = [
    ["another topic of that length", 4, `30 "a/c" . 'x'`],
    ["a topic that only begins alike", 4, `30 "a/bc" . 'x'`],
    ["a shorter topic", 4, `30 "a/" . 'x'`],
    ["RETAIN", 4, `31 "a/b" . 'x'`],
    ["QoS 1", 4, `32 "a/b" 0001 . 'x'`],
    ["DUP, which is a fault of its own", 4, `38 "a/b" . 'x'`],
    ["another packet", 4, "c0"],
    ["a property", 5, `30 "a/b" { 01 01 } 'x'`],
    ["a body too short for the topic", 4, "30 00"]
  ]
  for (const [what, version, notation] of breaks) {
    it(`ends before ${what}`, () => {
      const same = `30 "a/b" . 'x'`
      assert.strictEqual(run(version, [same, same, notation, same]), 2)
    })
  }
  it("ends before a frame shorter than the topic, even when what follows would complete it", () => {
    const one = frame(`30 "a/b" 'x'`, 4)
    const chunk = Buffer.concat([one, Buffer.from([0x30, 0x00]), one.subarray(2)])
    const view = new PublishView()
    readPublish(view, chunk, 0, one.length, 4)
    assert.strictEqual(runEnd(view, chunk.length, limit), one.length)
  })
  it("ends before a frame that is not there whole", () => {
    const same = `30 "a/b" . 'x'`
    assert.strictEqual(run(4, [same, same, same], 1), 2)
    assert.strictEqual(run(4, [same, same], 7), 1)
  })
  it("ends before a frame above the limit, which the scanner refuses", () => {
    assert.strictEqual(run(4, [`30 "a/b" . 'x'`, `30 "a/b" . 'xxxxxxxxxx'`], 0, 10), 1)
  })
  it("is forgotten by the next frame that is read", () => {
    const one = frame(`30 "a" 'x'`, 4)
    const chunk = Buffer.concat([one, one, one])
    const view = new PublishView()
    readPublish(view, chunk, 0, one.length, 4)
    runEnd(view, chunk.length, limit)
    assert.strictEqual(view.runFrames, 3)
    readPublish(view, chunk, one.length, 2 * one.length, 4)
    assert.strictEqual(view.runFrames, 1)
    assert.strictEqual(view.frameEndRead, 2 * one.length)
  })
  it("is the frame alone at QoS 1, and with properties", () => {
    assert.strictEqual(run(4, [`32 "a/b" 0001 'x'`, `32 "a/b" 0001 'x'`]), 1)
    assert.strictEqual(run(5, [`30 "a/b" { 01 01 } 'x'`, `30 "a/b" { 01 01 } 'x'`]), 1)
  })
  it("a Remaining Length in a longer form ends the run, for the scanner to refuse", () => {
    const one = frame(`30 "a/b" 'x'`, 4)
    const overlong = Buffer.concat([Buffer.from([0x30, 0x86, 0x00]), one.subarray(2)])
    const chunk = Buffer.concat([one, overlong])
    const view = new PublishView()
    readPublish(view, chunk, 0, one.length, 4)
    assert.strictEqual(runEnd(view, chunk.length, limit), one.length)
  })
  it("finds what a reader of single frames would join", () => {
    const topic = fc.constantFrom("a", "b", "aa")
    const first = fc.constantFrom("30", "31")
    const message = fc.tuple(first, topic, fc.nat(3)).map(([byte, name, n]) => `${byte} "${name}" . '${"x".repeat(n)}'`)
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 8 }), fc.constantFrom(4, 5), (messages, version) => {
        const head = messages.map((each) => each.slice(0, each.indexOf(".")))
        const expected = head.findIndex((each) => each !== head[0])
        assert.strictEqual(run(version as ProtocolVersion, messages), expected < 0 ? messages.length : expected)
      })
    )
  })
  it("never crosses what frameLength finds", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (tail) => {
        const one = frame(`30 "a" 'x'`, 4)
        const chunk = Buffer.concat([one, one, Buffer.from(tail)])
        const view = new PublishView()
        readPublish(view, chunk, 0, one.length, 4)
        const end = runEnd(view, chunk.length, limit)
        let at = 0
        for (let i = 0; i < view.runFrames; i++) at += frameLength(chunk, at, chunk.length, limit) as number
        assert.strictEqual(at, end)
      })
    )
  })
})
