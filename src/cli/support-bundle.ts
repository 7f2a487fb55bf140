/**
 * `promptmq support-bundle`: one file for whoever is to help: version, settings without secrets, doctor, what the running
 * broker says of itself (metrics, last log entries, drops, storage), and what could not be had, with the reason.
 *
 * Invariants
 * - [BUNDLE-1] Everything goes through redact.ts, whatever it is and wherever it came from. Payloads are in none of it.
 * - Every part is optional: a broker that does not run, or a file that cannot be read, is told in its place.
 * - Bounded: PART_BYTES_MAX per part. Nothing is sent anywhere; the file has mode 0600.
 *
 * Exit codes: 0 written; 3 the configuration is not valid (the bundle is written all the same); 1 the file cannot be written.
 */
import { writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { gzipSync } from "node:zlib"
import { ConfigInvalid } from "../config/config-invalid.ts"
import { showYaml } from "../config/show.ts"
import type { Settings } from "../settings/settings.ts"
import { askHttp } from "./api-http.ts"
import { configuredUrl, readToken } from "./api-place.ts"
import { doctorText } from "./doctor.ts"
import { exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { text } from "./grammar/option.ts"
import { configOption, load, settingsFlags, settingsOptions } from "./settings-options.ts"
import { knownSecrets, redacted } from "./support/redact.ts"
import { tar } from "./support/tar.ts"
import { versionLine } from "./version.ts"
import { complain, type Output, say } from "./world.ts"

const PART_BYTES_MAX = 8 * 1024 * 1024
const METRICS_TIMEOUT_MS = 10_000

export const body = commandBody({
  notes: [
    "Secrets are taken out: passwords, tokens, keys and their hashes. Client identifiers, topics and addresses are in it, payloads are not: look at it before you give it away."
  ],
  examples: [{ line: "promptmq support-bundle -c broker.yaml", why: "writes promptmq-support-<time>.tar.gz here" }],
  operands: [],
  options: {
    out: text("the file to write (promptmq-support-<time>.tar.gz)", { letter: "o", placeholder: "file", isFile: true }),
    ...configOption,
    ...settingsOptions
  },
  isHelpWhenBare: false,
  run: async ({ options }, world) => {
    const loaded = await load(options.config, settingsFlags(options), world)
    const isInvalid = loaded instanceof ConfigInvalid
    const parts = new Map<string, string>([["version.txt", `${versionLine()}\n${machineWords()}`]])
    parts.set("settings.yaml", isInvalid ? `${loaded.message}\n` : showYaml(loaded, { origin: true }))
    if (!isInvalid) {
      const plain = { ...world, stdout: { ...world.stdout, isTerminal: false } as Output }
      parts.set("doctor.txt", doctorText(loaded, plain))
      for (const [name, content] of await fromBroker(loaded.settings)) parts.set(name, content)
    }
    const secrets = isInvalid ? [] : knownSecrets(loaded.settings)
    const name = `promptmq-support-${new Date(world.wallClockMs()).toISOString().replaceAll(/[:.]/g, "-")}`
    const file = resolve(world.workingDirectory, options.out ?? `${name}.tar.gz`)
    const entries = [...parts].map(([path, content]) => ({
      name: `${name}/${path}`,
      content: Buffer.from(redacted(content, secrets)).subarray(0, PART_BYTES_MAX) // [BUNDLE-1]
    }))
    try {
      writeFileSync(file, gzipSync(tar(entries, world.wallClockMs())), { mode: 0o600, flag: "wx" })
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      complain(world, { code: "E1001", fact: `${file} cannot be written: ${code}`, fix: "name another file: --out" })
      return exitCodes.failed
    }
    world.stdout.write(`${file}\n`)
    say(world, `${parts.size} parts, without secrets; look at it before you give it away: tar -xzf ${file}`)
    return isInvalid ? exitCodes.configInvalid : exitCodes.done
  }
})

const apiParts = {
  "system.json": "/api/v1/system",
  "overview.json": "/api/v1/overview",
  "settings.json": "/api/v1/settings",
  "drops.json": "/api/v1/drops",
  "storage.json": "/api/v1/storage",
  "logs.json": "/api/v1/logs",
  "health.json": "/health"
} as const

async function fromBroker(settings: Settings): Promise<ReadonlyArray<readonly [string, string]>> {
  if (!settings.admin.enabled) return [["broker.txt", "not asked: admin.enabled is false\n"]]
  const url = configuredUrl(settings)
  const { token, tokenFault } = readToken(settings.admin.tokenFile)
  const asked = Object.entries(apiParts).map(async ([name, path]) => {
    const answer = await askHttp(url, token, { path })
    const content = "unreached" in answer ? `no answer: ${answer.unreached}` : JSON.stringify(answer.body, undefined, 2)
    return [name, `${content}\n`] as const
  })
  const parts = [...(await Promise.all(asked)), ["metrics.txt", await metricsOf(settings, url)] as const]
  return tokenFault === undefined ? parts : [...parts, ["broker.txt", `without a token: ${tokenFault.fact}\n`]]
}

async function metricsOf({ metrics }: Settings, url: URL): Promise<string> {
  if (!metrics.enabled) return "metrics.enabled is false\n"
  try {
    const response = await fetch(new URL(metrics.path, url), { signal: AbortSignal.timeout(METRICS_TIMEOUT_MS) })
    return await response.text()
  } catch (cause) {
    return `no answer: ${cause instanceof Error ? cause.message : String(cause)}\n`
  }
}

function machineWords(): string {
  const { arch, platform, version } = process
  return `node ${version}  ${platform} ${arch}  ${process.availableMemory()} bytes of memory available\n`
}
