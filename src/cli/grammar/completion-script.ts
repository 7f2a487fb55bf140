/**
 * Completion scripts for three shells from the commands' declarations: command words, options, the values
 * an option accepts, file names where it takes a file. All that is in the scripts; Tab starts a process only
 * for names that a running broker knows (cli/complete-names.ts).
 *
 * Such names come from strangers. bash's compgen -W would expand them, running what is in $(...): they are
 * read line by line, compared, and quoted.
 *
 * bash gets one function with a case per command; zsh the same function through bashcompinit, which is part
 * of every zsh; fish one `complete` line per option, with its summary.
 */
import { type Command, defaultCommandName, groups } from "./command.ts"
import { groupName } from "./help.ts"
import type { Completes, Option } from "./option.ts"

/** First word of the hidden command. */
export const completeNamesWord = "complete-names"

/** Names of strangers are quoted [OPERATE-3]. */
export function bashCompletion(commands: ReadonlyArray<Command>): string {
  const firstWords = [...new Set(commands.map((command) => firstWord(command)))]
  const families = new Map([...familiesOf(commands), ["help", helpWords(commands)]])
  return `# bash completion for promptmq; load it with: source <(promptmq completion bash)
_promptmq_names() {
  local name
  while IFS= read -r name; do
    if [[ $name == "$word"* ]]; then COMPREPLY+=("$(printf %q "$name")"); fi
  done < <(promptmq ${completeNamesWord} "$1" "$COMP_LINE" 2>/dev/null)
}
_promptmq() {
  local word="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local command="\${COMP_WORDS[1]}"
  COMPREPLY=()
  if [[ $COMP_CWORD -eq 1 && $word != -* ]]; then
    COMPREPLY=($(compgen -W "${firstWords.join(" ")} help --help --version" -- "$word"))
    return
  fi
  case $command in
${[...families].map(([name, words]) => familyCase(name, words)).join("\n")}
    -*) command=${defaultCommandName} ;;
  esac
  local options=""
  case $command in
${commands.map(bashCase).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$options --help" -- "$word"))
}
complete -o default -F _promptmq promptmq
`
}

export function zshCompletion(commands: ReadonlyArray<Command>): string {
  return `# zsh completion for promptmq; load it with: source <(promptmq completion zsh)
autoload -U +X bashcompinit && bashcompinit
${bashCompletion(commands)}`
}

export function fishCompletion(commands: ReadonlyArray<Command>): string {
  const lines = [
    "# fish completion for promptmq",
    "complete -c promptmq -f",
    "complete -c promptmq -n __fish_use_subcommand -l help -d 'Overview'",
    "complete -c promptmq -n __fish_use_subcommand -a help -d 'Overview, or help of a command'",
    `complete -c promptmq -n '__fish_seen_subcommand_from help' -a ${fishText(helpWords(commands).join(" "))}`,
    "complete -c promptmq -n __fish_use_subcommand -l version -d 'What this is'"
  ]
  for (const command of commands) {
    const [first = "", second] = command.name.split(" ")
    const isSecond = second !== undefined
    const here = isSecond ? `__fish_seen_subcommand_from ${first}` : "__fish_use_subcommand"
    lines.push(`complete -c promptmq -n '${here}' -a ${second ?? first} -d ${fishText(command.summary)}`)
    const seen = isSecond
      ? `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}`
      : `__fish_seen_subcommand_from ${first}`
    for (const [name, option] of listed(command)) lines.push(fishOption(seen, name, option))
    for (const kind of command.operands.flatMap((operand) => operand.completes ?? [])) {
      lines.push(`complete -c promptmq -n '${seen}' -a ${fishNames(kind)}`)
    }
    for (const choice of command.operands.flatMap(({ choices, suggests }) => choices ?? suggests ?? [])) {
      lines.push(`complete -c promptmq -n '${seen}' -a ${choice}`)
    }
  }
  for (const [name] of familiesOf(commands)) {
    lines.push(`complete -c promptmq -n __fish_use_subcommand -a ${name} -d ${fishText(`${name} commands`)}`)
  }
  return `${lines.join("\n")}\n`
}

/** `config` -> its second words. */
function familiesOf(commands: ReadonlyArray<Command>): ReadonlyMap<string, ReadonlyArray<string>> {
  const families = new Map<string, Array<string>>()
  for (const command of commands) {
    const [first = "", second] = command.name.split(" ")
    if (second !== undefined) families.set(first, [...(families.get(first) ?? []), second])
  }
  return families
}

/** What `promptmq help` is asked for: commands, families and groups. */
function helpWords(commands: ReadonlyArray<Command>): ReadonlyArray<string> {
  return [...new Set([...commands.map((command) => firstWord(command)), ...groups.map(groupName)])]
}

function firstWord(command: Command): string {
  return command.name.split(" ")[0] ?? ""
}

function listed(command: Command): ReadonlyArray<readonly [string, Option<unknown>]> {
  return Object.entries(command.options).filter(([, option]) => !option.isHidden)
}

function familyCase(name: string, words: ReadonlyArray<string>): string {
  return `    ${name})
      if [[ $COMP_CWORD -eq 2 ]]; then
        COMPREPLY=($(compgen -W "${words.join(" ")}" -- "$word"))
        return
      fi
      command="$command \${COMP_WORDS[2]}" ;;`
}

function bashCase(command: Command): string {
  const valued = listed(command).filter(([, option]) => option.placeholder !== undefined)
  const values = valued.filter(([, option]) => option.choices.length > 0)
  const named = valued.filter(([, option]) => option.completes !== undefined)
  const files = valued.filter(([, { choices, completes }]) => choices.length === 0 && completes === undefined)
  const cases = values.map(
    ([name, option]) =>
      `        ${spellings(name, option)}) COMPREPLY=($(compgen -W "${option.choices.join(" ")}" -- "$word")); return ;;`
  )
  for (const [name, option] of named) {
    cases.push(`        ${spellings(name, option)}) _promptmq_names ${option.completes}; return ;;`)
  }
  // Empty reply: bash falls back to file names (complete -o default).
  if (files.length > 0)
    cases.push(`        ${files.map(([name, option]) => spellings(name, option)).join("|")}) return ;;`)
  const words = [
    ...listed(command).map(([name]) => `--${name}`),
    ...command.operands.flatMap(({ choices, suggests }) => choices ?? suggests ?? [])
  ]
  const previous = cases.length === 0 ? "" : `\n      case $previous in\n${cases.join("\n")}\n      esac`
  const operandNames = command.operands.flatMap(({ completes }) => completes ?? [])[0]
  const names =
    operandNames === undefined ? "" : `\n      [[ $word == -* ]] || { _promptmq_names ${operandNames}; return; }`
  const operandFiles = command.operands.some((operand) => operand.isFile === true)
    ? "\n      [[ $word == -* ]] || return"
    : ""
  return `    "${command.name}")${previous}${names}${operandFiles}\n      options="${words.join(" ")}" ;;`
}

function spellings(name: string, option: Option<unknown>): string {
  return option.letter === undefined ? `--${name}` : `-${option.letter}|--${name}`
}

function fishOption(seen: string, name: string, option: Option<unknown>): string {
  const parts = [`complete -c promptmq -n '${seen}' -l ${name}`]
  if (option.letter !== undefined) parts.push(`-s ${option.letter}`)
  if (option.choices.length > 0) parts.push(`-x -a ${fishText(option.choices.join(" "))}`)
  else if (option.completes !== undefined) parts.push(`-x -a ${fishNames(option.completes)}`)
  else if (option.isFile) parts.push("-r -F")
  else if (option.placeholder !== undefined) parts.push("-x")
  parts.push(`-d ${fishText(option.summary)}`)
  return parts.join(" ")
}

/** fish runs it at Tab and quotes what it takes. */
function fishNames(kind: Completes): string {
  return `'(promptmq ${completeNamesWord} ${kind} (commandline -cp) 2>/dev/null)'`
}

function fishText(words: string): string {
  return `'${words.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`
}
