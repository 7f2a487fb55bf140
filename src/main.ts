#!/usr/bin/env node
/**
 * The bin: runtime check, thread pool, compiled code, command line, exit code. Nothing else.
 *
 * - The check comes first and everything else is imported after it: an older Node stops here with a clear
 *   sentence and not in the middle of syntax or an API it does not know. Hence no static import.
 * - UV_THREADPOOL_SIZE must be set before the first asynchronous call: libuv reads it when it makes its
 *   pool. Password hashing, DNS and file syncs share that pool and must not stand in one queue of four.
 * - What V8 made of dist/ is in dist/compiled/, for the version of Node that built it: Node's compile cache, which the
 *   build makes (.ci/compile.mjs) and no start does, since it is run like dist/ itself. Where there is none every start
 *   compiles, as with another Node and in what npm installs; NODE_COMPILE_CACHE names a folder of one's own for that.
 *   V8 takes only what was compiled with the flags it has, and the broker's change once it listens (cli/tier-up.ts):
 *   a folder for the broker, one for all other commands.
 * - The process leaves with the command's code once its output is written.
 */
/** Defined by the build. */
declare const PROMPTMQ_COMPILED: string | undefined

const nodeMajorMin = 26
const threadPoolSizeMin = 8

const nodeMajor = Number.parseInt(process.versions.node, 10)
if (nodeMajor < nodeMajorMin) {
  process.stderr.write(
    `error  promptmq needs Node ${nodeMajorMin} or newer, this is Node ${process.versions.node} (${process.execPath})\n` +
      `   fix: install Node ${nodeMajorMin}, or run it with the one of the package: npx node@${nodeMajorMin} ${process.argv[1]}\n`
  )
  process.exit(1)
}

const threadPoolSize = Number(process.env["UV_THREADPOOL_SIZE"])
if (!(threadPoolSize >= threadPoolSizeMin)) process.env["UV_THREADPOOL_SIZE"] = String(threadPoolSizeMin)

// What `ps` and the owner of a port are called.
process.title = "promptmq"

// Before anything is imported that is to be found there.
if (typeof PROMPTMQ_COMPILED === "string") {
  // Alone or with options only: the default command (cli/run.ts).
  const isBroker = /^(server|-.*|)$/.test(process.argv[2] ?? "")
  const runtime = `${process.version}-${process.platform}-${process.arch}`
  const directory = `${import.meta.dirname}/${PROMPTMQ_COMPILED}/${runtime}/${isBroker ? "broker" : "commands"}`
  // `portable`: by paths relative to it, for dist/ may be moved.
  if (process.getBuiltinModule("node:fs").existsSync(directory))
    process.getBuiltinModule("node:module").enableCompileCache({ directory, portable: true })
}

const { runCommandLine } = await import("./cli/run.ts")
const { processWorld } = await import("./cli/world.ts")

process.exitCode = await runCommandLine(process.argv.slice(2), processWorld())
await written(process.stdout)
await written(process.stderr)
process.exit()

/** Resolves when what was given to the stream has been taken by the system. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write("", () => resolve())
  })
}

export {}
