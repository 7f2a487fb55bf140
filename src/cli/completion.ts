/**
 * `promptmq completion bash|zsh|fish`: prints a script made from the commands' declarations; how it is made
 * is in grammar/completion-script.ts.
 */
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { bashCompletion, fishCompletion, zshCompletion } from "./grammar/completion-script.ts"

const scripts = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion }

export const body = commandBody({
  notes: [
    "Completes commands, options, file names and the values that an option accepts; where a client is meant, those of the running broker, if it answers at once."
  ],
  examples: [
    { line: "source <(promptmq completion bash)", why: "in ~/.bashrc" },
    { line: "source <(promptmq completion zsh)", why: "in ~/.zshrc, after compinit" },
    { line: "promptmq completion fish > ~/.config/fish/completions/promptmq.fish", why: "once" }
  ],
  operands: [{ name: "shell", summary: "bash, zsh or fish", isRequired: true, choices: Object.keys(scripts) }],
  options: {},
  isHelpWhenBare: true,
  run: async ({ operands }, world, loadAllCommands) => {
    const script = scripts[operands[0] as keyof typeof scripts]
    world.stdout.write(script(await loadAllCommands()))
    return exitCodes.done
  }
})
