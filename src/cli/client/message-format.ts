/**
 * `sub -F`: mosquitto_sub's format language, compiled once and rendered per message to bytes.
 *
 *   %[-][0][width][.precision]letter   a part of the message (table `fields`)
 *   @letter                            strftime(3), and @N for nanoseconds
 *   \letter                            \\ \0 \a \e \n \r \t \v
 *
 * `-` aligns left, `0` pads with zeros, width is the least and precision the most characters; which letters
 * obey which is Mosquitto's choice and stands in the table. A wrong format is found before connecting.
 */
import { UsageFault } from "../grammar/option.ts"
import { flagNumber, type Received, receivedJson } from "./received.ts"
import { isoTime, microseconds, strftime } from "./strftime.ts"

export type Render = (message: Received) => Buffer | NotJson

/** `%J` met a payload that is not JSON. */
export class NotJson {
  readonly topic: string
  constructor(topic: string) {
    this.topic = topic
  }
}

export function compileFormat(format: string, isPretty: boolean): Render | UsageFault {
  const pieces: Array<Piece> = []
  let literal = ""
  const scan = { format, at: 0 }
  while (scan.at < format.length) {
    const character = format[scan.at++] as string
    const piece = opened(scan, character, isPretty)
    if (piece instanceof UsageFault) return piece
    if (typeof piece === "string") literal += piece
    else {
      if (literal !== "") pieces.push(constant(literal))
      literal = ""
      pieces.push(piece)
    }
  }
  if (literal !== "") pieces.push(constant(literal))
  return (message) => join(pieces, message)
}

type Piece = (message: Received) => Buffer | string | NotJson

interface Scan {
  readonly format: string
  at: number
}

function constant(text: string): Piece {
  const bytes = Buffer.from(text)
  return () => bytes
}

function join(pieces: ReadonlyArray<Piece>, message: Received): Buffer | NotJson {
  const parts: Array<Buffer> = []
  for (const piece of pieces) {
    const part = piece(message)
    if (part instanceof NotJson) return part
    parts.push(typeof part === "string" ? Buffer.from(part) : part)
  }
  return Buffer.concat(parts)
}

/** What begins with this character: text as it is, or a piece. */
function opened(scan: Scan, character: string, isPretty: boolean): Piece | string | UsageFault {
  if (character === "%") return percent(scan, isPretty)
  if (character === "\\") return escaped(scan)
  return character === "@" ? at(scan) : character
}

const escapes: Readonly<Record<string, string>> = {
  "\\": "\\",
  "0": "\0",
  a: "\x07",
  e: "\x1b",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v"
}

function escaped(scan: Scan): string | UsageFault {
  const letter = scan.format[scan.at++]
  if (letter === undefined) return new UsageFault("-F ends with an unfinished \\ sequence", "\\\\ is a backslash")
  const text = escapes[letter]
  return text ?? new UsageFault(`-F: \\${letter} is no escape`, `one of ${Object.keys(escapes).join(" ")}`)
}

function at(scan: Scan): Piece | string | UsageFault {
  const letter = scan.format[scan.at++]
  if (letter === undefined) return new UsageFault("-F ends with an unfinished @ sequence", "@@ is an at sign")
  return letter === "@" ? "@" : (message) => strftime(letter, message.receivedAtMs)
}

interface Field {
  /** Obeys the width; else it is read and ignored. */
  readonly isPadded: boolean
  /** Obeys `0`. */
  readonly isZeroed: boolean
  /** Obeys the precision. */
  readonly isCut: boolean
  readonly read: (message: Received) => Buffer | string | number | undefined
}

const padded = { isPadded: true, isZeroed: true, isCut: false }
const paddedAndCut = { isPadded: true, isZeroed: false, isCut: true }
const plain = { isPadded: false, isZeroed: false, isCut: false }

const fields: Readonly<Record<string, Field>> = {
  A: { ...padded, read: ({ properties }) => properties.topicAlias },
  C: { ...paddedAndCut, read: ({ properties }) => properties.contentType },
  D: { ...plain, read: ({ properties }) => properties.correlationData },
  E: { ...padded, read: ({ properties }) => properties.messageExpiryInterval },
  F: { ...padded, read: ({ properties }) => flagNumber(properties.payloadFormatIndicator) },
  I: { ...paddedAndCut, read: (message) => isoTime(message.receivedAtMs) },
  l: { ...padded, read: (message) => message.payload.length },
  m: { ...padded, read: (message) => message.messageId },
  P: { ...plain, read: userProperties },
  p: { ...padded, read: (message) => message.payload },
  q: { ...plain, read: (message) => message.qos },
  R: { ...paddedAndCut, read: ({ properties }) => properties.responseTopic },
  r: { ...plain, read: (message) => (message.retain ? 1 : 0) },
  S: { ...padded, read: ({ properties }) => subscriptionIdentifiers(properties.subscriptionIdentifier) },
  t: { ...paddedAndCut, read: (message) => message.topic },
  U: { ...plain, read: unixTime },
  X: { ...padded, read: (message) => message.payload.toString("hex").toUpperCase() },
  x: { ...padded, read: (message) => message.payload.toString("hex") }
}

const specifier = /(-?)(0?)(-?)(\d{0,4})(?:\.(\d{0,4}))?(.?)/sy

function percent(scan: Scan, isPretty: boolean): Piece | string | UsageFault {
  specifier.lastIndex = scan.at
  const [whole = "", left, zero, leftAfterZero, widthText = "", precisionText, letter = ""] =
    specifier.exec(scan.format) ?? []
  scan.at += whole.length
  if (letter === "") return new UsageFault("-F ends with an unfinished % sequence", "%% is a percent sign")
  if (letter === "%") return "%"
  if (letter === "j" || letter === "J") {
    return (message) => receivedJson(message, letter === "J", isPretty) ?? new NotJson(message.topic)
  }
  const field = fields[letter]
  if (field === undefined) {
    return new UsageFault(
      `-F: %${letter} is not a part of a message`,
      `one of ${[...Object.keys(fields), "j", "J", "%"].join(" ")}`
    )
  }
  const isLeft = left === "-" || leftAfterZero === "-"
  const shape: Shape = {
    width: field.isPadded ? Number(widthText) : 0,
    precision: field.isCut && precisionText !== undefined ? Number(precisionText) : undefined,
    isLeft,
    isZeroed: field.isZeroed && zero === "0"
  }
  return (message) => shaped(field.read(message), shape)
}

interface Shape {
  readonly width: number
  readonly precision: number | undefined
  readonly isLeft: boolean
  readonly isZeroed: boolean
}

/** What is absent is padded like an empty text; `-` wins over `0` unless it is absent. */
function shaped(value: Buffer | string | number | undefined, shape: Shape): Buffer | string {
  const full = value === undefined ? "" : typeof value === "number" ? String(value) : value
  const cut = shape.precision === undefined ? full : full.slice(0, shape.precision)
  const missing = shape.width - cut.length
  if (missing <= 0) return cut
  const isZero = shape.isZeroed && (value === undefined || !shape.isLeft)
  const padding = (isZero ? "0" : " ").repeat(missing)
  if (typeof cut === "string") return shape.isLeft ? cut + padding : padding + cut
  return Buffer.concat(shape.isLeft ? [cut, Buffer.from(padding)] : [Buffer.from(padding), cut])
}

function userProperties({ properties }: Received): string {
  return Object.entries(properties.userProperties ?? {})
    .flatMap(([key, values]) => (Array.isArray(values) ? values : [values]).map((value) => `${key}:${value}`))
    .join(" ")
}

function subscriptionIdentifiers(value: number | ReadonlyArray<number> | undefined): string | number | undefined {
  return Array.isArray(value) ? value.join(",") : (value as number | undefined)
}

function unixTime({ receivedAtMs }: Received): string {
  return `${Math.floor(receivedAtMs / 1000)}.${String(microseconds(receivedAtMs)).padStart(6, "0")}000`
}
