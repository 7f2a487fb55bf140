/**
 * A configuration document (YAML 1.2 or JSON, one parser) as a list of written keys with their places.
 *
 * Reported here: unreadable syntax, duplicate keys, unknown keys with a suggestion, sections that are no
 * sections, keys written twice under two spellings, and one warning per old spelling. Values are not judged
 * here; they come out as YAML gives them.
 *
 * Limits: `documentSizeMax` characters, `linesMax` lines, `depthMax` brackets or dashes within each other: whoever may only
 * look (POST /config/check) must not be able to hold up the broker. Of many problems the first `problemsMax` are told,
 * and the first `suggestionsMax` unknown keys are compared with all others. The walk descends only into known sections and entries, so its depth is theirs;
 * aliases (*x) are followed one step and are no way to grow a small file into a large one.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLMap
} from "yaml"
import { goneFact, goneKeys, goneSection } from "./gone-keys.ts"
import { nearestKey, type Spelling, sections, spellings } from "./key-names.ts"
import type { FilePlace, Problem } from "./problem.ts"

export const documentSizeMax = 1_048_576
const linesMax = 20_000
const depthMax = 100
const problemsMax = 100
const suggestionsMax = 20
/** Longer lines are shown to here. */
const excerptLengthMax = 400

/** Where a part of a list of records stands: "[1]", "[1].max-bytes". */
export type InnerPlaces = ReadonlyMap<string, { readonly place: FilePlace; readonly excerpt: string }>

export interface WrittenValue {
  readonly spelling: Spelling
  readonly raw: unknown
  readonly keyPlace: FilePlace
  readonly valuePlace: FilePlace
  readonly excerpt: string | undefined
  readonly inner: InnerPlaces
}

export interface WrittenDocument {
  readonly values: ReadonlyArray<WrittenValue>
  readonly problems: ReadonlyArray<Problem>
  /** False when the syntax is broken and `values` means nothing. */
  readonly isReadable: boolean
}

export const readDocument = (text: string, file: string): WrittenDocument => {
  const whole = (code: string, fact: string, fix: string): WrittenDocument => ({
    values: [],
    problems: [{ code, severity: "error", key: undefined, place: { file }, fact, fix }],
    isReadable: false
  })
  if (text.length > documentSizeMax) {
    return whole(
      "E3005",
      `${text.length} characters is above the limit of ${documentSizeMax}`,
      "is this the right file?"
    )
  }
  if (isTooDeep(text)) return whole("E3002", "nested too deeply to be read", "is this the right file?")
  if (text.split("\n", linesMax + 1).length > linesMax) {
    return whole("E3005", `more than ${linesMax} lines`, "is this the right file?")
  }
  const lines = new LineCounter()
  let document: Document.Parsed
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false, merge: false })
  } catch {
    // The parser is recursive: thousands of nested brackets exhaust the stack.
    return whole("E3002", "nested too deeply to be read", "is this the right file?")
  }
  return new Reader(text, file, lines, document).read()
}

/** Counted over texts and comments too, which costs no real file anything. */
const isTooDeep = (text: string): boolean => {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x5b || code === 0x7b) depth += 1
    else if ((code === 0x5d || code === 0x7d) && depth > 0) depth -= 1
    if (depth > depthMax) return true
  }
  return /(?:[-?:][ \t]+){100}/.test(text)
}

class Reader {
  private readonly values: Array<WrittenValue> = []
  private readonly problems: Array<Problem> = []
  private readonly seen = new Map<string, WrittenValue>()
  private unknownKeys = 0
  private readonly text: string
  private readonly file: string
  private readonly lines: LineCounter
  private readonly document: Document.Parsed

  constructor(text: string, file: string, lines: LineCounter, document: Document.Parsed) {
    this.text = text
    this.file = file
    this.lines = lines
    this.document = document
  }

  read(): WrittenDocument {
    let isReadable = true
    for (const error of this.document.errors.slice(0, problemsMax)) {
      isReadable = false
      const fact = `not valid YAML: ${error.message.split("\n")[0]}`
      this.report("E3002", undefined, error.pos[0], fact, "correct the syntax; text with : or # in it needs quotes")
    }
    const root = this.document.contents
    if (!isReadable || root === null || isEmpty(root)) return this.result(isReadable)
    if (isMap(root)) this.readSection(root, "")
    else
      this.report(
        "E3004",
        undefined,
        root.range[0],
        "the document is not a list of keys",
        "write sections such as server: and mqtt:"
      )
    return this.result(isReadable)
  }

  private result(isReadable: boolean): WrittenDocument {
    return { values: this.values, problems: this.problems, isReadable }
  }

  private readSection(map: YAMLMap, parent: string): void {
    const linesOfKeys = new Map<string, number | undefined>()
    for (const pair of map.items) {
      if (this.problems.length >= problemsMax) return
      const keyNode = pair.key as Node
      const offset = keyNode.range?.[0] ?? 0
      const name = isScalar(keyNode) ? String(keyNode.value) : "?"
      const key = parent === "" ? name : `${parent}.${name}`
      const spelling = spellings.get(key)
      if (linesOfKeys.has(name)) {
        const fact = `is written twice in the same section, first in line ${linesOfKeys.get(name)}`
        this.report("E3003", key, offset, fact, "keep one of the two")
        continue
      }
      linesOfKeys.set(name, this.placeOf(offset).line)
      if (spelling !== undefined) this.readValue(spelling, offset, pair.value as Node | null)
      else if (sections.has(key)) this.readSubsection(key, offset, pair.value as Node | null)
      else if (key === goneSection) this.reportGone(offset, pair.value as Node | null)
      else this.reportUnknown(key, offset)
    }
  }

  private readSubsection(key: string, offset: number, node: Node | null): void {
    const value = this.follow(node)
    if (isMap(value)) this.readSection(value, key)
    else if (!isEmpty(value))
      this.report("E3004", key, offset, "is a section, not a value", `write the keys of ${key} below it`)
  }

  private readValue(spelling: Spelling, keyOffset: number, node: Node | null): void {
    const value = this.follow(node)
    const valueOffset = node?.range?.[0] ?? keyOffset
    const inner = new Map<string, { place: FilePlace; excerpt: string }>()
    const item = (each: Node | null, index: number): unknown =>
      spelling.leaf.kind === "records" && isMap(each)
        ? this.readRecord(each, `${spelling.leaf.key}[${index}]`, `[${index}]`, inner)
        : plain(each)
    const written: WrittenValue = {
      spelling,
      raw: isSeq(value) ? value.items.map((each, index) => item(this.follow(each as Node), index)) : plain(value),
      inner,
      keyPlace: this.placeOf(keyOffset),
      valuePlace: this.placeOf(isEmpty(value) ? keyOffset : valueOffset),
      excerpt: spelling.leaf.secret ? undefined : this.lineAt(valueOffset)
    }
    const key = spelling.leaf.key
    const earlier = this.seen.get(key)
    if (earlier === undefined) {
      this.seen.set(key, written)
      this.values.push(written)
    } else if (earlier.spelling.key !== spelling.key) {
      const fact = `is written twice, as ${earlier.spelling.key} in line ${earlier.keyPlace.line} and as ${spelling.key} here`
      this.report("E3112", key, keyOffset, fact, `keep only ${key}`)
    }
    if (spelling.isAlias) {
      this.report("E3301", spelling.key, keyOffset, `is the old spelling of ${key}`, `write ${key}`, "warning")
    }
  }

  /** One entry of a list of records: its keys and values, and where they stand. */
  private readRecord(
    map: YAMLMap,
    name: string,
    at: string,
    inner: Map<string, { place: FilePlace; excerpt: string }>
  ): Readonly<Record<string, unknown>> {
    const note = (path: string, offset: number) =>
      inner.set(path, { place: this.placeOf(offset), excerpt: this.lineAt(offset) })
    note(at, map.range?.[0] ?? 0)
    const entry: Record<string, unknown> = {}
    for (const { key: keyNode, value: node } of map.items as ReadonlyArray<{ key: Node; value: Node | null }>) {
      const key = isScalar(keyNode) ? String(keyNode.value) : "?"
      const offset = keyNode.range?.[0] ?? 0
      if (Object.hasOwn(entry, key)) {
        this.report("E3003", `${name}.${key}`, offset, "is written twice in the same entry", "keep one of the two")
        continue
      }
      const value = this.follow(node)
      note(`${at}.${key}`, isEmpty(value) ? offset : (node?.range?.[0] ?? offset))
      entry[key] = plain(value)
    }
    return entry
  }

  /** Each key by itself: what it was for has another key now, or is no question any more. */
  private reportGone(sectionOffset: number, node: Node | null): void {
    const value = this.follow(node)
    const keys = isMap(value) ? value.items.map(({ key }) => key as Node) : []
    for (const keyNode of keys) {
      const key = `${goneSection}.${isScalar(keyNode) ? String(keyNode.value) : "?"}`
      const fix = goneKeys.get(key) ?? "remove the section"
      this.report("E3404", key, keyNode.range?.[0] ?? sectionOffset, goneFact, fix)
    }
    if (keys.length === 0) this.report("E3404", goneSection, sectionOffset, goneFact, "remove the section")
  }

  private reportUnknown(key: string, offset: number): void {
    this.unknownKeys += 1
    const close = this.unknownKeys > suggestionsMax ? undefined : nearestKey(key)
    const fix = close === undefined ? "remove it; promptmq config schema lists every key" : `did you mean ${close}?`
    this.report("E3101", key, offset, "is not a key of this version", fix)
  }

  private report(
    code: string,
    key: string | undefined,
    offset: number,
    fact: string,
    fix: string,
    severity: "error" | "warning" = "error"
  ): void {
    const isSecret = key !== undefined && spellings.get(key)?.leaf.secret === true
    // Without a key (broken syntax) the line may hold anything, a secret included.
    const excerpt = isSecret || key === undefined ? {} : { excerpt: this.lineAt(offset) }
    this.problems.push({ code, severity, key, place: this.placeOf(offset), fact, fix, ...excerpt })
  }

  private follow(node: Node | null): Node | null {
    return isAlias(node) ? (node.resolve(this.document) ?? null) : node
  }

  private placeOf(offset: number): FilePlace {
    const position = this.lines.linePos(offset)
    return { file: this.file, line: Math.max(1, position.line), column: Math.max(1, position.col) }
  }

  private lineAt(offset: number): string {
    const start = this.text.lastIndexOf("\n", offset - 1) + 1
    const end = this.text.indexOf("\n", offset)
    const line = this.text.slice(start, end === -1 ? undefined : end).replace(/\r$/, "")
    return line.length > excerptLengthMax ? `${line.slice(0, excerptLengthMax)}...` : line
  }
}

const isEmpty = (node: Node | null): boolean => node === null || (isScalar(node) && node.value === null)

/** A scalar's value; anything else is handed on as an object, which every decoder refuses. */
const plain = (node: Node | null): unknown => (node === null ? null : isScalar(node) ? node.value : {})
