/**
 * `promptmq torture`: kill -9, a thousand times if you like, on the disk it is started on, with clients that keep books.
 *
 * A broker of its own, in a folder of its own, on a port of its own is started, worked with and killed at random moments;
 * in the end every acknowledged message, every subscription, every retained value and every will must be where the
 * standard wants it. What a power cut does needs a file system that can be cut off: `npm run torture` of the source.
 *
 * Exit codes: 0 nothing was lost, 7 something was (the folder stays), 1 when the broker cannot run here.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { join, resolve } from "node:path"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { flag, number, text } from "./grammar/option.ts"
import { killRun, type RunReport } from "./torture/kill-run.ts"
import { type Mode, modes, tortured } from "./torture/modes.ts"
import { complain, paint, type StopSignal, say, type World } from "./world.ts"

const cyclesDefault = 100
const cyclesMax = 1_000_000
const seedMax = 0x7fff_ffff
const faultsShown = 10

export const body = commandBody({
  notes: [
    "Starts a broker on a free loopback port in a new folder and kills it again and again while publishers and subscribers at QoS 1 and 2, persistent sessions, shared subscriptions, retained messages and wills are at work. Brokers that run already are not touched.",
    "kill -9 shows what a crash of the process does in each sync mode. It says nothing about a power cut."
  ],
  examples: [
    { line: "promptmq torture", why: `${cyclesDefault} times in each sync mode, in this folder` },
    { line: "promptmq torture --data-dir /var/lib --cycles 1000 --mode immediate", why: "on the disk that counts" },
    { line: "promptmq torture --seed 7 --mode batch", why: "the same choices again" }
  ],
  operands: [],
  options: {
    "data-dir": text("make the folder in this one (.)", { placeholder: "folder", isFile: true }),
    cycles: number(`kills per mode (${cyclesDefault})`, { placeholder: "times", minimum: 1, maximum: cyclesMax }),
    seed: number("repeat the choices of a run", { placeholder: "number", minimum: 0, maximum: seedMax }),
    mode: text("only this sync mode", { placeholder: "mode", choices: modes }),
    keep: flag("keep the folder"),
    json: flag("one JSON object per mode on standard output")
  },
  isHelpWhenBare: false,
  run: ({ options }, world) =>
    torture(
      {
        parent: resolve(world.workingDirectory, options["data-dir"] ?? "."),
        cycles: options.cycles ?? cyclesDefault,
        seed: options.seed ?? Math.floor(world.wallClockMs()) % seedMax,
        modes: options.mode === undefined ? modes : [options.mode as Mode],
        isKept: options.keep,
        isJson: options.json
      },
      world
    )
})

interface Order {
  readonly parent: string
  readonly cycles: number
  readonly seed: number
  readonly modes: ReadonlyArray<Mode>
  readonly isKept: boolean
  readonly isJson: boolean
}

async function torture(order: Order, world: World): Promise<ExitCode> {
  const root = newFolder(order.parent)
  if (root === undefined) {
    complain(world, {
      code: "E1301",
      fact: `no folder can be made in ${order.parent}`,
      fix: "name another: --data-dir"
    })
    return exitCodes.failed
  }
  let signal: StopSignal | undefined
  const release = world.onStopSignal((received) => {
    signal = received
    say(world, "stopping after this cycle")
  })
  say(world, `seed ${order.seed}, ${order.cycles} cycles per mode, in ${root}`)
  let isFine = true
  for (const mode of order.modes) {
    if (signal !== undefined || !isFine) break
    const startedMs = world.monotonicMs()
    const report = await killRun({
      program: tortured({ script: process.argv[1] ?? "", folder: join(root, mode), mode }),
      cycles: order.cycles,
      seed: order.seed,
      onCycle: (cycle) => progress(world, mode, cycle, order.cycles),
      isStopped: () => signal !== undefined
    })
    // What a signal of the terminal did to the broker as well is nobody's fault.
    isFine = report.books.faults.length === 0 || signal !== undefined
    if (!isFine && report.books.count("connack") === 0) return cannotRun(report, root, world)
    tell(report, { mode, order, isFine, seconds: (world.monotonicMs() - startedMs) / 1000 }, world)
  }
  release()
  const isKept = order.isKept || !isFine
  if (isKept) say(world, `the stores are in ${root}`)
  else rmSync(root, { recursive: true, force: true })
  if (signal !== undefined) return signal === "SIGINT" ? exitCodes.interrupted : exitCodes.terminated
  return isFine ? exitCodes.done : exitCodes.dataDamaged
}

/** It did not get as far as losing anything. */
function cannotRun({ output }: RunReport, root: string, world: World): ExitCode {
  for (const line of output) say(world, `  broker: ${line}`)
  complain(world, { code: "E1001", fact: "the broker does not start here", fix: "its own words are above" })
  rmSync(root, { recursive: true, force: true })
  return exitCodes.failed
}

function newFolder(parent: string): string | undefined {
  try {
    return mkdtempSync(join(parent, "promptmq-torture-"))
  } catch {
    return undefined
  }
}

function progress(world: World, mode: Mode, cycle: number, cycles: number): void {
  if (world.stderr.isTerminal)
    world.stderr.write(`\r${mode}: cycle ${cycle} of ${cycles}\x1b[K${cycle === cycles ? "\r\x1b[K" : ""}`)
}

interface Round {
  readonly mode: Mode
  readonly order: Order
  readonly isFine: boolean
  readonly seconds: number
}

function tell({ blows, books, cycles, output, tidyStops }: RunReport, round: Round, world: World): void {
  const { isFine, mode, order, seconds } = round
  const acknowledged = books.count("puback") + books.count("pubcomp")
  const received = books.count("message") + books.count("repeated")
  const figures = { mode, seed: order.seed, cycles, kills: blows, tidyStops, acknowledged, received, seconds }
  if (order.isJson) world.stdout.write(`${JSON.stringify({ ...figures, faults: books.faults })}\n`)
  else {
    const verdict = isFine ? paint(world, world.stdout, "good", "0 lost") : paint(world, world.stdout, "error", "LOST")
    const words = `${blows} kills, ${tidyStops} stops, ${acknowledged} acknowledged, ${received} received`
    world.stdout.write(
      `${mode.padEnd(14)}${verdict}  ${words}, ${books.count("will")} wills, ${seconds.toFixed(0)} s\n`
    )
  }
  if (isFine) return
  for (const fault of books.faults.slice(0, faultsShown)) say(world, `  ${fault}`)
  for (const line of output) say(world, `  broker: ${line}`)
  complain(world, {
    code: "E7003",
    fact: `${mode}: ${books.faults.length} faults in cycle ${cycles}`,
    fix: `report them with the folder; again: promptmq torture --mode ${mode} --seed ${order.seed} --cycles ${cycles}`
  })
}
