/**
 * Mutants of what surrounds the broker: reload, the log's file, pid file, service manager, first user, support bundle,
 * profiles.
 */
import type { Mutant } from "./mutant.ts"

const reload = ["test/config/reload.test.ts"]
const logFile = ["test/telemetry/log-file.test.ts"]

export const operationsMutants: ReadonlyArray<Mutant> = [
  {
    file: "src/config/reload.ts",
    find: "if (faults.length > 0) return refuse(parts, faults) // [RELOAD-1]",
    replace: "if (faults.length > 99) return refuse(parts, faults) // [RELOAD-1]",
    statement: "RELOAD-1",
    tests: reload
  },
  {
    file: "src/config/reload.ts",
    find: "next ??= running.then",
    replace: "next = running.then",
    statement: "RELOAD-2",
    tests: reload
  },
  {
    file: "src/config/reload.ts",
    find: "if (leaf.live) next = withField",
    replace: "next = withField",
    statement: "RELOAD-3",
    tests: reload
  },
  {
    file: "src/config/running.ts",
    find: "changed.clear() // [RELOAD-4]",
    replace: "// [RELOAD-4]",
    statement: "RELOAD-4",
    tests: ["test/behaviour/reload.test.ts"]
  },
  {
    file: "src/config/reload.ts",
    find: "origin === ownOrigin",
    replace: "origin !== ownOrigin",
    statement: "RELOAD-4",
    tests: reload
  },
  {
    file: "src/telemetry/logging.ts",
    find: "if (nowMs < this.#raisesEndMs) return",
    replace: "if (nowMs >= 0) return",
    statement: "RAISE-1",
    tests: ["test/telemetry/logging.test.ts"]
  },
  {
    file: "src/broker/retained-publishers.ts",
    find: "this.#names.delete(first) // [RET-2]",
    replace: "return // [RET-2]",
    statement: "RET-2",
    tests: ["test/broker/retained-publishers.test.ts"]
  },
  {
    file: "src/access/password-file-provider.ts",
    find: "return isProblem(read) ? [read] : []",
    replace: "return isProblem(read) ? [] : []",
    statement: "RELOAD-1",
    tests: ["test/behaviour/reload.test.ts"]
  },
  {
    file: "src/telemetry/log-file.ts",
    find: "this.#close()\n      this.#failed(cause)\n      return false",
    replace: "this.#close()\n      throw cause",
    statement: "LOGFILE-1",
    tests: logFile
  },
  {
    file: "src/telemetry/log-file.ts",
    find: "this.#bytes + entryBytes > sizeBytesMax",
    replace: "this.#bytes > sizeBytesMax",
    statement: "LOGFILE-2",
    tests: logFile
  },
  {
    file: "src/telemetry/log-file.ts",
    find: "let number = keep - 1",
    replace: "let number = keep",
    statement: "LOGFILE-3",
    tests: logFile
  },
  {
    file: "src/telemetry/pid-file.ts",
    find: "if (holder !== undefined) return Effect.fail",
    replace: "if (holder === -1) return Effect.fail",
    statement: "PIDFILE-1",
    tests: ["test/telemetry/pid-file.test.ts"]
  },
  {
    file: "src/telemetry/pid-file.ts",
    find: "if (readPid(file) === process.pid) rmSync(file) // [PIDFILE-2]",
    replace: "rmSync(file) // [PIDFILE-2]",
    statement: "PIDFILE-2",
    tests: ["test/telemetry/pid-file.test.ts"]
  },
  {
    file: "src/cli/service-manager.ts",
    find: "if (isAlive() && post.isIdle)",
    replace: "if (post.isIdle)",
    statement: "NOTIFY-1",
    tests: ["test/cli/service-manager.test.ts"]
  },
  {
    file: "src/cli/service-manager.ts",
    find: 'post.say("RELOADING=1", `MONOTONIC_USEC=${now}`, ',
    replace: 'post.say("RELOADING=1", ',
    statement: "NOTIFY-2",
    tests: ["test/cli/service-manager.test.ts"]
  },
  {
    file: "src/cli/service-manager.ts",
    find: "const timer = setTimeout(resolve, LAST_WORDS_MS) // [NOTIFY-3]",
    replace: "const timer = setTimeout(() => {}, LAST_WORDS_MS) // [NOTIFY-3]",
    statement: "NOTIFY-3",
    tests: ["test/cli/service-manager.test.ts"]
  },
  {
    file: "src/cli/first-user.ts",
    find: "if (!isProblem(read) || read.isMissing !== true) return undefined // [FIRST-1]",
    replace: "if (!isProblem(read)) return undefined // [FIRST-1]",
    statement: "FIRST-1",
    tests: ["test/cli/first-user.test.ts"]
  },
  {
    file: "src/cli/support/redact.ts",
    find: "JSON.stringify(secret).slice(1, -1), ",
    replace: "",
    statement: "REDACT-1",
    tests: ["test/cli/support-bundle.test.ts"]
  },
  {
    file: "src/cli/support-bundle.ts",
    find: "Buffer.from(redacted(content, secrets))",
    replace: "Buffer.from(content)",
    statement: "BUNDLE-1",
    tests: ["test/cli/support-bundle.test.ts"]
  },
  {
    file: "src/telemetry/profiler.ts",
    find: "this.#isBusy = true\n    try {\n      const { Session }",
    replace: "try {\n      const { Session }",
    statement: "PROFILE-1",
    tests: ["test/admin/profiling.test.ts"]
  },
  {
    file: "src/admin/server.ts",
    find: 'if (caller.role !== "admin") return sendFailure(response, "roleTooLow") // [PROFILE-2]',
    replace: "// [PROFILE-2]",
    statement: "PROFILE-2",
    tests: ["test/admin/profiling.test.ts"]
  },
  {
    file: "src/telemetry/leak-watch.ts",
    find: "if (last !== undefined && now <= last) this.#rising = [] // [LEAK-1]",
    replace: "// [LEAK-1]",
    statement: "LEAK-1",
    tests: ["test/telemetry/leak-watch.test.ts"]
  }
]
