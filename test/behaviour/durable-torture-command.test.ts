/**
 * Goal: `promptmq torture` says the truth about a disk: exit code 0 and "0 lost" where nothing is lost, nothing left
 * behind; 7 with the faults, the seed and the folder where something is; 1 where no broker can run.
 * Method: the released command; a disk that loses what is written to the log is made by a module loaded before the broker.
 */
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { builtCommand, Child } from "../support/child.ts"
import { Folder } from "../support/durable-broker.ts"

const lostWrites = new URL("../support/lost-writes.mjs", import.meta.url).href

const torture = async (folder: string, words: ReadonlyArray<string>, environment: NodeJS.ProcessEnv = {}) => {
  const before = process.env["NODE_OPTIONS"]
  Object.assign(process.env, environment)
  const child = new Child(process.execPath, [builtCommand, "torture", "--data-dir", folder, ...words])
  if (before === undefined) delete process.env["NODE_OPTIONS"]
  else process.env["NODE_OPTIONS"] = before
  const { code } = await child.endedWithin(50_000)
  return { code, text: child.lines.join("\n") }
}

describe("promptmq torture", () => {
  it("ends with 0 and leaves nothing behind where nothing is lost", async () => {
    using folder = new Folder()
    const { code, text } = await torture(folder.path, ["--cycles", "3", "--mode", "batch", "--seed", "5"])
    assert.strictEqual(code, 0, text)
    assert.match(text, /^seed 5, 3 cycles per mode, in .*promptmq-torture-/m)
    assert.match(text, /^batch +0 lost {2}\d+ kills, \d+ stops, [1-9]\d* acknowledged, [1-9]\d* received/m)
    assert.deepEqual(readdirSync(folder.path), [])
  })

  it("ends with 7, the faults and the folder where something is lost", async () => {
    using folder = new Folder()
    const words = ["--cycles", "5", "--mode", "immediate", "--seed", "7"]
    const { code, text } = await torture(folder.path, words, { NODE_OPTIONS: `--import ${lostWrites}` })
    assert.strictEqual(code, 7, text)
    assert.match(text, /^immediate +LOST/m)
    assert.match(text, /lost or overtaken|retains|is gone|never got/)
    assert.match(text, /E7003 .*faults in cycle \d+\n.*promptmq torture --mode immediate --seed 7/)
    const [kept = ""] = /\S*promptmq-torture-\S*$/m.exec(text.slice(text.indexOf("the stores are in"))) ?? []
    assert.isTrue(existsSync(join(kept, "immediate")), text)
  })

  it("ends with 1 where no folder can be made", async () => {
    using folder = new Folder()
    const { code, text } = await torture(join(folder.path, "not there"), ["--cycles", "1"])
    assert.strictEqual(code, 1, text)
    assert.match(text, /E1301 .*not there/)
  })

  it("tells programs in JSON", async () => {
    using folder = new Folder()
    const { code, text } = await torture(folder.path, ["--cycles", "1", "--mode", "periodic", "--json"])
    assert.strictEqual(code, 0, text)
    const line = text.split("\n").find((each) => each.startsWith("{")) ?? "{}"
    const { cycles, faults, mode } = JSON.parse(line)
    assert.deepEqual({ cycles, faults, mode }, { cycles: 1, faults: [], mode: "periodic" })
  })
})
