/**
 * JSON as the tools write it: times in RFC 3339, text where bytes are text, base64 where they are not. What is written
 * here can be read back (import.ts); names and meanings are stable, members may be added.
 */
import { isUtf8 } from "node:buffer"
import type { Properties } from "../../codec/codec.ts"

export type PayloadForm = "auto" | "text" | "base64" | "none"
export const payloadForms: ReadonlyArray<PayloadForm> = ["auto", "text", "base64", "none"]

export type Json = Readonly<Record<string, unknown>>

export function timeText(wallMs: number): string {
  return new Date(wallMs).toISOString()
}

/** "payload" where it is UTF-8, else "payloadBase64". */
export function payloadJson(payload: Buffer, form: PayloadForm): Json {
  if (form === "none") return { payloadBytes: payload.length }
  if (form === "text" || (form === "auto" && isUtf8(payload))) return { payload: payload.toString("utf8") }
  return { payloadBase64: payload.toString("base64") }
}

/** The standard's names; binary values get the suffix Base64, since JSON has no bytes. */
export function propertiesJson(properties: Properties): Json {
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => (Buffer.isBuffer(value) ? [`${name}Base64`, value.toString("base64")] : [name, value]))
  )
}
