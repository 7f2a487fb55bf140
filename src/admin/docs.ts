/**
 * The API for readers: /openapi.json from the declaration, and /docs, the same as a page. The page's program comes with
 * the package and stands in the page itself, so it works without a network; it is loaded when somebody opens the page.
 *
 * The page's policy of contents names its two scripts by their hashes. It allows inline styles, which the program makes;
 * the dashboard's own pages allow none (static-files.ts).
 */
import { createHash } from "node:crypto"
import { gzipSync } from "node:zlib"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiScalar from "effect/http-api/HttpApiScalar"
import * as OpenApi from "effect/http-api/OpenApi"
import { AdminApi } from "./api/api.ts"
import { roleOf } from "./role-of.ts"
import { accepts, type StaticAnswer, securityHeaders } from "./static-files.ts"

/** The declaration with each path's role told in words. */
const documented = AdminApi.annotate(OpenApi.Transform, (spec) => {
  const paths = spec["paths"] as Record<string, Record<string, { description?: string }>>
  HttpApi.reflect(AdminApi, {
    onGroup: () => {},
    onEndpoint: ({ endpoint, middleware }) => {
      const operation = paths[endpoint.path.replace(/:(\w+)/g, "{$1}")]?.[endpoint.method.toLowerCase()]
      if (operation === undefined) return
      const role = middleware.size === 0 ? "anybody" : `role ${roleOf(endpoint.annotations)}`
      operation.description = [operation.description, `Takes ${role}.`].filter(Boolean).join(" ")
    }
  })
  return spec
})

interface Document {
  readonly headers: Readonly<Record<string, string>>
  readonly plain: Buffer
  readonly zipped: Buffer
}

const made = new Map<string, Promise<Document>>()

/** `path` is /openapi.json or /docs. */
export const answerDocument = async (path: string, acceptEncoding: string): Promise<StaticAnswer> => {
  const known = made.get(path) ?? (path === "/docs" ? page() : Promise.resolve(description()))
  made.set(path, known)
  const { headers, plain, zipped } = await known
  const isZipped = accepts(acceptEncoding, "gzip")
  const all = { ...headers, vary: "accept-encoding", ...(isZipped ? { "content-encoding": "gzip" } : {}) }
  return { status: 200, headers: all, body: isZipped ? zipped : plain }
}

const documentOf = (text: string, headers: Readonly<Record<string, string>>): Document => {
  const plain = Buffer.from(text)
  return { headers: { ...securityHeaders, "cache-control": "no-cache", ...headers }, plain, zipped: gzipSync(plain) }
}

const description = (): Document =>
  documentOf(JSON.stringify(OpenApi.fromApi(documented)), { "content-type": "application/json; charset=utf-8" })

const page = async (): Promise<Document> => {
  const scalar = { withDefaultFonts: false, authentication: { preferredSecurityScheme: "bearer" } } as const
  const html = await Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const app = yield* HttpRouter.toHttpEffect(HttpApiScalar.layer(documented, { path: "/docs", scalar }))
        const request = HttpServerRequest.fromWeb(new Request("http://admin/docs"))
        const { body } = yield* Effect.provideService(app, HttpServerRequest.HttpServerRequest, request)
        return body._tag === "Uint8Array" ? Buffer.from(body.body).toString("utf8") : ""
      })
    )
  )
  return documentOf(html, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": `default-src 'self'; script-src ${scriptHashes(html)}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'`
  })
}

/** Of every script that stands in the page. */
const scriptHashes = (html: string): string =>
  Array.from(html.matchAll(/<script>([\s\S]*?)<\/script>/g), ([, script = ""]) => {
    return `'sha256-${createHash("sha256").update(script).digest("base64")}'`
  }).join(" ")
