/**
 * Files that the page gives to its user: what is shown, as JSON, and the support bundle: the parts of `promptmq support-bundle` that
 * the broker answers, packed in the browser. Nothing is sent anywhere.
 *
 * Invariant: the token goes into requests only, never into a file.
 */
import { get } from "./api.ts"
import { tarOf } from "./archive.ts"
import { token } from "./session.ts"

export const download = (name: string, content: BlobPart, type = "application/json"): void => {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(new Blob([content], { type }))
  link.download = name
  link.click()
  URL.revokeObjectURL(link.href)
}

export const downloadJson = (name: string, value: unknown): void => download(name, JSON.stringify(value, null, 2))

/** The same parts as `promptmq support-bundle` asks the broker for; secrets are in none of its answers, payloads neither. */
const parts = {
  "system.json": "/system",
  "overview.json": "/overview",
  "history.json": "/history?seconds=3600",
  "settings.json": "/settings",
  "drops.json": "/drops",
  "storage.json": "/storage",
  "security.json": "/security",
  "logs.json": "/logs?level=debug&limit=1000"
} as const

export const downloadSupportBundle = async (): Promise<void> => {
  const now = new Date()
  const name = `promptmq-support-${now.toISOString().replaceAll(/[:.]/g, "-")}`
  const asked = Object.entries(parts).map(async ([file, path]) => ({
    name: `${name}/${file}`,
    content: await get<unknown>(path).then(
      (answer) => `${JSON.stringify(answer, null, 2)}\n`,
      // A part that cannot be had is told in its place.
      (cause: unknown) => `no answer: ${cause instanceof Error ? cause.message : String(cause)}\n`
    )
  }))
  const metrics = { name: `${name}/metrics.txt`, content: await metricsText() }
  const archive = tarOf([...(await Promise.all(asked)), metrics], now.getTime())
  const packed = new Blob([archive]).stream().pipeThrough(new CompressionStream("gzip"))
  download(`${name}.tar.gz`, await new Response(packed).blob(), "application/gzip")
}

const metricsText = async (): Promise<string> => {
  try {
    const response = await fetch("/metrics", { headers: { authorization: `Bearer ${token.peek()}` } })
    return response.ok ? await response.text() : `status ${response.status}: metrics may be switched off\n`
  } catch {
    return "no answer\n"
  }
}
