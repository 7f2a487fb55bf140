/**
 * `promptmq config import mosquitto.conf`: the translation as YAML on stdout, and on stderr, line by line,
 * what could not be translated and why. Nothing of the other file is skipped silently.
 */
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { importMosquitto } from "../config/import-mosquitto.ts"
import { readErrorWords } from "../config/layers.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { complain, say, warn } from "./world.ts"

export const body = commandBody({
  notes: ["Exit code 0 also when lines were left out: read the list on stderr before using the result."],
  examples: [{ line: "promptmq config import /etc/mosquitto/mosquitto.conf > broker.yaml", why: "then: config check" }],
  operands: [{ name: "file", summary: "a mosquitto.conf", isRequired: true, isFile: true }],
  options: {},
  isHelpWhenBare: true,
  run: async ({ operands }, world) => {
    const name = operands[0] ?? ""
    const text = readText(resolve(world.workingDirectory, name))
    if (typeof text !== "string") {
      complain(world, {
        code: text.code,
        fact: `${name}: ${text.words}`,
        fix: "name a mosquitto.conf that this user may read"
      })
      return text.code === "E6001" ? exitCodes.notFound : exitCodes.failed
    }
    const { yaml, translated, untranslated } = importMosquitto(text)
    world.stdout.write(yaml.endsWith("\n") ? yaml : `${yaml}\n`)
    for (const { line, directive, reason } of untranslated) warn(world, `${name}:${line}  ${directive}: ${reason}`)
    say(world, `${translated.length} lines translated, ${untranslated.length} not; next: promptmq config check <file>`)
    return exitCodes.done
  }
})

interface Unreadable {
  readonly code: string
  readonly words: string
}

function readText(file: string): string | Unreadable {
  try {
    return readFileSync(file, "utf8")
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === "ENOENT"
    return { code: isMissing ? "E6001" : "E1001", words: readErrorWords(cause) }
  }
}
