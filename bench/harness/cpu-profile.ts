/**
 * A .cpuprofile (V8's sampling profiler) as self times: a sample counts for the function on top of the stack, as long as
 * until the next sample. Idle time is left out: it is no function's.
 */
export interface CpuProfile {
  readonly nodes: ReadonlyArray<{
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }>
  readonly samples: ReadonlyArray<number>
  /** Microseconds to each sample from the one before. */
  readonly timeDeltas: ReadonlyArray<number>
}

export interface SelfTime {
  readonly name: string
  readonly place: string
  readonly ms: number
}

const notWork = ["(idle)", "(root)"]

export function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): {
  readonly rows: ReadonlyArray<SelfTime>
  readonly totalMs: number
} {
  const usById = new Map<number, number>()
  for (const [index, id] of samples.entries()) usById.set(id, (usById.get(id) ?? 0) + (timeDeltas[index + 1] ?? 0))
  const byFunction = new Map<string, SelfTime>()
  for (const { callFrame, id } of nodes) {
    const name = callFrame.functionName === "" ? "(anonymous)" : callFrame.functionName
    if (notWork.includes(name)) continue
    const file = callFrame.url.split("/").at(-1) ?? ""
    const place = file === "" ? "native" : `${file}:${callFrame.lineNumber + 1}`
    const key = `${name} ${place}`
    const ms = (byFunction.get(key)?.ms ?? 0) + (usById.get(id) ?? 0) / 1000
    byFunction.set(key, { name, place, ms })
  }
  const rows = [...byFunction.values()].filter(({ ms }) => ms > 0).sort((a, b) => b.ms - a.ms)
  return { rows, totalMs: rows.reduce((sum, { ms }) => sum + ms, 0) }
}
