/**
 * The message log in memory, and the same log with its tail coming late: both pass the contract.
 */
import { assert, describe, it } from "@effect/vitest"
import { MemoryLog } from "../../src/store/memory-log.ts"
import { LogWithModel, type MakeLog, messageLogContract, ringContract } from "../contract/message-log.ts"
import { LateLog } from "../support/late-log.ts"

const inMemory: MakeLog = (limitBytes) => ({ log: new MemoryLog({ limitBytes }), settle: () => undefined })

const shownLate: MakeLog = (limitBytes) => {
  const log = new LateLog(new MemoryLog({ limitBytes }))
  const settle = () => {
    log.showTail()
    log.promise()
  }
  return { log, settle }
}

messageLogContract("memory", inMemory)
ringContract("memory", inMemory)
messageLogContract("memory, shown late", shownLate)
ringContract("memory, shown late", shownLate)

describe("the message log in memory", () => {
  it("shows and keeps a record before append returns", () => {
    const log = new MemoryLog({ limitBytes: 65_536 })
    const events: Array<string> = []
    log.onTail((first, count) => events.push(`shown ${first}+${count}`))
    log.onKept(() => events.push(`kept ${log.kept}`))
    const both = new LogWithModel(log)
    both.append("a", 10)
    both.append("b", 10)
    assert.deepEqual(events, ["shown 0+1", "kept 1", "shown 1+1", "kept 2"])
  })

  it("drops a small share at a time: a ring of eight segments or more", () => {
    const log = new MemoryLog({ limitBytes: 1_048_576 })
    const both = new LogWithModel(log)
    let largest = 0
    for (let i = 0; i < 6000; i++) {
      const { first } = log
      both.append("t", 500)
      largest = Math.max(largest, log.first - first)
    }
    assert.isAbove(log.first, 0)
    assert.isBelow(largest * 6, log.next - log.first)
  })
})

describe("a late log", () => {
  it("tells of records and promises apart, in batches, in order", () => {
    const log = new LateLog(new MemoryLog({ limitBytes: 65_536 }))
    const events: Array<string> = []
    log.onTail((first, count) => events.push(`shown ${first}+${count}`))
    log.onKept(() => events.push(`kept ${log.kept}`))
    const both = new LogWithModel(log)
    for (let i = 0; i < 5; i++) both.append("a", 10)
    assert.deepEqual(events, [])
    assert.strictEqual(log.kept, 0)
    log.promise(3)
    log.showTail(2)
    log.showTail()
    log.showTail()
    log.promise()
    assert.deepEqual(events, ["kept 3", "shown 0+2", "shown 2+3", "kept 5"])
  })

  it("does so by itself with a scheduler", () => {
    const steps: Array<() => void> = []
    const log = new LateLog(new MemoryLog({ limitBytes: 65_536 }), (step) => steps.push(step))
    const both = new LogWithModel(log)
    both.append("a", 10)
    both.append("a", 10)
    assert.strictEqual(steps.length, 1)
    steps[0]?.()
    assert.strictEqual(log.kept, 2)
    assert.strictEqual(log.unshown, 0)
    both.append("a", 10)
    assert.strictEqual(steps.length, 2)
  })
})
