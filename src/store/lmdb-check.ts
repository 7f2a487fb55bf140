/**
 * Looks at an LMDB folder in a process of its own: a bad file can end Node with SIGBUS or SIGSEGV, and must not end us.
 *
 * The child opens the folder for reading, walks every key and verifies every value's CRC (index-values.ts; the same few
 * lines are in CHILD, because a bundled program has no second file to start). Good means: it said so, and ended with 0,
 * within CHECK_LIMIT_MS. Everything else is bad, whatever the reason, and the reason is told.
 */
import { spawn } from "node:child_process"
import * as Effect from "effect/Effect"

/** A walk reads about a million values per second; an index that takes longer than this is rebuilt sooner. */
const CHECK_LIMIT_MS = 30_000

/** Undefined when every value verifies, else what is wrong. */
export const checkLmdb = (directory: string): Effect.Effect<string | undefined> =>
  Effect.callback<string | undefined>((resume) => {
    const words = ["--input-type=module", "-e", CHILD, import.meta.resolve("lmdb"), directory]
    const child = spawn(process.execPath, words, {
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, NODE_OPTIONS: "" }
    })
    let said = ""
    child.stdout.setEncoding("utf8")
    child.stdout.on("data", (text: string) => {
      said = (said + text).slice(0, SAID_MAX)
    })
    child.on("error", (error) => resume(Effect.succeed(`it could not be checked: ${error.message}`)))
    child.on("close", (code, signal) => {
      const isGood = code === 0 && said.startsWith(GOOD)
      resume(
        Effect.succeed(isGood ? undefined : said.trim() || `reading it ended with ${signal ?? `exit code ${code}`}`)
      )
    })
    return Effect.sync(() => void child.kill("SIGKILL"))
  }).pipe(
    Effect.timeoutOrElse({
      duration: CHECK_LIMIT_MS,
      orElse: () => Effect.succeed(`checking it took more than ${CHECK_LIMIT_MS} ms`)
    })
  )

const GOOD = "good"
const SAID_MAX = 500

const CHILD = `
const table = new Int32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  table[byte] = crc
}
const crcOf = (bytes, start, seed) => {
  let crc = ~seed
  for (let at = start; at < bytes.length; at++) crc = (crc >>> 8) ^ table[(crc ^ bytes[at]) & 255]
  return ~crc >>> 0
}
const [, url, directory] = process.argv
const say = (text, code) => process.stdout.write(text, () => process.exit(code))
try {
  const { open } = await import(url)
  const env = open({ path: directory, readOnly: true, keyEncoding: "binary", encoding: "binary" })
  let bad = 0
  let count = 0
  for (const { key, value } of env.getRange({})) {
    count++
    if (value.length < 16 || value.readUInt32LE(0) !== crcOf(value, 4, crcOf(key, 0, 0))) bad++
  }
  if (bad > 0) say(bad + " of " + count + " values do not verify", 1)
  else say("${GOOD} " + count, 0)
} catch (error) {
  say(String(error), 1)
}
`
