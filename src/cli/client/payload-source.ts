/**
 * Where `pub` takes its messages from: -m, -f, -n, all of standard input (-s), or each of its lines (-l).
 *
 * A line is the bytes before "\n", unchanged otherwise; the last one may lack it. Nothing is read ahead:
 * the next line is taken when the window has room. A payload is at most what one MQTT packet can carry.
 */

import { UsageFault } from "../grammar/option.ts"
import { fileOf } from "./connection-settings.ts"

/** The largest remaining length, 268,435,455 (section 1.5.5): the topic and properties take a little of it. */
export const payloadBytesMax = 268_435_455

export interface PayloadChoice {
  readonly message: string | undefined
  readonly file: string | undefined
  readonly isEmpty: boolean
  readonly isWholeInput: boolean
  readonly isLines: boolean
}

export type PayloadSource =
  | { readonly kind: "one"; readonly payload: Buffer }
  | { readonly kind: "wholeInput" }
  | { readonly kind: "lines" }

export function payloadSource(choice: PayloadChoice): PayloadSource | UsageFault {
  const given = [
    choice.message !== undefined,
    choice.file !== undefined,
    choice.isEmpty,
    choice.isWholeInput,
    choice.isLines
  ].filter(Boolean).length
  if (given === 0) return new UsageFault("no message", "one of -m <text>, -f <file>, -n, -s, -l")
  if (given > 1) return new UsageFault("more than one message", "only one of -m, -f, -n, -s, -l")
  if (choice.file === "-") return new UsageFault("-f - is no file", "all of standard input is -s, each of its lines -l")
  if (choice.isLines) return { kind: "lines" }
  if (choice.isWholeInput) return { kind: "wholeInput" }
  const payload = choice.file === undefined ? Buffer.from(choice.message ?? "") : fileOf("-f", choice.file)
  if (payload instanceof UsageFault) return payload
  return tooLarge(payload?.length ?? 0) ?? { kind: "one", payload: payload ?? Buffer.alloc(0) }
}

/** All of the input; a fault when it cannot be one message. */
export async function wholeInput(stdin: AsyncIterable<Uint8Array>): Promise<Buffer | UsageFault> {
  const chunks: Array<Uint8Array> = []
  let sizeBytes = 0
  for await (const chunk of stdin) {
    chunks.push(chunk)
    sizeBytes += chunk.length
    const fault = tooLarge(sizeBytes)
    if (fault !== undefined) return fault
  }
  return Buffer.concat(chunks, sizeBytes)
}

export async function* lines(stdin: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer | UsageFault, void> {
  const unfinished: Array<Uint8Array> = []
  let unfinishedBytes = 0
  for await (const chunk of stdin) {
    let start = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      unfinished.push(chunk.subarray(start, end))
      yield joined(unfinished.splice(0))
      unfinishedBytes = 0
      start = end + 1
    }
    if (start === chunk.length) continue
    unfinished.push(chunk.subarray(start))
    unfinishedBytes += chunk.length - start
    const fault = tooLarge(unfinishedBytes)
    if (fault !== undefined) {
      yield fault
      return
    }
  }
  if (unfinishedBytes > 0) yield joined(unfinished)
}

const newline = 0x0a

function joined(parts: ReadonlyArray<Uint8Array>): Buffer {
  return Buffer.concat(parts)
}

function tooLarge(sizeBytes: number): UsageFault | undefined {
  if (sizeBytes <= payloadBytesMax) return undefined
  return new UsageFault(`the message is larger than MQTT can carry (${payloadBytesMax} bytes)`)
}
