/**
 * Arguments to values, by a command's declaration.
 *
 * Accepted: `-t x`, `-tx`, `-rd` (switches together), `--topic x`, `--topic=x`, `--retain`, `--no-retain`
 * where the row allows it, `--` before operands that begin with a dash. As in the Mosquitto tools the
 * argument after an option that takes a value is that value, also when it begins with a dash (`-m -5`).
 *
 * `--help` wins over everything else that is right or wrong on the line; so does `-h` where no option of
 * the command owns that letter (in pub, sub and ping it is the host).
 */
import type { Command, Input } from "./command.ts"
import { type Decoded, type Occurrence, type Option, type Options, UsageFault } from "./option.ts"
import { didYouMean } from "./suggest.ts"

export const helpAsked: unique symbol = Symbol("--help")

export function parseArguments<O extends Options>(
  command: Command<O>,
  words: ReadonlyArray<string>
): Input<O> | UsageFault | typeof helpAsked {
  if (isHelpAsked(command, words)) return helpAsked
  const scan: Scan = { command, words, position: 0, given: new Map(), operands: [] }
  while (scan.position < words.length) {
    const fault = takeWord(scan)
    if (fault !== undefined) return fault
  }
  return operandsFault(command, scan.operands) ?? decodeAll(command, scan)
}

interface Scan {
  readonly command: Command
  readonly words: ReadonlyArray<string>
  position: number
  readonly given: Map<string, Array<Occurrence>>
  readonly operands: Array<string>
}

function isHelpAsked(command: Command, words: ReadonlyArray<string>): boolean {
  const end = words.indexOf("--")
  const before = end < 0 ? words : words.slice(0, end)
  if (before.includes("--help")) return true
  return before[0] === "-h" && byLetter(command, "h") === undefined
}

function takeWord(scan: Scan): UsageFault | undefined {
  const word = scan.words[scan.position++] as string
  if (word === "--") {
    scan.operands.push(...scan.words.slice(scan.position))
    scan.position = scan.words.length
    return undefined
  }
  if (word.startsWith("--")) return takeLong(scan, word.slice(2))
  if (word.startsWith("-") && word !== "-") return takeLetters(scan, word.slice(1))
  scan.operands.push(word)
  return undefined
}

function takeLong(scan: Scan, body: string): UsageFault | undefined {
  const equals = body.indexOf("=")
  const typed = equals < 0 ? body : body.slice(0, equals)
  const attached = equals < 0 ? undefined : body.slice(equals + 1)
  const name = byLongName(scan.command, typed)
  if (name === undefined) {
    const negated = typed.startsWith("no-") ? byLongName(scan.command, typed.slice(3)) : undefined
    if (negated !== undefined && attached === undefined && scan.command.options[negated]?.isNegatable === true) {
      return keep(scan, negated, ["false"])
    }
    const known = Object.keys(scan.command.options).map((long) => `--${long}`)
    const hint = scan.command.hints?.[`--${typed}`]
    return new UsageFault(`unknown option --${typed}`, hint ?? didYouMean(`--${typed}`, known))
  }
  return takeValues(scan, name, `--${typed}`, attached)
}

function takeLetters(scan: Scan, letters: string): UsageFault | undefined {
  for (let index = 0; index < letters.length; index++) {
    const letter = letters[index] as string
    const name = byLetter(scan.command, letter)
    if (name === undefined) return new UsageFault(`unknown option -${letter}`, scan.command.hints?.[`-${letter}`])
    if (scan.command.options[name]?.placeholder !== undefined) {
      const attached = letters.slice(index + 1)
      return takeValues(scan, name, `-${letter}`, attached === "" ? undefined : attached)
    }
    keep(scan, name, [])
  }
  return undefined
}

function takeValues(scan: Scan, name: string, typed: string, attached: string | undefined): UsageFault | undefined {
  const option = scan.command.options[name] as Option<unknown>
  if (option.placeholder === undefined) return keep(scan, name, attached === undefined ? [] : [attached])
  const rest = scan.words.slice(scan.position, scan.position + valuesMax)
  const values = attached === undefined ? rest : [attached, ...rest]
  const width = option.width(values)
  if (values.length < width) {
    const wanted = width === 1 ? `a value: ${typed} <${option.placeholder}>` : `${width} values: ${option.placeholder}`
    return new UsageFault(`${typed} needs ${wanted}`)
  }
  scan.position += attached === undefined ? width : width - 1
  return keep(scan, name, values.slice(0, width))
}

/** No option takes more arguments than this. */
const valuesMax = 4

function keep(scan: Scan, name: string, values: Occurrence): undefined {
  const earlier = scan.given.get(name)
  if (earlier === undefined) scan.given.set(name, [values])
  else earlier.push(values)
  return undefined
}

function operandsFault(command: Command, operands: ReadonlyArray<string>): UsageFault | undefined {
  if (operands.length > command.operands.length) {
    const extra = operands[command.operands.length] as string
    return new UsageFault(`"${extra}" is one argument too many for ${command.name}`)
  }
  for (const [index, operand] of command.operands.entries()) {
    const value = operands[index]
    if (value === undefined) {
      if (operand.isRequired) return new UsageFault(`${command.name} needs <${operand.name}>`)
    } else if (operand.choices !== undefined && !operand.choices.includes(value)) {
      const fix = didYouMean(value, operand.choices)
      return new UsageFault(`<${operand.name}> is "${value}", it takes one of ${operand.choices.join(", ")}`, fix)
    }
  }
  return undefined
}

function decodeAll<O extends Options>(command: Command<O>, scan: Scan): Input<O> | UsageFault {
  const decoded: Record<string, unknown> = {}
  for (const [name, option] of Object.entries(command.options)) {
    const value = option.decode(name, scan.given.get(name) ?? [])
    if (value instanceof UsageFault) return value
    decoded[name] = value
  }
  return { options: decoded as Decoded<O>, operands: scan.operands }
}

function byLongName(command: Command, typed: string): string | undefined {
  if (Object.hasOwn(command.options, typed)) return typed
  return Object.keys(command.options).find((name) => command.options[name]?.aliases.includes(typed))
}

function byLetter(command: Command, letter: string): string | undefined {
  return Object.keys(command.options).find((name) => command.options[name]?.letter === letter)
}
