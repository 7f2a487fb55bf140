/**
 * Slow hashes, computed synchronously in a few threads of their own: never in the broker's thread, which would stop, and
 * never in libuv's pool, where they would stand in front of the log's writes and syncs.
 *
 *   derive ─▶ free thread ─▶ bytes
 *       └──▶ queue (FIFO, `queueMax`) ─▶ next free thread        full: HashUnavailable "busy", CONNACK 0x89 [HSH-1]
 *
 * Invariants
 * - At most `threads` threads; each is started when there is work for it, computes one hash at a time, and does not hold
 *   the process. The scope's end stops them.
 * - A thread that dies takes one answer with it, which is a failure and never a yes; the next work starts a new one.
 * - On Linux threads have a lower priority than the broker: when cores are short, messages go first.
 * - A password is wiped in the thread as soon as the hash is there; it is in no message but the one to the thread.
 *
 * The thread's program is text, because a bundled broker has no second file to start; `derive` comes in as its own source.
 */
import { Worker } from "node:worker_threads"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { derive, type HashRecipe } from "./password-hash.ts"

export class HashUnavailable extends Schema.TaggedError<HashUnavailable>()("HashUnavailable", {
  reason: Schema.Literals(["busy", "died"]),
  why: Schema.String
}) {
  override get message(): string {
    return this.why
  }
}

export interface HashWorkersOptions {
  readonly threads: number
  readonly queueMax: number
}

export interface HashWorkers {
  /** The password is copied at once. */
  readonly derive: (password: Uint8Array, recipe: HashRecipe) => Effect.Effect<Uint8Array, HashUnavailable>
  /** Hashes that wait for a thread, and threads that run. */
  readonly waiting: () => number
  readonly running: () => number
  /** Hashes that were asked for, since the start. */
  readonly asked: () => number
}

export const openHashWorkers = (options: HashWorkersOptions): Effect.Effect<HashWorkers, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => new Threads(options)),
      (threads) => Effect.promise(() => threads.close())
    ),
    (threads) => ({
      derive: (password, recipe) =>
        Effect.callback<Uint8Array, HashUnavailable>((resume) => {
          const job = { password: Uint8Array.from(password), recipe, resume }
          threads.take(job)
          return Effect.sync(() => threads.forget(job))
        }),
      waiting: () => threads.waiting,
      running: () => threads.running,
      asked: () => threads.asked
    })
  )

interface Job {
  readonly password: Uint8Array
  readonly recipe: HashRecipe
  readonly resume: (outcome: Effect.Effect<Uint8Array, HashUnavailable>) => void
}

interface Thread {
  readonly worker: Worker
  job: Job | undefined
}

class Threads {
  readonly #options: HashWorkersOptions
  readonly #threads = new Set<Thread>()
  /** In order; a Set, so that one who has left is taken out at once. */
  readonly #queue = new Set<Job>()
  #isClosed = false
  asked = 0

  constructor(options: HashWorkersOptions) {
    this.#options = options
  }

  get waiting(): number {
    return this.#queue.size
  }

  get running(): number {
    return this.#threads.size
  }

  take(job: Job): void {
    this.asked += 1
    if (this.#isClosed) {
      fail(job, "died", "the broker is shutting down")
      return
    }
    const free = this.#free()
    if (free !== undefined) give(free, job)
    else if (this.#queue.size < this.#options.queueMax) this.#queue.add(job)
    else fail(job, "busy", "auth.hash-queue is full") // [HSH-1]
  }

  forget(job: Job): void {
    this.#queue.delete(job)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const job of this.#queue) fail(job, "died", "the broker is shutting down")
    this.#queue.clear()
    await Promise.all(Array.from(this.#threads, ({ worker }) => worker.terminate()))
  }

  #free(): Thread | undefined {
    for (const thread of this.#threads) if (thread.job === undefined) return thread
    return this.#threads.size < this.#options.threads ? this.#start() : undefined
  }

  #start(): Thread {
    const worker = new Worker(program, { eval: true, execArgv: [], env: {}, name: "password hash" })
    const thread: Thread = { worker, job: undefined }
    worker.unref()
    worker.on("message", (hash: Uint8Array | undefined) => {
      const { job } = thread
      thread.job = undefined
      if (hash === undefined) fail(job, "died", "the hash could not be computed")
      else job?.resume(Effect.succeed(hash))
      this.#next(thread)
    })
    const ended = () => {
      if (!this.#threads.delete(thread)) return
      fail(thread.job, "died", "a thread for password hashes died")
      thread.job = undefined
      if (this.#queue.size > 0 && !this.#isClosed) this.#next(this.#start())
    }
    worker.on("error", ended)
    worker.on("exit", ended)
    this.#threads.add(thread)
    return thread
  }

  #next(thread: Thread): void {
    const first = this.#queue.values().next()
    if (first.done === true) return
    this.#queue.delete(first.value)
    give(thread, first.value)
  }
}

const give = (thread: Thread, job: Job): void => {
  thread.job = job
  thread.worker.postMessage({ password: job.password, recipe: job.recipe }, [job.password.buffer as ArrayBuffer])
}

const fail = (job: Job | undefined, reason: "busy" | "died", why: string): void => {
  job?.resume(Effect.fail(new HashUnavailable({ reason, why })))
}

/** CommonJS, because that is what a program given as text is. In Linux priorities belong to threads. */
const program = `
const { parentPort } = require("node:worker_threads")
const crypto = require("node:crypto")
const os = require("node:os")
if (process.platform === "linux") try { os.setPriority(os.constants.priority.PRIORITY_BELOW_NORMAL) } catch {}
const derive = ${derive.toString()}
parentPort.on("message", ({ password, recipe }) => {
  let hash
  try {
    hash = Uint8Array.from(derive(crypto, password, recipe))
  } catch {
    hash = undefined
  }
  password.fill(0)
  parentPort.postMessage(hash)
})
`
