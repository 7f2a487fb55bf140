/**
 * Goal: profiles of the running broker, for admins, one at a time, in formats that others read.
 * Method: the whole broker; what it sends is decoded with the library's own decoder, and a function that is known to burn
 * time, or to keep memory, must be in it.
 */
import { createHash } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Profile } from "pprof-format"
import { profilingRoutes } from "../../src/admin/profiling.ts"
import { cpuPprof } from "../../src/telemetry/pprof.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-profiling-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const settings = { admin: { enabled: true, bind: "127.0.0.1:0", "token-file": join(folder, "token") } } as const

const ask = ({ running }: WholeBroker, path: string, options: { token?: string; signal?: AbortSignal } = {}) => {
  const { signal, token = readFileSync(join(folder, "token"), "utf8").trim() } = options
  return fetch(`http://127.0.0.1:${running.admin?.port}/debug/pprof${path}`, {
    ...(token === "" ? {} : { headers: { authorization: `Bearer ${token}` } }),
    ...(signal === undefined ? {} : { signal })
  })
}

const decoded = async (response: Response): Promise<Profile> => {
  assert.strictEqual(response.status, 200)
  return Profile.decode(gunzipSync(Buffer.from(await response.arrayBuffer())))
}

const namesIn = ({ function: functions, stringTable }: Profile): ReadonlyArray<string> =>
  functions.map(({ name }) => stringTable.strings[Number(name)] ?? "")

/** Until told to stop: burns time in a function with a name. */
const burnUntil = (isOver: () => boolean): void => {
  const burnProcessorTime = (): number => {
    let sum = 0
    for (let count = 0; count < 2_000_000; count++) sum += Math.sqrt(count)
    return sum
  }
  // What nobody looks at would be optimised away.
  let burnt = 0
  const again = (): void => {
    burnt = (burnt + burnProcessorTime()) % 1000
    if (!isOver() || burnt < 0) setImmediate(again)
  }
  again()
}

describe("/debug/pprof", () => {
  it("profile and cpuprofile name who burns the time", async () => {
    await using broker = await startWhole(settings)
    let isOver = false
    burnUntil(() => isOver)
    try {
      const profile = await decoded(await ask(broker, "/profile?seconds=1"))
      assert.include(namesIn(profile), "burnProcessorTime")
      const { strings } = profile.stringTable
      assert.deepEqual(
        profile.sampleType.map(({ type, unit }) => [strings[Number(type)], strings[Number(unit)]]),
        [
          ["samples", "count"],
          ["cpu", "nanoseconds"]
        ]
      )
      const response = await ask(broker, "/cpuprofile?seconds=1")
      assert.include(response.headers.get("content-disposition") ?? "", ".cpuprofile")
      const { nodes, samples } = (await response.json()) as {
        nodes: ReadonlyArray<object>
        samples: ReadonlyArray<number>
      }
      assert.isAbove(samples.length, 0)
      assert.include(JSON.stringify(nodes), "burnProcessorTime")
    } finally {
      isOver = true
    }
  })

  it("heap names who keeps memory", async () => {
    await using broker = await startWhole(settings)
    const kept: Array<object> = []
    const keepMemory = (): void => {
      for (let count = 0; count < 20_000; count++) kept.push({ count, text: `kept ${count}` })
    }
    const timer = setInterval(keepMemory, 20)
    try {
      const profile = await decoded(await ask(broker, "/heap?seconds=1"))
      assert.include(namesIn(profile), "keepMemory")
      assert.isTrue(profile.sample.every(({ value }) => Number(value[0]) > 0 && Number(value[1]) > 0))
    } finally {
      clearInterval(timer)
    }
    assert.isAbove(kept.length, 0)
  })

  it("heapsnapshot is a snapshot", async () => {
    await using broker = await startWhole(settings)
    const response = await ask(broker, "/heapsnapshot")
    assert.strictEqual(response.status, 200)
    assert.match(await response.text(), /^\{"snapshot":\{"meta":.*\}\s*$/s)
    assert.strictEqual((await ask(broker, "/cpuprofile?seconds=1")).status, 200, "free again")
  })

  it("is for admins", async () => {
    const tokens = join(folder, "tokens")
    const token = "operator-token-0123456789abcdef"
    const digest = createHash("sha256").update(token).digest("hex")
    writeFileSync(tokens, `watcher operator ${digest}\n`, { mode: 0o600 })
    await using broker = await startWhole({ admin: { ...settings.admin, "tokens-file": tokens } })
    for (const path of ["", ...Object.keys(profilingRoutes)]) {
      assert.strictEqual((await ask(broker, `/${path}`, { token: "" })).status, 401, path)
      assert.strictEqual((await ask(broker, `/${path}`, { token: "wrong" })).status, 401, path)
    }
    for (const path of Object.keys(profilingRoutes)) {
      assert.strictEqual((await ask(broker, `/${path}`, { token })).status, 403, "PROFILE-2")
    }
  })

  it("takes one at a time, and sets the next free when its asker goes", async () => {
    await using broker = await startWhole(settings)
    const first = new AbortController()
    const gone = ask(broker, "/profile?seconds=120", { signal: first.signal }).catch(() => "gone")
    let status = 0
    while (status !== 409) status = (await ask(broker, "/cpuprofile?seconds=1")).status
    first.abort()
    assert.strictEqual(await gone, "gone")
    while (status !== 200) status = (await ask(broker, "/cpuprofile?seconds=1")).status
  })

  it("refuses what it does not know", async () => {
    await using broker = await startWhole(settings)
    for (const seconds of ["0", "121", "-1", "1e1", "x", ""]) {
      assert.strictEqual((await ask(broker, `/profile?seconds=${seconds}`)).status, 400, seconds)
    }
    assert.strictEqual((await ask(broker, "/constructor")).status, 404)
    assert.strictEqual((await ask(broker, "/../pprof/none")).status, 404)
    const listing = await (await ask(broker, "/")).text()
    for (const name of Object.keys(profilingRoutes)) assert.include(listing, `/debug/pprof/${name}`)
  })
})

describe("the pprof format", () => {
  it("has stacks innermost first, and the time until the next sample", async () => {
    const frame = (functionName: string, lineNumber: number) => ({ functionName, url: "file:///a.js", lineNumber })
    const bytes = await cpuPprof(
      {
        nodes: [
          { id: 1, callFrame: frame("(root)", -1), children: [2] },
          { id: 2, callFrame: frame("outer", 4), children: [3] },
          { id: 3, callFrame: frame("inner", 9) }
        ],
        startTime: 1000,
        endTime: 4000,
        samples: [3, 3, 2],
        timeDeltas: [10, 1000, 500]
      },
      0
    )
    const profile = Profile.decode(gunzipSync(bytes))
    const names = namesIn(profile)
    const stacks = profile.sample.map(({ locationId, value }) => ({
      stack: locationId.map((id) => {
        const line = profile.location.find((each) => each.id === id)?.line[0]
        return `${names[Number(line?.functionId) - 1]}:${line?.line}`
      }),
      value: value.map(Number)
    }))
    assert.deepEqual(stacks, [
      { stack: ["inner:10", "outer:5"], value: [2, 1_500_000] },
      { stack: ["outer:5"], value: [1, 0] }
    ])
    assert.strictEqual(Number(profile.durationNanos), 3_000_000)
  })
})
