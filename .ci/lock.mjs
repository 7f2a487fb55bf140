/**
 * Mends package-lock.json after `npm install` changed it: `npm run lock`.
 *
 * Some registry mirrors do not list every foreign-platform optional package. npm then leaves such a package out of
 * the lock and `npm ci` refuses the lock for missing it. Each gap gets a stub: version, optional, os, cpu, libc. A stub
 * carries no integrity; the platforms it is for fetch the exact version it names.
 * Also drops `resolved` addresses, so that the lock works with any registry (.npmrc keeps new ones out).
 */
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const file = fileURLToPath(new URL("../package-lock.json", import.meta.url))
const lock = JSON.parse(readFileSync(file, "utf8"))
const packages = lock.packages
let stubs = 0

for (const [owner, entry] of Object.entries(packages)) {
  delete entry.resolved
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(owner, name)) continue
    packages[`node_modules/${name}`] = stubFor(name, range.replace(/^[~^=]/, ""), entry.dev === true)
    stubs += 1
  }
}

lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)))
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`package-lock.json: ${stubs} stubs added, ${Object.keys(lock.packages).length} packages`)

/** Node's lookup: nested in the owner first, then outwards. */
function isLocked(owner, name) {
  for (let folder = owner; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("node_modules/") - 1))) {
    if (`${folder === "" ? "" : `${folder}/`}node_modules/${name}` in packages) return true
    if (folder === "") return false
  }
}

function stubFor(name, version, dev) {
  const words = name.split(/[-/]/)
  const os = words.find((word) => ["aix", "android", "darwin", "freebsd", "linux", "win32"].includes(word))
  const cpu = words.find((word) =>
    ["arm", "arm64", "ia32", "x64", "ppc64", "riscv64", "s390x", "wasm32"].includes(word)
  )
  return {
    version,
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(dev ? { dev: true } : {}),
    ...(words.includes("musl") ? { libc: ["musl"] } : {}),
    optional: true,
    ...(os === undefined ? {} : { os: [os] })
  }
}
