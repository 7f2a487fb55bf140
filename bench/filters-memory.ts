/**
 * What a million distinct filters cost in memory: resident set of a whole process per shape of filter.
 * Promise: at most 400 MiB (the process with nothing in it is about 45 MiB of that).
 *
 * Each shape runs in a process of its own, since memory that was freed is not given back reliably. The
 * filters are held by the router alone; sessions and their subscriptions are measured elsewhere. Printed:
 * resident set in MiB after the last filter (as it stands, and after a collection) and the peak.
 *
 * Run: node bench/filters-memory.ts [count]. Exits 1 when a shape is above the promise.
 */
import { execFileSync } from "node:child_process"
import { makeTreeRouter } from "../src/router/tree-router.ts"

const LIMIT_MIB = 400
const MIB = 1024 * 1024

const shapes: Readonly<Record<string, (i: number) => string>> = {
  "dev/<i>/+/state": (i) => `dev/${i}/+/state`,
  "site/<a>/line/<b>/dev/<c>/#": (i) => `site/${i % 10}/line/${Math.floor(i / 10) % 100}/dev/${Math.floor(i / 1000)}/#`,
  "building/<a>/floor/<b>/sensor-<i> (exact)": (i) => `building/${i % 50}/floor/${i % 7}/sensor-${i}`,
  "<i>/+/# (distinct first levels)": (i) => `tenant-${i}/+/#`
}

const [first, second] = process.argv.slice(2)
if (first === "--shape") measure(Number(second), Number(process.argv[4]))
else runAll(Number(first ?? 1_000_000))

function runAll(count: number): void {
  process.stdout.write(`${count} distinct filters, resident MiB (limit ${LIMIT_MIB})\n`)
  let highest = 0
  Object.keys(shapes).forEach((name, index) => {
    const argv = ["--expose-gc", import.meta.filename, "--shape", String(index), String(count)]
    const figures = execFileSync(process.execPath, argv, { encoding: "utf8" }).trim()
    highest = Math.max(highest, Number(figures.split(" ")[0]))
    const [now, collected, peak] = figures.split(" ").map((figure) => figure.padStart(5))
    process.stdout.write(`${name.padEnd(44)} ${now}  collected ${collected}  peak ${peak}\n`)
  })
  process.exitCode = highest <= LIMIT_MIB ? 0 : 1
}

function measure(shapeIndex: number, count: number): void {
  const shape = Object.values(shapes)[shapeIndex] as (i: number) => string
  const router = makeTreeRouter<undefined>({ cachedEntriesMax: 65_536 })
  for (let i = 0; i < count; i++) router.acquire(asDecoded(shape(i)))
  if (router.statistics().filters !== count) throw new Error("the shape's filters are not distinct")
  const residentBytes = process.memoryUsage.rss()
  globalThis.gc?.()
  const collectedBytes = process.memoryUsage.rss()
  const peakBytes = process.resourceUsage().maxRSS * 1024
  const mib = [residentBytes, collectedBytes, peakBytes].map((bytes) => Math.round(bytes / MIB))
  process.stdout.write(`${mib.join(" ")}\n`)
}

/** A flat string, as the codec makes it from bytes; a concatenation would keep its parts alive. */
function asDecoded(text: string): string {
  return Buffer.from(text).toString("utf8")
}
