/**
 * Where the request came from, for the handler that lets people in: wrong codes are counted per address.
 *
 * Provided per request by http-app.ts.
 */
import * as Context from "effect/Context"

export class RequestAddress extends Context.Service<RequestAddress, string>()("promptmq/admin/RequestAddress") {}
