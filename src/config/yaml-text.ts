/**
 * Values and trees as YAML text: the little of it that settings need.
 *
 * Written by hand and not by the yaml package because comments stand between the keys and a stable layout
 * is tested. Every text this makes is read back by the loader in the tests.
 */
import type { WireRecord, WireValue } from "../settings/setting.ts"

/** One value on one line. Text is quoted unless it is plainly a word. */
export const yamlValue = (value: WireValue): string => {
  if (value === undefined) return ""
  if (typeof value === "object") return `[${value.map(itemText).join(", ")}]`
  if (typeof value !== "string") return String(value)
  const isWord = /^[A-Za-z][A-Za-z0-9_-]*$|^\d+(\.\d+)?[A-Za-z]+$/.test(value)
  const hasOtherMeaning = /^(true|false|null|yes|no|on|off)$/i.test(value) || /^\d+(\.\d+)?e\d*$/i.test(value)
  return isWord && !hasOtherMeaning ? value : JSON.stringify(value)
}

const itemText = (item: string | WireRecord): string => {
  if (typeof item === "string") return JSON.stringify(item)
  const fields = Object.entries(item).map(([key, value]) => `${key}: ${yamlValue(value)}`)
  return `{ ${fields.join(", ")} }`
}

/** A comment in lines of at most `width` characters. */
export const commentLines = (text: string, indent: string, width = 110): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = `${indent}#`
  for (const word of text.split(" ")) {
    if (line.length + word.length + 1 > width) {
      lines.push(line)
      line = `${indent}#`
    }
    line += ` ${word}`
  }
  return [...lines, line]
}

export interface YamlEntry {
  readonly path: ReadonlyArray<string>
  /** Comment lines above it. */
  readonly comment: ReadonlyArray<string>
  readonly value: string
  /** Comment behind it. */
  readonly note?: string | undefined
  /** Written as a comment, for the reader to uncomment. */
  readonly isCommentedOut: boolean
}

/** Entries under their section headings; entries of one section must be neighbours. */
export const yamlDocument = (entries: ReadonlyArray<YamlEntry>): string => {
  const lines: Array<string> = []
  let open: ReadonlyArray<string> = []
  for (const entry of entries) {
    const parents = entry.path.slice(0, -1)
    let shared = 0
    while (shared < parents.length && parents[shared] === open[shared]) shared++
    for (let depth = shared; depth < parents.length; depth++) {
      if (depth === 0 && lines.length > 0) lines.push("")
      lines.push(`${"  ".repeat(depth)}${parents[depth]}:`)
    }
    open = parents
    const indent = "  ".repeat(parents.length)
    for (const comment of entry.comment) lines.push(...commentLines(comment, indent))
    const note = entry.note === undefined ? "" : `  # ${entry.note}`
    lines.push(`${indent}${entry.isCommentedOut ? "# " : ""}${entry.path.at(-1)}: ${entry.value}${note}`.trimEnd())
  }
  return `${lines.join("\n")}\n`
}
