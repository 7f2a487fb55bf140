/**
 * Help as text. The overview (`promptmq --help`) is at most 25 lines, examples first, and names the commands of each group;
 * the help of a group gives each a line; that of one command lists everything its declaration holds, wrapped to the width of
 * the terminal.
 */
import type { Command, CommandRow, Group } from "./command.ts"
import type { Option } from "./option.ts"

export function overviewHelp(rows: ReadonlyArray<CommandRow>, version: string): string {
  const lines = [`promptmq ${version}, an MQTT 3.1, 3.1.1 and 5.0 broker`, ""]
  for (const example of overviewExamples) lines.push(`  ${example.line.padEnd(40)}${example.why}`)
  lines.push("")
  for (const group of new Set(rows.map((row) => row.group))) {
    const words = groupWords(rows.filter((row) => row.group === group))
    const names = wrapped(words, overviewWidth - overviewIndent, /(?<=[ |])/)
    lines.push(...names.map((line, i) => `  ${(i === 0 ? groupName(group) : "").padEnd(overviewIndent - 2)}${line}`))
  }
  lines.push("", "promptmq help <group>: its commands     promptmq <command> --help: its options")
  lines.push("promptmq --version: what this is")
  return lines.join("\n")
}

/** What is typed after `promptmq help`. */
export function groupName(group: Group): string {
  return group.toLowerCase()
}

/** The commands of a group or of a family, a line each. */
export function rowsHelp(rows: ReadonlyArray<CommandRow>): string {
  const width = rows.reduce((most, { name }) => Math.max(most, name.length), 0)
  return rows.map(({ name, summary }) => `  promptmq ${name.padEnd(width)}  ${summary}`).join("\n")
}

/** "status, top, retained ls|get|set|rm": commands of two words are named with their family. */
function groupWords(rows: ReadonlyArray<CommandRow>): string {
  const families = new Map<string, Array<string>>()
  for (const { name } of rows) {
    const [family = "", word] = name.split(" ")
    families.set(family, [...(families.get(family) ?? []), ...(word === undefined ? [] : [word])])
  }
  return Array.from(families, ([name, words]) => (words.length === 0 ? name : `${name} ${words.join("|")}`)).join(", ")
}

const overviewIndent = 18
const overviewWidth = 90

export const overviewExamples = [
  { line: "promptmq", why: "start a broker on this machine" },
  { line: "promptmq sub -t 'demo/#' -v", why: "in a second terminal: wait for messages" },
  { line: "promptmq pub -t demo/hi -m hello", why: "in a third: send one" }
]

export function commandHelp(command: Command, columns: number): string {
  const width = Math.max(60, Math.min(columns, 110))
  const lines = [`promptmq ${command.name}: ${command.summary}`, "", `usage: ${usageLine(command)}`]
  if (command.examples.length > 0) lines.push("")
  for (const example of command.examples) lines.push(`  ${example.line}`, `      ${example.why}`)
  for (const note of command.notes) lines.push("", ...wrapped(note, width))
  if (command.operands.length > 0) lines.push("")
  for (const operand of command.operands) lines.push(...row(`<${operand.name}>`, operand.summary, width))
  for (const [section, options] of bySection(command)) {
    lines.push("", section)
    for (const [name, option] of options) lines.push(...row(spelling(name, option), optionText(option), width))
  }
  return lines.join("\n")
}

export function usageLine(command: Command): string {
  const operands = command.operands.map((operand) => (operand.isRequired ? `<${operand.name}>` : `[${operand.name}]`))
  return [
    "promptmq",
    command.name,
    ...(Object.keys(command.options).length > 0 ? ["[options]"] : []),
    ...operands
  ].join(" ")
}

/** `-t, --topic <filter>` */
export function spelling(name: string, option: Option<unknown>): string {
  const letter = option.letter === undefined ? "" : `-${option.letter}, `
  const long = option.isNegatable && option.placeholder === undefined ? `--[no-]${name}` : `--${name}`
  return `${letter}${long}${option.placeholder === undefined ? "" : ` <${option.placeholder}>`}`
}

/** Summary and accepted values. */
export function optionText(option: Option<unknown>): string {
  return option.choices.length === 0 ? option.summary : `${option.summary}: ${option.choices.join(", ")}`
}

/** The options under their headings, in the order of declaration. */
export function bySection(command: Command): ReadonlyMap<string, ReadonlyArray<readonly [string, Option<unknown>]>> {
  const sections = new Map<string, Array<readonly [string, Option<unknown>]>>()
  for (const [name, option] of Object.entries(command.options)) {
    if (option.isHidden) continue
    const heading = option.section ?? "Options"
    const options = sections.get(heading)
    if (options === undefined) sections.set(heading, [[name, option]])
    else options.push([name, option])
  }
  return sections
}

/** Two columns; a long left side gets a line of its own. */
function row(left: string, right: string, width: number): ReadonlyArray<string> {
  const indent = 30
  const text = wrapped(right, width - indent)
  const isLong = left.length > indent - 4
  const first = isLong ? [`  ${left}`] : [`  ${left.padEnd(indent - 2)}${text[0] ?? ""}`]
  return [...first, ...text.slice(isLong ? 0 : 1).map((line) => " ".repeat(indent) + line)]
}

/** Lines no longer than `width`, broken where the text may be. */
function wrapped(text: string, width: number, breaks = /(?<= )/): ReadonlyArray<string> {
  const lines: Array<string> = []
  let line = ""
  for (const piece of text.split(breaks)) {
    if (line !== "" && line.length + piece.trimEnd().length > width) {
      lines.push(line.trimEnd())
      line = piece
    } else line += piece
  }
  lines.push(line)
  return lines
}
