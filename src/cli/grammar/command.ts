/**
 * A command as data: its head (name and summary, in the table of commands.ts) and its body (operands,
 * options, words for help, and the function that runs it, in a file of its own that is loaded only when
 * that command is called).
 *
 * `run` answers an exit code and does not throw: what goes wrong is said on stderr by the command itself.
 * The parser has checked everything the declaration can say before `run` is called; what only the command
 * can judge it answers as a UsageFault, which is reported like any other wrong usage.
 */
import type { ExitCode } from "../exit-codes.ts"
import type { World } from "../world.ts"
import type { Completes, Decoded, Options, UsageFault } from "./option.ts"

export interface Operand {
  readonly name: string
  readonly summary: string
  readonly isRequired: boolean
  readonly choices?: ReadonlyArray<string>
  /** What is offered at Tab where the command itself judges. */
  readonly suggests?: ReadonlyArray<string>
  readonly isFile?: boolean
  readonly completes?: Completes
}

export interface Example {
  readonly line: string
  readonly why: string
}

export interface Input<O extends Options> {
  readonly options: Decoded<O>
  readonly operands: ReadonlyArray<string>
}

export interface CommandHead {
  /** One or two words: `pub`, `config check`. */
  readonly name: string
  readonly summary: string
}

/** In the order of the overview; `promptmq help <group>` lists one. */
export const groups = ["Broker", "Configuration", "Operate", "Messages", "Store", "Help"] as const
export type Group = (typeof groups)[number]

/** A line of the table: enough to list the command, and how to load the rest. */
export interface CommandRow extends CommandHead {
  readonly group: Group
  /** Other words for it, understood and not listed. */
  readonly aliases: ReadonlyArray<string>
  readonly load: () => Promise<{ readonly body: CommandBody }>
}

/** `promptmq` alone, and with options only, means this one. */
export const defaultCommandName = "server"

/** For commands about commands (man, completion); handed in, since the table imports them. */
export type LoadAllCommands = () => Promise<ReadonlyArray<Command>>

export interface CommandBody<O extends Options = Options> {
  /** Paragraphs for help and man page, below the summary. */
  readonly notes: ReadonlyArray<string>
  readonly examples: ReadonlyArray<Example>
  readonly operands: ReadonlyArray<Operand>
  readonly options: O
  /** What to say to an option it does not have, by its spelling: habits from other programs. */
  readonly hints?: Readonly<Record<string, string>>
  /** Without any argument it prints its help: it could do nothing anyway. */
  readonly isHelpWhenBare: boolean
  run(input: Input<O>, world: World, loadAllCommands: LoadAllCommands): Promise<ExitCode | UsageFault>
}

export interface Command<O extends Options = Options> extends CommandHead, CommandBody<O> {}

/** Ties the type of `run`'s input to the options declared beside it. */
export function commandBody<O extends Options>(body: CommandBody<O>): CommandBody<O> {
  return body
}
