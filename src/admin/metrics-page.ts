/**
 * The metrics page, and the door it has of its own where the admin listener does not serve it. No token is needed: what
 * it says is meant for a scraper, and where it is opened beyond loopback somebody has written so.
 *
 * That door answers probes too, and nothing else.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Visit } from "./door.ts"
import { type FailureName, failureEntry, failures } from "./failures.ts"
import { makeGuard } from "./guard.ts"
import { answerProbe, type HealthCheck, isProbe, type ProbeAnswer } from "./probes.ts"

export interface MetricsPage {
  readonly path: string
  /** `accept` is the scraper's Accept header. */
  readonly read: (accept: string) => Promise<{ readonly contentType: string; readonly text: string }>
}

export const answerMetrics = async (page: MetricsPage, accept: string): Promise<ProbeAnswer> => ({
  status: 200,
  ...(await page.read(accept))
})

/** Visitors of a door that has metrics and probes only. */
export const metricsVisit = (
  page: MetricsPage,
  checks: ReadonlyArray<HealthCheck>,
  place: { readonly host: string; readonly isLoopback: boolean },
  failed: (cause: unknown) => void
): Visit => {
  const guard = makeGuard(place.isLoopback, place.host)
  const answer = async (request: IncomingMessage): Promise<ProbeAnswer> => {
    const refusal = guard.refusePlace(request.headers)
    if (refusal !== undefined) return refusalText(refusal)
    const url = URL.parse(request.url ?? "", "http://metrics")
    const accept = request.headers.accept ?? ""
    if (request.method !== "GET" && request.method !== "HEAD") return refusalText("wrongMethod")
    if (url?.pathname === page.path) return answerMetrics(page, accept)
    if (url === null || !isProbe(url.pathname)) return refusalText("notFound")
    return answerProbe(checks, url.pathname, url.searchParams, { accept, isTrusted: place.isLoopback })
  }
  return (request, response) => {
    answer(request).then(
      (ready) => sendText(response, ready),
      (cause) => {
        failed(cause)
        sendText(response, refusalText("internal"))
      }
    )
  }
}

export const sendText = (response: ServerResponse, { contentType, status, text }: ProbeAnswer): void => {
  response.statusCode = status
  response.setHeader("content-type", contentType)
  response.setHeader("cache-control", "no-store")
  response.setHeader("x-content-type-options", "nosniff")
  response.end(text)
}

const refusalText = (name: FailureName): ProbeAnswer => ({
  status: failures[name].status,
  contentType: "application/json; charset=utf-8",
  text: `${JSON.stringify({ errors: [failureEntry(name)] })}\n`
})
