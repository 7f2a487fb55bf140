/**
 * The W3C Trace Context header `traceparent`, as a user property of PUBLISH carries it.
 *
 *   00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 *   version, trace id, parent span id, flags (bit 0: sampled); lower-case hex, neither id all zeros
 *
 * It comes from strangers: what is not exactly that is no parent. A later version may be longer, behind one more dash.
 *
 * Which messages get spans is decided by the trace id, as OpenTelemetry's consistent probability sampling does: its last
 * 56 bits are a random number R, and R >= (1 - ratio) * 2^56 is sampled. So services with the same ratio choose the same
 * traces, and the choice can be made again from a message that was stored.
 */
export interface TraceContext {
  readonly traceId: string
  readonly spanId: string
  readonly isSampled: boolean
}

export const TRACEPARENT = "traceparent"
export const TRACESTATE = "tracestate"

const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const LENGTH = 55
const LENGTH_MAX = 512
/** Of the 56 random bits those that a number holds. */
const RANDOM_AT = 18
const RANDOM_DIGITS = 13
const RANDOM_RANGE = 2 ** 52

export const parseTraceparent = (text: string): TraceContext | undefined => {
  if (text.length < LENGTH || text.length > LENGTH_MAX) return undefined
  const match = FORM.exec(text)
  if (match === null) return undefined
  const [, version, traceId, spanId, flags, more] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string?
  ]
  if (version === "ff" || (version === "00" && more !== undefined)) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

export const formatTraceparent = ({ isSampled, spanId, traceId }: TraceContext): string =>
  `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`

export const isChosen = (traceId: string, ratio: number): boolean =>
  Number.parseInt(traceId.slice(RANDOM_AT, RANDOM_AT + RANDOM_DIGITS), 16) >= (1 - ratio) * RANDOM_RANGE && ratio > 0

/** A trace id that isChosen() chooses. `random` answers numbers in [0, 1). */
export const chosenTraceId = (ratio: number, random: () => number): string => {
  const lowest = Math.ceil((1 - ratio) * RANDOM_RANGE)
  const chosen = Math.min(RANDOM_RANGE - 1, lowest + Math.floor(random() * (RANDOM_RANGE - lowest)))
  const head = `${hex(random, 8)}${hex(random, 8)}${hex(random, 2)}`
  return `${head}${chosen.toString(16).padStart(RANDOM_DIGITS, "0")}${hex(random, 1)}`.replace(
    /^0{32}$/,
    `${"0".repeat(31)}1`
  )
}

const hex = (random: () => number, digits: number): string =>
  Math.floor(random() * 16 ** digits)
    .toString(16)
    .padStart(digits, "0")
