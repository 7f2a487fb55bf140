/**
 * A payload as people are shown it: text where it is UTF-8, else base64, cut where it is long. The shape is the admin
 * API's (Payload in admin/api/shared.ts).
 *
 * Invariant: a cut never falls into a character, so what was text stays text.
 */
import { isUtf8 } from "node:buffer"
import type { PublishView } from "../codec/publish-view.ts"

export interface ShownPayload {
  readonly encoding: "utf8" | "base64"
  readonly value: string
  /** Of the whole. */
  readonly sizeBytes: number
  readonly isCut: boolean
}

const CONTINUATION = 0x80
const CONTINUATION_MASK = 0xc0

export const showPayload = ({ buffer, frameEnd, payloadStart }: PublishView, bytesMax: number): ShownPayload =>
  showBytes(buffer.subarray(payloadStart, frameEnd), bytesMax)

export const showBytes = (payload: Buffer, bytesMax: number): ShownPayload => {
  const sizeBytes = payload.length
  const isCut = sizeBytes > bytesMax
  let end = Math.min(sizeBytes, bytesMax)
  while (isCut && end > 0 && bytesMax - end < 3 && ((payload[end] as number) & CONTINUATION_MASK) === CONTINUATION)
    end--
  const text = payload.subarray(0, end)
  if (isUtf8(text)) return { encoding: "utf8", value: text.toString("utf8"), sizeBytes, isCut }
  return { encoding: "base64", value: payload.subarray(0, bytesMax).toString("base64"), sizeBytes, isCut }
}
