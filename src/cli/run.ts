/**
 * From the words of a command line to an exit code: choose the command, parse, run, report wrong usage.
 *
 * `promptmq` alone, or with options only, is `promptmq server`. The longest match of one or two words
 * decides the command, so `config check` is one; `config` alone lists its family.
 * Nothing here knows a particular command except the default one.
 */

import { nearest } from "../settings/nearest.ts"
import { commandRows, loadAllCommands, loadCommand } from "./commands.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { type Command, type CommandRow, defaultCommandName } from "./grammar/command.ts"
import { completeNamesWord } from "./grammar/completion-script.ts"
import { commandHelp, groupName, overviewHelp, rowsHelp } from "./grammar/help.ts"
import { UsageFault } from "./grammar/option.ts"
import { helpAsked, parseArguments } from "./grammar/parse.ts"
import { packageVersion, versionLine } from "./version.ts"
import { complain, type World } from "./world.ts"

export async function runCommandLine(words: ReadonlyArray<string>, world: World): Promise<ExitCode> {
  const first = words[0]
  if (first === "--help" || first === "-h" || first === "help") return help(words.slice(1), world)
  if (first === "--version" || (first === "version" && words.length === 1)) {
    world.stdout.write(`${versionLine()}\n`)
    return exitCodes.done
  }
  // For the completion scripts, which are made from the table: no row of it.
  if (first === completeNamesWord) return (await import("./complete-names.ts")).completeNames(words.slice(1), world)
  const chosen = choose(words)
  if (chosen === undefined) return unknownCommand(words, world)
  return runCommand(await loadCommand(chosen.row), chosen.rest, world)
}

const usageCode = "E2001"

interface Chosen {
  readonly row: CommandRow
  readonly rest: ReadonlyArray<string>
}

function choose(words: ReadonlyArray<string>): Chosen | undefined {
  const first = words[0]
  if (first === undefined || first.startsWith("-")) {
    const row = rowNamed(defaultCommandName)
    return row === undefined ? undefined : { row, rest: words }
  }
  for (const length of [2, 1]) {
    const row = words.length >= length ? rowNamed(words.slice(0, length).join(" ")) : undefined
    if (row !== undefined) return { row, rest: words.slice(length) }
  }
  return undefined
}

function rowNamed(name: string): CommandRow | undefined {
  return commandRows.find((row) => row.name === name || row.aliases.includes(name))
}

/** `promptmq help`: the overview; with a command, a group or a family behind it: the help of that. */
async function help(words: ReadonlyArray<string>, world: World): Promise<ExitCode> {
  const [typed] = words
  if (typed === undefined) return printed(overviewHelp(commandRows, packageVersion()), world)
  const chosen = typed.startsWith("-") ? undefined : choose(words)
  if (chosen !== undefined) return printed(commandHelp(await loadCommand(chosen.row), world.stdout.columns), world)
  const group = commandRows.filter((row) => groupName(row.group) === typed.toLowerCase())
  const listed = group.length > 0 ? group : words.length === 1 ? familyOf(typed) : []
  return listed.length > 0 ? printed(rowsHelp(listed), world) : unknownCommand(words, world)
}

function printed(text: string, world: World): ExitCode {
  world.stdout.write(`${text}\n`)
  return exitCodes.done
}

function familyOf(name: string): ReadonlyArray<CommandRow> {
  return commandRows.filter((row) => row.name.startsWith(`${name} `))
}

function unknownCommand(words: ReadonlyArray<string>, world: World): ExitCode {
  const typed = words[0] as string
  const family = familyOf(typed)
  if (family.length > 0) return familyHelp(typed, family, words.slice(1), world)
  const guess = nearest(typed, [...commandRows.map((row) => row.name), ...familyNames()])
  const isGroup = commandRows.some((row) => groupName(row.group) === typed)
  const list = isGroup ? `promptmq help ${typed} lists its commands` : "promptmq --help lists them"
  const fix = guess === undefined || isGroup ? list : `did you mean "promptmq ${guess}"?`
  complain(world, { code: usageCode, fact: `"${typed}" is not a command`, fix })
  return exitCodes.wrongUsage
}

function familyNames(): ReadonlyArray<string> {
  return commandRows.filter((row) => row.name.includes(" ")).map((row) => row.name.slice(0, row.name.indexOf(" ")))
}

function familyHelp(
  name: string,
  family: ReadonlyArray<CommandRow>,
  rest: ReadonlyArray<string>,
  world: World
): ExitCode {
  const lines = rowsHelp(family)
  const typed = rest[0]
  if (typed === "--help" || typed === "-h") {
    return printed(lines, world)
  }
  if (typed !== undefined) {
    const guess = nearest(
      typed,
      family.map((row) => row.name.slice(name.length + 1))
    )
    const fix = guess === undefined ? "one of these" : `did you mean "promptmq ${name} ${guess}"?`
    complain(world, { code: usageCode, fact: `"${name} ${typed}" is not a command`, fix })
  }
  world.stderr.write(`${lines}\n`)
  return exitCodes.wrongUsage
}

async function runCommand(command: Command, words: ReadonlyArray<string>, world: World): Promise<ExitCode> {
  if (words.length === 0 && command.isHelpWhenBare) {
    world.stdout.write(`${commandHelp(command, world.stdout.columns)}\n`)
    return exitCodes.wrongUsage
  }
  const input = parseArguments(command, words)
  if (input === helpAsked) {
    world.stdout.write(`${commandHelp(command, world.stdout.columns)}\n`)
    return exitCodes.done
  }
  const result = input instanceof UsageFault ? input : await command.run(input, world, loadAllCommands)
  if (!(result instanceof UsageFault)) return result
  const { code, fact, fix } = result
  complain(world, { code, fact, fix: fix ?? `promptmq ${command.name} --help` })
  return exitCodes.wrongUsage
}
