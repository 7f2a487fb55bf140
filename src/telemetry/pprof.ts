/**
 * Profiles of the engine (V8) in pprof's format, gzipped, as `go tool pprof`, Pyroscope and others read them.
 *
 *   CPU    a tree of call frames and a list of samples      ─▶ samples: count, nanoseconds
 *   heap   a tree of call frames with what is still alive   ─▶ in use: objects, bytes
 *
 * A sample is the whole stack, the innermost frame first. Equal functions and locations are told once.
 */
import { promisify } from "node:util"
import { gzip } from "node:zlib"
import { Line, Location, Function as PprofFunction, Profile, Sample, StringTable, ValueType } from "pprof-format"

export interface CallFrame {
  readonly functionName: string
  readonly url: string
  /** Counts from 0, as the engine does. */
  readonly lineNumber: number
}

export interface CpuProfile {
  readonly nodes: ReadonlyArray<{
    readonly id: number
    readonly callFrame: CallFrame
    readonly children?: ReadonlyArray<number> | undefined
  }>
  /** Microseconds. */
  readonly startTime: number
  readonly endTime: number
  readonly samples?: ReadonlyArray<number> | undefined
  readonly timeDeltas?: ReadonlyArray<number> | undefined
}

export interface HeapNode {
  readonly id: number
  readonly callFrame: CallFrame
  readonly selfSize: number
  readonly children: ReadonlyArray<HeapNode>
}

export interface HeapProfile {
  readonly head: HeapNode
  readonly samples: ReadonlyArray<{ readonly size: number; readonly nodeId: number }>
}

const inflate = promisify(gzip)

export function cpuPprof(profile: CpuProfile, wallClockMs: number): Promise<Buffer> {
  const spent = new Map<number, { count: number; microseconds: number }>()
  const { nodes, samples = [], timeDeltas = [] } = profile
  samples.forEach((id, index) => {
    const row = spent.get(id) ?? { count: 0, microseconds: 0 }
    row.count += 1
    // A delta is the time since the sample before; what a sample stands for is the time to the next one.
    row.microseconds += Math.max(0, timeDeltas[index + 1] ?? 0)
    spent.set(id, row)
  })
  const parents = new Map<number, number>()
  for (const { children = [], id } of nodes) for (const child of children) parents.set(child, id)
  const frames = new Map(nodes.map(({ callFrame, id }) => [id, callFrame]))
  const table = new Table()
  const rows = [...spent].map(([id, { count, microseconds }]) =>
    table.sample(stackOf(id, frames, parents), [count, Math.round(microseconds * 1000)])
  )
  const microseconds = profile.endTime - profile.startTime
  return table.encoded({
    rows,
    types: [
      ["samples", "count"],
      ["cpu", "nanoseconds"]
    ],
    period: ["cpu", "nanoseconds", samples.length === 0 ? 0 : Math.round((microseconds * 1000) / samples.length)],
    startedAtMs: wallClockMs - microseconds / 1000,
    durationMicroseconds: microseconds
  })
}

export function heapPprof({ head, samples }: HeapProfile, intervalBytes: number, wallClockMs: number): Promise<Buffer> {
  const parents = new Map<number, number>()
  const frames = new Map<number, CallFrame>()
  const open: Array<HeapNode> = [head]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    frames.set(node.id, node.callFrame)
    for (const child of node.children) parents.set(child.id, node.id)
    open.push(...node.children)
  }
  const alive = new Map<number, { objects: number; bytes: number }>()
  for (const { nodeId, size } of samples) {
    const row = alive.get(nodeId) ?? { objects: 0, bytes: 0 }
    row.objects += 1
    row.bytes += size
    alive.set(nodeId, row)
  }
  const table = new Table()
  const rows = [...alive].map(([id, { bytes, objects }]) =>
    table.sample(stackOf(id, frames, parents), [objects, bytes])
  )
  return table.encoded({
    rows,
    types: [
      ["inuse_objects", "count"],
      ["inuse_space", "bytes"]
    ],
    period: ["space", "bytes", intervalBytes],
    startedAtMs: wallClockMs,
    durationMicroseconds: 0
  })
}

/** Innermost first; without the engine's root, which is everybody's. */
function stackOf(
  id: number,
  frames: ReadonlyMap<number, CallFrame>,
  parents: ReadonlyMap<number, number>
): ReadonlyArray<CallFrame> {
  const stack: Array<CallFrame> = []
  for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
    const frame = frames.get(at)
    if (frame !== undefined && frame.functionName !== "(root)") stack.push(frame)
  }
  return stack
}

interface Encoding {
  readonly rows: ReadonlyArray<Sample>
  readonly types: ReadonlyArray<readonly [type: string, unit: string]>
  readonly period: readonly [type: string, unit: string, value: number]
  readonly startedAtMs: number
  readonly durationMicroseconds: number
}

/** Strings, functions and locations, each once; numbered from 1, because 0 means none. */
class Table {
  readonly #strings = new StringTable()
  readonly #functions = new Map<string, PprofFunction>()
  readonly #locations = new Map<string, Location>()

  sample(stack: ReadonlyArray<CallFrame>, value: Array<number>): Sample {
    return new Sample({ locationId: stack.map((frame) => this.#locationOf(frame)), value })
  }

  encoded({ durationMicroseconds, period, rows, startedAtMs, types }: Encoding): Promise<Buffer> {
    const valueType = ([type, unit]: readonly [string, string, ...ReadonlyArray<unknown>]): ValueType =>
      new ValueType({ type: this.#strings.dedup(type), unit: this.#strings.dedup(unit) })
    const profile = new Profile({
      sampleType: types.map(valueType),
      sample: [...rows],
      location: [...this.#locations.values()],
      function: [...this.#functions.values()],
      stringTable: this.#strings,
      timeNanos: BigInt(Math.round(startedAtMs)) * 1_000_000n,
      durationNanos: Math.round(durationMicroseconds * 1000),
      periodType: valueType(period),
      period: period[2]
    })
    return inflate(profile.encode())
  }

  #locationOf(frame: CallFrame): number {
    const key = `${frame.functionName}\n${frame.url}\n${frame.lineNumber}`
    const known = this.#locations.get(key)
    if (known !== undefined) return Number(known.id)
    const line = new Line({ functionId: this.#functionOf(frame), line: Math.max(0, frame.lineNumber + 1) })
    const made = new Location({ id: this.#locations.size + 1, line: [line] })
    this.#locations.set(key, made)
    return Number(made.id)
  }

  #functionOf({ functionName, lineNumber, url }: CallFrame): number {
    const key = `${functionName}\n${url}\n${lineNumber}`
    const known = this.#functions.get(key)
    if (known !== undefined) return Number(known.id)
    const name = this.#strings.dedup(functionName === "" ? "(anonymous)" : functionName)
    const made = new PprofFunction({
      id: this.#functions.size + 1,
      name,
      systemName: name,
      filename: this.#strings.dedup(url),
      startLine: Math.max(0, lineNumber + 1)
    })
    this.#functions.set(key, made)
    return Number(made.id)
  }
}
