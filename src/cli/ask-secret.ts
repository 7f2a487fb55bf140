/**
 * A secret from the person at the terminal, without echo, or from what is piped in. Never from the command line: every
 * user of a machine reads that of every process.
 *
 * Invariants
 * - On a terminal nothing that is typed is shown, not even its length; Ctrl-C and Ctrl-D give up; what is typed leaves
 *   the terminal as it was found.
 * - From a pipe it is the first line, without its end; more than SECRET_BYTES_MAX is not read.
 */
import type { World } from "./world.ts"

const SECRET_BYTES_MAX = 4096

/** Undefined when nothing was given. */
export async function askSecret(world: World, prompt: string, again?: string): Promise<string | "differ" | undefined> {
  const { askHidden } = world
  if (askHidden === undefined) return firstLine(world.stdin)
  const secret = await askHidden(prompt)
  if (secret === undefined || again === undefined) return secret
  return (await askHidden(again)) === secret ? secret : "differ"
}

async function firstLine(input: AsyncIterable<Uint8Array>): Promise<string | undefined> {
  const chunks: Array<Uint8Array> = []
  let bytes = 0
  for await (const chunk of input) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > SECRET_BYTES_MAX || chunk.includes(0x0a)) break
  }
  const [line = ""] = Buffer.concat(chunks).subarray(0, SECRET_BYTES_MAX).toString("utf8").split("\n")
  const secret = line.endsWith("\r") ? line.slice(0, -1) : line
  return secret === "" ? undefined : secret
}

interface Terminal {
  setRawMode(isRaw: boolean): unknown
  on(event: "data", handler: (data: Buffer) => void): unknown
  off(event: "data", handler: (data: Buffer) => void): unknown
  resume(): unknown
  pause(): unknown
}

/** Reads one line from a terminal in raw mode, where nothing is echoed. */
export function askHiddenOn(
  terminal: Terminal,
  write: (text: string) => void,
  prompt: string
): Promise<string | undefined> {
  return new Promise((resolve) => {
    let typed: Array<string> = []
    const finish = (secret: string | undefined) => {
      terminal.off("data", onData)
      terminal.setRawMode(false)
      terminal.pause()
      write("\n")
      resolve(secret)
    }
    const onData = (data: Buffer) => {
      for (const character of data.toString("utf8")) {
        if (character === "\r" || character === "\n") return finish(typed.length === 0 ? undefined : typed.join(""))
        if (character === "\x03" || character === "\x04") return finish(undefined)
        if (character === "\x7f" || character === "\b") typed.pop()
        else if (character === "\x15") typed = []
        else if (character >= " " && typed.length < SECRET_BYTES_MAX) typed.push(character)
      }
    }
    write(prompt)
    terminal.setRawMode(true)
    terminal.on("data", onData)
    terminal.resume()
  })
}
