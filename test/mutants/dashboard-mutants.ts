/** Promises of the dashboard (src/admin/dashboard) that a single line of a plain part keeps. */
import type { Mutant } from "./mutant.ts"

const folder = "src/admin/dashboard"
const polling = { file: `${folder}/polling.ts`, tests: ["test/dashboard/polling.test.ts"] }
const commands = { file: `${folder}/commands.ts`, tests: ["test/dashboard/commands.test.ts"] }
const plain = (name: string) => ({ file: `${folder}/${name}.ts`, tests: ["test/dashboard/plain.test.ts"] })

export const dashboardMutants: ReadonlyArray<Mutant> = [
  {
    ...polling,
    find: "if (signal.aborted || running !== undefined || world.isHidden()) return",
    replace: "if (signal.aborted || world.isHidden()) return",
    statement: "DASH-1"
  },
  {
    ...polling,
    find: "if (running === undefined) return run()",
    replace: "return run()",
    statement: "DASH-1"
  },
  {
    ...polling,
    find: "running !== undefined || world.isHidden()) return",
    replace: "running !== undefined) return",
    statement: "DASH-2"
  },
  {
    ...polling,
    find: "const deaf = world.onVisible(tick)",
    replace: "const deaf = () => {}",
    statement: "DASH-2"
  },
  {
    ...polling,
    find: "return signal.aborted ? undefined : run()",
    replace: "return undefined",
    statement: "DASH-3"
  },
  {
    ...plain("event-blocks"),
    find: 'rest = blocks.pop() ?? ""',
    replace: 'rest = ""',
    statement: "DASH-4"
  },
  {
    ...plain("samples"),
    find: "last !== undefined && atMs - last.atSeconds * 1000 > GAP_MS",
    replace: "false",
    statement: "DASH-5"
  },
  {
    ...plain("samples"),
    find: ".filter(({ atSeconds }) => atSeconds < until)",
    replace: "",
    statement: "DASH-6"
  },
  {
    ...commands,
    find: `text.replaceAll("'", "'\\\\''")`,
    replace: "text",
    statement: "DASH-7"
  },
  {
    ...commands,
    find: 'words.some((word) => word.startsWith("-")) ? "-- " : ""',
    replace: '""',
    statement: "DASH-7"
  },
  {
    ...plain("alarms"),
    find: "each.untilMs > nowMs",
    replace: "true",
    statement: "DASH-8"
  },
  {
    ...plain("certificates"),
    find: "Date.parse(one.at) - Date.parse(other.at)",
    replace: "Date.parse(other.at) - Date.parse(one.at)",
    statement: "DASH-9"
  },
  {
    ...plain("samples"),
    find: "return Math.max(0, more) /",
    replace: "return more /",
    statement: "DASH-10"
  },
  {
    ...plain("payload-text"),
    find: 'walk(each, path === "" ? name : `${path}.${name}`)',
    replace: "walk(each, name)",
    statement: "DASH-11"
  },
  {
    ...plain("archive"),
    find: "const sum = header.reduce((before, byte) => before + byte, 0)",
    replace: "const sum = 0",
    statement: "DASH-12"
  },
  {
    ...plain("traffic"),
    find: "before === undefined || bytes < before.bytes",
    replace: "before === undefined",
    statement: "DASH-13"
  }
]
