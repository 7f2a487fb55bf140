/**
 * A broker's garbage collector, from outside: SIGUSR1 opens the inspector of a running Node process on a loopback
 * port of its own choice (NODE_OPTIONS below), and HeapProfiler.collectGarbage does what no signal does. What is then
 * in use is in use, so a heap can be compared with itself.
 */
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { WebSocket } from "ws"
import type { RunningBroker } from "./brokers.ts"

/** Set while the broker is started. Without it every process would want the same port. */
export const inspectorOptions = "--inspect-port=0"

const openLimitMs = 10_000
const lookMs = 20

export class Inspector {
  readonly #socket: WebSocket
  #id = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
  }

  static async open({ folder, pid }: RunningBroker): Promise<Inspector> {
    process.kill(pid, "SIGUSR1")
    const untilMs = performance.now() + openLimitMs
    for (;;) {
      const url = /Debugger listening on (ws:\S+)/.exec(readFileSync(join(folder, "output"), "utf8"))?.[1]
      if (url !== undefined) {
        const socket = new WebSocket(url)
        await once(socket, "open")
        return new Inspector(socket)
      }
      if (performance.now() > untilMs) throw new Error("the broker's inspector does not open")
      await new Promise((resolve) => setTimeout(resolve, lookMs))
    }
  }

  /** Collects everything that can be, and answers the bytes of the heap that are in use. */
  async heapBytes(): Promise<number> {
    await this.#call("HeapProfiler.collectGarbage")
    const { usedSize } = (await this.#call("Runtime.getHeapUsage")) as { readonly usedSize: number }
    return usedSize
  }

  close(): void {
    this.#socket.close()
  }

  #call(method: string): Promise<unknown> {
    const id = ++this.#id
    return new Promise((resolve, reject) => {
      const listen = (data: Buffer) => {
        const answer = JSON.parse(String(data)) as { id?: number; result?: unknown; error?: { message: string } }
        if (answer.id !== id) return
        this.#socket.off("message", listen)
        if (answer.error === undefined) resolve(answer.result)
        else reject(new Error(`${method}: ${answer.error.message}`))
      }
      this.#socket.on("message", listen)
      this.#socket.send(JSON.stringify({ id, method }))
    })
  }
}
