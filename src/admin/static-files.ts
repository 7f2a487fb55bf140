/**
 * The dashboard's files: what .ci/dashboard.mjs built, read once and kept in memory, each with its compressed forms.
 *
 *   /                    index.html, never kept by the browser without asking
 *   /assets/<hashed>     kept for good: another content has another name
 *   /clients/c1          index.html: the pages' own paths are the page's business
 *   /assets/gone.js      404, and so is all that is no page (api/pages.ts)
 *
 * Invariants
 * - A path is looked up in the list of files that were found at the start: no path is ever made from a request, so none
 *   can lead out of the folder.
 * - Every answer carries the policy of contents: nothing but this listener's own files, in no frame, no form.
 */
import { readdirSync, readFileSync } from "node:fs"
import { extname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { isPage } from "./api/pages.ts"

export interface StaticFile {
  readonly contentType: string
  readonly isImmutable: boolean
  readonly plain: Buffer
  readonly encoded: ReadonlyMap<string, Buffer>
}

export interface StaticAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

const contentTypes: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json; charset=utf-8",
  ".png": "image/png",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8"
}
/** In the order in which they are preferred. */
const encodings = [
  ["br", ".br"],
  ["gzip", ".gz"]
] as const

/** [ADM-8] */
export const contentPolicy = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": contentPolicy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer"
}

const notBuilt =
  "<!doctype html><html lang=en><title>PromptMQ</title><p>The dashboard is not built here: run npm run build. The API is at <a href=/docs>/docs</a>.\n"

/** dist/dashboard: beside the built broker, or where a build from these sources has put it. */
export const dashboardFolder = (): string => {
  const here = import.meta.url
  return fileURLToPath(new URL(here.endsWith(".ts") ? "../../dist/dashboard/" : "./dashboard/", here))
}

export class StaticFiles {
  readonly #files: ReadonlyMap<string, StaticFile>

  /** Every file in `folder`; none where there is no such folder, or no page in it. */
  constructor(folder: string) {
    const files = new Map<string, StaticFile>()
    for (const name of namesIn(folder)) {
      const contentType = contentTypes[extname(name)]
      if (contentType === undefined) continue
      const encoded = new Map<string, Buffer>()
      for (const [encoding, ending] of encodings) {
        const bytes = readOrNothing(join(folder, name + ending))
        if (bytes !== undefined) encoded.set(encoding, bytes)
      }
      const isImmutable = name.startsWith("assets/")
      files.set(`/${name}`, { contentType, isImmutable, plain: readFileSync(join(folder, name)), encoded })
    }
    this.#files = files
  }

  /** `path` as it came in the request, without its query. */
  answer(path: string, acceptEncoding: string): StaticAnswer {
    const page = this.#files.get("/index.html")
    const file = this.#files.get(path)
    if (file !== undefined) return fileAnswer(file, acceptEncoding)
    if (!isPage(path)) return missing // [ADM-8]
    return page === undefined ? html(notBuilt) : fileAnswer(page, acceptEncoding)
  }
}

const missing: StaticAnswer = {
  status: 404,
  headers: { ...securityHeaders, "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
  body: Buffer.from("there is no such file\n")
}

const html = (text: string): StaticAnswer => ({
  status: 200,
  headers: { ...securityHeaders, "content-type": "text/html; charset=utf-8", "cache-control": "no-store" },
  body: Buffer.from(text)
})

const fileAnswer = ({ contentType, encoded, isImmutable, plain }: StaticFile, acceptEncoding: string): StaticAnswer => {
  const encoding = [...encoded.keys()].find((name) => accepts(acceptEncoding, name))
  return {
    status: 200,
    headers: {
      ...securityHeaders,
      "content-type": contentType,
      "cache-control": isImmutable ? "public, max-age=31536000, immutable" : "no-cache",
      vary: "accept-encoding",
      ...(encoding === undefined ? {} : { "content-encoding": encoding })
    },
    body: (encoding === undefined ? undefined : encoded.get(encoding)) ?? plain
  }
}

/** "br;q=0" is a no. */
export const accepts = (acceptEncoding: string, encoding: string): boolean =>
  acceptEncoding.split(",").some((part) => {
    const [name = "", ...parameters] = part.split(";").map((word) => word.trim().toLowerCase())
    return name === encoding && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
  })

const namesIn = (folder: string): ReadonlyArray<string> => {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name, parentPath }) => join(parentPath, name).slice(join(folder, "/").length).replaceAll("\\", "/"))
  } catch {
    return []
  }
}

const readOrNothing = (file: string): Buffer | undefined => {
  try {
    return readFileSync(file)
  } catch {
    return undefined
  }
}
