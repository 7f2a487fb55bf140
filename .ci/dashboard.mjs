/**
 * Builds the dashboard (src/admin/dashboard) into dist/dashboard: files with hashed names, each beside its .br and .gz.
 *
 * Invariants
 * - Nothing is inlined: the page's policy of contents allows no inline script and no data: URL.
 * - What the page weighs over the wire is at most `gzipBytesMax`, all pages and pictures together; more is an error.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { brotliCompressSync, constants, gzipSync } from "node:zlib"

const root = fileURLToPath(new URL("..", import.meta.url))
export const gzipBytesMax = 80 * 1024

/** Two: many small ones, a page each, weigh a fifth more. What draws does not change with the pages. */
const chunks = [{ name: "plots", test: /node_modules\/uplot/ }]

export async function buildDashboard(outDir) {
  const { build } = await import("vite")
  await build({
    root: join(root, "src/admin/dashboard"),
    configFile: false,
    logLevel: "warn",
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: {
      outDir,
      emptyOutDir: true,
      target: "es2024",
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rolldownOptions: { output: { codeSplitting: { groups: chunks } } }
    }
  })
  const bytes = compress(outDir)
  if (bytes > gzipBytesMax) throw new Error(`the dashboard weighs ${bytes} B compressed, allowed are ${gzipBytesMax}`)
  return bytes
}

function compress(folder) {
  let sum = 0
  for (const name of readdirSync(folder, { recursive: true })) {
    if (!/\.(js|css|html|svg)$/.test(name)) continue
    const file = join(folder, name)
    const content = readFileSync(file)
    const gzipped = gzipSync(content, { level: 9 })
    sum += gzipped.length
    writeFileSync(`${file}.gz`, gzipped)
    writeFileSync(`${file}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }))
  }
  return sum
}
