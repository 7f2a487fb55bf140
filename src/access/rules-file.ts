/**
 * The rules file: text in, rules or every problem out, each with line, column and fix.
 *
 *   rules:                                          YAML 1.2, or JSON by the same rules
 *     - effect: allow
 *       users: [alice]
 *       topics: ["plant/#"]
 *
 * An acl_file of Mosquitto is read as well; its lines tell it apart (mosquitto-acl.ts). Keys: decode-rule.ts.
 *
 * Invariants
 * - All or nothing: with one problem there are no rules, and who asked keeps the old ones.
 * - An empty file is a problem and not "no rules"; `rules: []` is rules, of which none holds (security.md, row 28).
 * - Problems have the shape of the configuration's, so that they are told and shown alike (config/problem.ts).
 *
 * Limits: rulesFileBytesMax (rules-source.ts); aliases (*x) are refused, so that a small file stays small.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml"
import { decodeRules, type RuleFault } from "./decode-rule.ts"
import { isMosquittoAcl, readMosquittoAcl } from "./mosquitto-acl.ts"
import type { RuleList } from "./rule.ts"

export interface RulesProblem {
  readonly code: string
  readonly severity: "error"
  readonly key: undefined
  readonly place: { readonly file: string; readonly line?: number; readonly column?: number }
  readonly fact: string
  readonly fix: string
  readonly excerpt?: string
}

export interface ReadRules {
  readonly rules: RuleList
  readonly problems: ReadonlyArray<RulesProblem>
}

export const rulesFileInvalid = "E3522"

/** `file` is its name as shown. */
export const readRules = (text: string, file: string): ReadRules => {
  if (isMosquittoAcl(text)) {
    const { faults, rules } = readMosquittoAcl(text, file)
    const lines = text.split("\n")
    const problems = faults.map(({ column, fact, fix, line }) =>
      problemAt({ file, line, column }, fact, fix, lines[line - 1])
    )
    return { rules, problems }
  }
  return new YamlRules(text, file).read()
}

class YamlRules {
  readonly #text: string
  readonly #file: string
  readonly #lines = new LineCounter()
  readonly #problems: Array<RulesProblem> = []
  /** Where a path of decode-rule.ts is in the file. */
  readonly #offsets = new Map<string, number>()

  constructor(text: string, file: string) {
    this.#text = text
    this.#file = file
  }

  read(): ReadRules {
    const list = this.#readList()
    if (list === undefined || this.#problems.length > 0) return { rules: [], problems: this.#problems }
    const sourceOf = (index: number) => `${this.#file}:${this.#placeOf(this.#offsets.get(`[${index}]`) ?? 0).line}`
    const { faults, rules } = decodeRules(list, sourceOf)
    const offsetOf = ({ at }: RuleFault): number => this.#offsets.get(at) ?? 0
    const inOrder = faults.toSorted((left, right) => offsetOf(left) - offsetOf(right))
    for (const fault of inOrder) this.#report(offsetOf(fault), fault.fact, fault.fix)
    return { rules, problems: this.#problems }
  }

  #readList(): ReadonlyArray<unknown> | undefined {
    let root: Node | null
    try {
      const document = parseDocument(this.#text, { lineCounter: this.#lines, prettyErrors: false, merge: false })
      for (const error of document.errors) {
        const fix = "correct the syntax; text with : or # in it needs quotes"
        this.#report(error.pos[0], `not valid YAML: ${error.message.split("\n")[0]}`, fix)
      }
      root = document.contents
    } catch {
      // The parser is recursive: thousands of nested brackets exhaust the stack.
      this.#report(0, "nested too deeply to be read", "is this the right file?")
      return undefined
    }
    if (this.#problems.length > 0) return undefined
    const fix = "write rules: and a list below it; rules: [] denies everything"
    if (!isMap(root)) {
      this.#report(root?.range?.[0] ?? 0, "the file has no list of rules", fix)
      return undefined
    }
    let list: unknown
    for (const { key, value } of root.items as ReadonlyArray<{ key: Node; value: Node | null }>) {
      const name = isScalar(key) ? String(key.value) : "?"
      if (name === "rules") list = this.#plain(value, "")
      else this.#report(key.range?.[0] ?? 0, `${JSON.stringify(name.slice(0, 60))} is not a key of a rules file`, fix)
    }
    if (Array.isArray(list)) return list
    if (this.#problems.length === 0) this.#report(root.range?.[0] ?? 0, "the file has no list of rules", fix)
    return undefined
  }

  /** Lists of maps of scalars and of lists of scalars: what is deeper is handed on as an object, which is refused. */
  #plain(node: Node | null, at: string): unknown {
    if (node === null) return null
    this.#offsets.set(at, node.range?.[0] ?? 0)
    if (isAlias(node)) {
      this.#report(node.range?.[0] ?? 0, "aliases are not read here", "write the value itself")
      return null
    }
    if (isScalar(node)) return node.value
    if (isSeq(node)) return node.items.map((item, index) => this.#plain(item as Node, `${at}[${index}]`))
    if (!isMap(node) || at.includes(".")) return {}
    const entries: Record<string, unknown> = {}
    for (const { key, value } of node.items as ReadonlyArray<{ key: Node; value: Node | null }>) {
      const name = isScalar(key) ? String(key.value) : "?"
      const isUnderstood = name !== "__proto__"
      if (isUnderstood) entries[name] = this.#plain(value, `${at}.${name}`)
      else this.#report(key.range?.[0] ?? 0, `"${name}" is not a key of a rule`, "remove it")
      if (value === null || !isMap(value)) this.#offsets.set(`${at}.${name}`, (value ?? key).range?.[0] ?? 0)
    }
    return entries
  }

  #report(offset: number, fact: string, fix: string): void {
    const place = this.#placeOf(offset)
    const start = this.#text.lastIndexOf("\n", offset - 1) + 1
    const end = this.#text.indexOf("\n", offset)
    const excerpt = this.#text.slice(start, end < 0 ? undefined : end).replace(/\r$/, "")
    this.#problems.push(problemAt({ file: this.#file, ...place }, fact, fix, excerpt))
  }

  #placeOf(offset: number): { readonly line: number; readonly column: number } {
    const { col, line } = this.#lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
}

const problemAt = (
  place: RulesProblem["place"],
  fact: string,
  fix: string,
  excerpt: string | undefined
): RulesProblem => ({
  code: rulesFileInvalid,
  severity: "error",
  key: undefined,
  place,
  fact,
  fix,
  ...(excerpt === undefined ? {} : { excerpt })
})
