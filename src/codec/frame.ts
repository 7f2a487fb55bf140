/**
 * The frame scanner: where does a packet end? Works on offsets, copies nothing, remembers nothing.
 *
 *   byte 0        packet type (high nibble), flags (low nibble)
 *   byte 1..4     Remaining Length, a Variable Byte Integer in its shortest form
 *   then          Remaining Length bytes
 *
 * The limit is judged as soon as the length is known: a client that announces 256 MiB and falls silent
 * costs nothing. Decoders take whole frames only, so they start at `bodyStart` and trust the length.
 */
import { equalBytes } from "../base/bytes.ts"
import type { Fault } from "./fault.ts"
import { packetTooLarge, remainingLengthMalformed } from "./faults.ts"
import { integerCutOff, readVariableByteInteger, variableByteIntegerSize } from "./integers.ts"
import type { PublishView } from "./publish-view.ts"

export function frameLength(
  buffer: Buffer,
  start: number,
  end: number,
  maximumPacketSizeBytes: number
): number | Fault {
  if (end - start < 2) return 0
  const remaining = readVariableByteInteger(buffer, start + 1, end)
  if (remaining < 0) return remaining === integerCutOff ? 0 : remainingLengthMalformed // [MQTT-1.5.5-1]
  const length = 1 + variableByteIntegerSize(remaining) + remaining
  return length > maximumPacketSizeBytes ? packetTooLarge : length // [MQTT-3.2.2-15]
}

/** First byte behind the fixed header of a whole frame. */
export function bodyStart(buffer: Buffer, start: number): number {
  if ((buffer[start + 1] as number) < 0x80) return start + 2
  if ((buffer[start + 2] as number) < 0x80) return start + 3
  return (buffer[start + 3] as number) < 0x80 ? start + 4 : start + 5
}

/**
 * End of the run of frames behind `view.frameEnd` that repeat its first byte, its topic and its empty
 * property section. Only QoS 0 frames without properties make runs: nothing in them differs but payloads.
 */
export function runEnd(view: PublishView, end: number, maximumPacketSizeBytes: number): number {
  let at = view.frameEnd
  let frames = 1
  if (view.qos === 0 && view.propertiesStart === view.propertiesEnd) {
    const buffer = view.buffer
    const first = buffer[view.frameStart] as number
    // What repeats: topic length, topic and, in 5.0, the Property Length of zero.
    const prefixStart = view.topicStart - 2
    const prefixEnd = view.payloadStart
    while (end - at >= 2 && buffer[at] === first) {
      const remaining = readVariableByteInteger(buffer, at + 1, end)
      if (remaining < prefixEnd - prefixStart) break
      const body = at + 1 + variableByteIntegerSize(remaining)
      const next = body + remaining
      if (next > end || next - at > maximumPacketSizeBytes) break
      if (!equalBytes(buffer, prefixStart, prefixEnd, buffer, body)) break
      at = next
      frames++
    }
  }
  view.runFrames = frames
  view.frameEndRead = at
  return at
}
