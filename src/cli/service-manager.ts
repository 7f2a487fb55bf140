/**
 * What systemd is told while the broker starts, reloads, runs and stops (sd_notify(3)), when it asked by NOTIFY_SOCKET.
 *
 * Node has no Unix datagram sockets, so the program systemd-notify sends it; the unit says NotifyAccess=all for that.
 * Started by hand, nothing here does anything.
 *
 *   starting    STATUS with how far the recovery is, and EXTEND_TIMEOUT_USEC while the store is recovered
 *   ready       READY=1 after recovery and listeners
 *   reloading   RELOADING=1 with MONOTONIC_USEC (necessary since version 253), READY=1 again whether it was applied or not
 *   alive       WATCHDOG=1 at half of WATCHDOG_USEC, only while `isAlive` says so
 *   stopping    STOPPING=1
 *
 * Bounded: one message is under way, WAITING_MAX wait; a watchdog's that would have to wait is left out.
 */
import { spawn } from "node:child_process"

export interface ServiceManager {
  /** `progress` is asked each time: "the store is being recovered: 42 % of the log read". */
  readonly starting: (progress?: () => string) => void
  /** `isAlive` is asked before each sign of life: the loop turns, as it is asked, and the last sync has moved. */
  readonly ready: (status: string, isAlive: () => boolean) => void
  readonly reloading: () => void
  readonly reloaded: (status: string) => void
  readonly stopping: () => void
  /** Resolves when what was said has been sent, after LAST_WORDS_MS at the latest. */
  readonly sent: () => Promise<void>
}

export interface NotifyWays {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly processId: number
  /** CLOCK_MONOTONIC. */
  readonly monotonicMicroseconds: () => bigint
  /** Resolves when it is sent, or could not be. */
  readonly send: (variables: ReadonlyArray<string>) => Promise<void>
}

const WAITING_MAX = 16
const SEND_TIMEOUT_MS = 5000
const LAST_WORDS_MS = 1000
const EXTEND_EVERY_MS = 2000
const EXTEND_MICROSECONDS = 30_000_000

const silent: ServiceManager = {
  starting: () => {},
  ready: () => {},
  reloading: () => {},
  reloaded: () => {},
  stopping: () => {},
  sent: () => Promise.resolve()
}

export function serviceManager(ways: NotifyWays): ServiceManager {
  const { environment } = ways
  if (!environment["NOTIFY_SOCKET"]) return silent
  const post = new Post(ways.send)
  let extending: NodeJS.Timeout | undefined
  let watching: NodeJS.Timeout | undefined
  return {
    starting: (progress = () => "reading the store") => {
      const say = (): void => post.say(`STATUS=${progress()}`, `EXTEND_TIMEOUT_USEC=${EXTEND_MICROSECONDS}`)
      say()
      extending = setInterval(say, EXTEND_EVERY_MS)
      extending.unref()
    },
    ready: (status, isAlive) => {
      clearInterval(extending)
      post.say("READY=1", `STATUS=${status}`)
      const everyMs = watchdogMs(ways)
      if (everyMs === undefined) return
      watching = setInterval(() => {
        if (isAlive() && post.isIdle) post.say("WATCHDOG=1") // [NOTIFY-1]
      }, everyMs)
      watching.unref()
    },
    reloading: () => {
      const now = ways.monotonicMicroseconds()
      post.say("RELOADING=1", `MONOTONIC_USEC=${now}`, "STATUS=reading the configuration") // [NOTIFY-2]
    },
    reloaded: (status) => post.say("READY=1", `STATUS=${status}`),
    stopping: () => {
      clearInterval(extending)
      clearInterval(watching)
      post.say("STOPPING=1", "STATUS=stopping")
    },
    sent: () => post.sent()
  }
}

/** Half of what systemd waits; undefined where it does not wait for this process. */
function watchdogMs({ environment, processId }: NotifyWays): number | undefined {
  const microseconds = Number(environment["WATCHDOG_USEC"])
  const pid = environment["WATCHDOG_PID"]
  if (!(microseconds > 0) || (pid !== undefined && Number(pid) !== processId)) return undefined
  return Math.max(1, Math.floor(microseconds / 2000))
}

/** One after the other, in order: READY must not overtake RELOADING. */
class Post {
  readonly #send: NotifyWays["send"]
  #tail: Promise<void> = Promise.resolve()
  #waiting = 0

  constructor(send: NotifyWays["send"]) {
    this.#send = send
  }

  get isIdle(): boolean {
    return this.#waiting === 0
  }

  say(...variables: ReadonlyArray<string>): void {
    if (this.#waiting >= WAITING_MAX) return
    this.#waiting += 1
    this.#tail = this.#tail
      .then(() => this.#send(variables.map((each) => each.replace(/[\r\n]+/g, " "))))
      .finally(() => {
        this.#waiting -= 1
      })
  }

  /** A manager that does not listen must not hold the stop up. */
  sent(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, LAST_WORDS_MS) // [NOTIFY-3]
    void this.#tail.finally(() => {
      clearTimeout(timer)
      resolve()
    })
    return promise
  }
}

/** By the program systemd-notify; what it cannot send is lost, as a broker that runs is worth more than its status. */
export function sendByProgram(variables: ReadonlyArray<string>): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn("systemd-notify", variables, { stdio: "ignore", timeout: SEND_TIMEOUT_MS })
    child.on("error", () => resolve())
    child.on("close", () => resolve())
  })
}
