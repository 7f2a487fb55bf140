/**
 * Claim: the storage layer alone keeps its floors: appends of 64 bytes per second in each sync mode and with 1, 100 and
 * 1000 producers that wait for the sync, and how fast recovery scans.
 *
 *   npm run bench -- storage-floor [--folder DIRECTORY]
 *
 * Method: micro-wal.ts as a fresh process on one core, its floors demanded; here the machine and the verdict.
 */
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { saveResult } from "./harness/folders.ts"
import { describeMachine, machineLine, pinned } from "./harness/machine.ts"

const machine = describeMachine()
const words = ["--expose-gc", join(import.meta.dirname, "micro-wal.ts"), "--check", ...process.argv.slice(2)]
const [command, args] = pinned(0, process.execPath, words)
const { status, stdout } = spawnSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] })
process.stdout.write(`${stdout}\n${machineLine(machine)}.\n`)
const rows = [...stdout.matchAll(/^\| (\S.*?) +\| +([\d,]+)\/s \| +([\d,]+)\/s \|/gm)].map(
  ([, what, measured, floor]) => ({
    what,
    perSecond: numberOf(measured),
    floor: numberOf(floor)
  })
)
const missed = rows.filter(({ floor, perSecond }) => perSecond < floor)
for (const { floor, perSecond, what } of missed)
  process.stdout.write(`FAULT ${what}: ${perSecond}/s, promised ${floor}/s\n`)
saveResult("storage-floor", { machine, rows })
process.exitCode = status === 0 && rows.length > 0 && missed.length === 0 ? 0 : 1

function numberOf(text = ""): number {
  return Number(text.replaceAll(",", ""))
}
