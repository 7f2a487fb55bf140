/**
 * The manual pages as roff (man macros): promptmq(1) from the table of commands, promptmq.yaml(5) from the
 * settings' declaration. Nothing in them is written by hand but the sentences that connect.
 *
 * Escaping: a backslash becomes \e, a dash \- (so that options can be copied from the page), and a line that
 * would begin with a control character gets the zero-width \&.
 */
import type { Command } from "./command.ts"
import { bySection, optionText, overviewExamples, spelling, usageLine } from "./help.ts"

export interface PageHead {
  readonly name: string
  readonly section: number
  readonly summary: string
  readonly version: string
}

export interface SettingText {
  readonly section: string
  readonly key: string
  readonly summary: string
  /** Each a line of its own: kind, default, flag, variable. */
  readonly facts: ReadonlyArray<readonly [name: string, value: string]>
}

export function commandPage(
  head: PageHead,
  commands: ReadonlyArray<Command>,
  exitCodes: ReadonlyArray<readonly [code: number, meaning: string]>
): string {
  const lines = [
    ...pageStart(head),
    ".SH SYNOPSIS",
    ...commands.flatMap((command) => [bold(usageLine(command)), ".br"]),
    ".SH DESCRIPTION",
    text(
      "PromptMQ is an MQTT broker for MQTT 3.1, 3.1.1 and 5.0, and the tools to use one. Without a command it starts the broker."
    ),
    ".SH EXAMPLES",
    ...overviewExamples.flatMap(({ line, why }) => [".TP", bold(line), text(why)]),
    ".SH COMMANDS",
    ...commands.flatMap(commandSection),
    ".SH EXIT STATUS",
    ...exitCodes.flatMap(([code, meaning]) => [".TP", bold(String(code)), text(meaning)]),
    ".SH ENVIRONMENT",
    ...described("PROMPTMQ_*", "Every setting has a variable; see promptmq.yaml(5)."),
    ...described("PROMPTMQ_CONFIG", "The configuration file, as with --config."),
    ...described("NO_COLOR", "Set to anything: no colour."),
    ".SH SEE ALSO",
    text("promptmq.yaml(5), mosquitto_pub(1), mosquitto_sub(1), mqtt(7)")
  ]
  return `${lines.join("\n")}\n`
}

export function settingsPage(head: PageHead, settings: ReadonlyArray<SettingText>): string {
  const lines = [
    ...pageStart(head),
    ".SH DESCRIPTION",
    text(
      "The configuration is YAML or JSON. Each setting is one key, one flag and one environment variable; a flag wins over a variable, a variable over the file, the file over the default. A variable with _FILE appended takes its value from the file it names. Unknown keys are errors."
    ),
    ".PP",
    text("promptmq config init writes a commented file, promptmq config check judges one without starting.")
  ]
  let section = ""
  for (const setting of settings) {
    if (setting.section !== section) lines.push(`.SH ${text(setting.section.toUpperCase())}`)
    section = setting.section
    lines.push(".TP", bold(setting.key), text(setting.summary))
    for (const [name, value] of setting.facts) lines.push(".br", text(`${name}: ${value}`))
  }
  lines.push(".SH SEE ALSO", text("promptmq(1)"))
  return `${lines.join("\n")}\n`
}

function pageStart({ name, section, summary, version }: PageHead): ReadonlyArray<string> {
  return [
    `.TH ${quoted(name.toUpperCase())} ${section} "" ${quoted(`promptmq ${version}`)}`,
    ".SH NAME",
    `${text(name)} \\- ${text(summary)}`
  ]
}

function commandSection(command: Command): ReadonlyArray<string> {
  const lines = [`.SS ${text(`promptmq ${command.name}`)}`, text(sentence(command.summary))]
  for (const note of command.notes) lines.push(".PP", text(note))
  for (const operand of command.operands) lines.push(...described(`<${operand.name}>`, operand.summary))
  for (const [heading, options] of bySection(command)) {
    lines.push(".PP", `.I ${text(heading)}`)
    for (const [name, option] of options) lines.push(...described(spelling(name, option), optionText(option)))
  }
  for (const { line, why } of command.examples)
    lines.push(".PP", text(sentence(why)), ".PP", ".RS 4", bold(line), ".RE")
  return lines
}

function described(term: string, meaning: string): ReadonlyArray<string> {
  return [".TP", bold(term), text(meaning)]
}

function sentence(words: string): string {
  return `${words[0]?.toUpperCase() ?? ""}${words.slice(1)}`.replace(/[^.:?!]$/, "$&.")
}

function bold(words: string): string {
  return `.B ${text(words)}`
}

/** Text that means itself to roff. */
export function text(words: string): string {
  const escaped = words
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll('"', "\\(dq")
    .replaceAll("∞", "\\(if")
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped
}

function quoted(words: string): string {
  return `"${words.replaceAll('"', '""')}"`
}
