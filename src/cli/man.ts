/**
 * `promptmq man`: the manual pages, made from the declarations: roff on stdout for `man -l -`, or written
 * as files into a folder, which is what the build does for the package.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { boundsWords } from "../config/json-schema.ts"
import { readErrorWords } from "../config/layers.ts"
import { yamlValue } from "../config/yaml-text.ts"
import { type Leaf, settingsLeaves } from "../settings/leaves.ts"
import { exitCodeMeanings, exitCodes } from "./exit-codes.ts"
import { commandBody, type LoadAllCommands } from "./grammar/command.ts"
import { text } from "./grammar/option.ts"
import { commandPage, type SettingText, settingsPage } from "./grammar/roff.ts"
import { packageVersion } from "./version.ts"
import { complain, say, type World } from "./world.ts"

const pages = ["promptmq", "promptmq.yaml"] as const
type PageName = (typeof pages)[number]

export const body = commandBody({
  notes: ["Without a page: promptmq. To read one: promptmq man promptmq.yaml | man -l -"],
  examples: [
    { line: "promptmq man | man -l -", why: "read the page of the command" },
    { line: "promptmq man --directory ~/.local/share/man", why: "install both pages for `man promptmq`" }
  ],
  operands: [{ name: "page", summary: "promptmq or promptmq.yaml", isRequired: false, choices: pages }],
  options: {
    directory: text("write both pages as man1/promptmq.1 and man5/promptmq.yaml.5 below it", {
      placeholder: "folder",
      isFile: true
    })
  },
  isHelpWhenBare: false,
  run: async ({ options, operands }, world, loadAllCommands) => {
    if (options.directory !== undefined) {
      return writePages(resolve(world.workingDirectory, options.directory), world, loadAllCommands)
    }
    world.stdout.write(await page((operands[0] ?? "promptmq") as PageName, loadAllCommands))
    return exitCodes.done
  }
})

async function page(name: PageName, loadAllCommands: LoadAllCommands): Promise<string> {
  const version = packageVersion()
  if (name === "promptmq") {
    const head = { name, section: 1, summary: "an MQTT broker and its tools", version }
    return commandPage(head, await loadAllCommands(), exitCodeMeanings)
  }
  const head = { name, section: 5, summary: "the configuration of promptmq", version }
  return settingsPage(head, settingsLeaves.map(settingText))
}

function settingText(leaf: Leaf): SettingText {
  const bounds = boundsWords(leaf)
  const fallback = leaf.fallbackWords ?? (leaf.fallback === undefined ? "unset" : yamlValue(leaf.fallback))
  return {
    section: leaf.path[0] ?? "",
    key: leaf.key,
    summary: leaf.summary,
    facts: [
      ["Kind", leaf.choices === undefined ? leaf.kind : `one of ${leaf.choices.join(", ")}`],
      ...(bounds === "" || leaf.choices !== undefined ? [] : [["Values", bounds] as const]),
      ["Default", fallback],
      ...(leaf.secret ? [] : [["Flag", `--${leaf.flag}`] as const]),
      ["Variable", leaf.secret ? `${leaf.env}_FILE` : leaf.env],
      ...(leaf.aliases.length === 0 ? [] : [["Old spelling", leaf.aliases.join(", ")] as const])
    ]
  }
}

async function writePages(folder: string, world: World, loadAllCommands: LoadAllCommands) {
  for (const name of pages) {
    const section = name === "promptmq" ? 1 : 5
    const file = join(folder, `man${section}`, `${name}.${section}`)
    const content = await page(name, loadAllCommands)
    try {
      mkdirSync(join(folder, `man${section}`), { recursive: true })
      writeFileSync(file, content)
    } catch (cause) {
      complain(world, {
        code: "E1001",
        fact: `${file}: ${readErrorWords(cause)}`,
        fix: "choose a folder that this user may write to"
      })
      return exitCodes.failed
    }
    say(world, `wrote ${file}`)
  }
  return exitCodes.done
}
