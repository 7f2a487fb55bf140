/**
 * Goal: the declaration of the API is enough to write a client. One is derived from it, and every endpoint that reads is
 * asked over a real socket of a real broker with things in it: each answer decodes as declared, refusals are the declared
 * errors. A program on Effect gets the same client by the same three lines.
 */
import { readFileSync } from "node:fs"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { flow } from "effect/Function"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import { AdminApi } from "../../src/admin/api/api.ts"
import type { WholeBroker } from "../support/whole-broker.ts"
import { startAdmin } from "./whole.ts"

const clientOf = (broker: WholeBroker) => {
  const { port = 0, tokenFile = "" } = broker.running.admin ?? {}
  const authorization = `Bearer ${readFileSync(tokenFile, "utf8").trim()}`
  return HttpApiClient.make(AdminApi, {
    baseUrl: `http://127.0.0.1:${port}`,
    transformClient: HttpClient.mapRequest(
      flow(HttpClientRequest.setHeader("authorization", authorization), HttpClientRequest.acceptJson)
    )
  })
}

/** What an endpoint is asked with, where it takes something. */
const requests: Readonly<Record<string, object>> = {
  "clients.detail": { params: { id: "reader" } },
  "topics.topic": { query: { topic: "plant/1" } },
  "topics.messages": { query: { topic: "plant/1" } },
  "topics.retainedValue": { query: { topic: "plant/1" } }
}
/** What this broker, started from no file, has no answer to. */
const conflicts = ["configuration.diff"]

type Endpoint = (request: object) => Effect.Effect<unknown, { readonly _tag: string }>

const reading = (): ReadonlyArray<string> => {
  const names: Array<string> = []
  HttpApi.reflect(AdminApi, {
    onGroup: () => {},
    onEndpoint: ({ endpoint, group }) => {
      if (endpoint.method === "GET") names.push(`${group.identifier}.${endpoint.identifier}`)
    }
  })
  return names
}

describe("a client derived from the API's declaration", () => {
  it("reads every endpoint, and each answer is of the declared shape", async () => {
    await using broker = await startAdmin({
      storage: { engine: "wal" },
      auth: { chain: ["user-database"], "allow-anonymous": true }
    })
    const reader = await broker.join("reader", { clean: false, properties: { sessionExpiryInterval: 60 } })
    await reader.subscribe("plant/#", 1)
    const asking = Effect.gen(function* () {
      const client = yield* clientOf(broker)
      const { id } = yield* client.messages.startTrace({ payload: { topic: "plant/#" } })
      const published = { topic: "plant/1", payload: "on", qos: 1, retain: true } as const
      const { sequence } = yield* client.topics.publish({ payload: published })
      const own: Readonly<Record<string, object>> = {
        ...requests,
        "messages.passport": { params: { sequence } },
        "messages.trace": { params: { id }, query: {} }
      }
      const names = reading()
      for (const name of names) {
        const [group = "", endpoint = ""] = name.split(".")
        const ask = (client as unknown as Record<string, Record<string, Endpoint>>)[group]?.[endpoint] as Endpoint
        assert.isFunction(ask, name)
        const tag = yield* Effect.match(ask(own[name] ?? { query: {} }), {
          onFailure: (error) => error._tag,
          onSuccess: () => "answered"
        })
        assert.strictEqual(tag, conflicts.includes(name) ? "Conflict" : "answered", name)
      }
      return names.length
    })
    assert.isAbove(await Effect.runPromise(asking.pipe(Effect.provide(NodeHttpClient.layerNodeHttp))), 20)
  })

  it("gets what it asks for by name and type, and a refusal as the declared error", async () => {
    await using broker = await startAdmin()
    await broker.join("reader")
    const asking = Effect.gen(function* () {
      const client = yield* clientOf(broker)
      const { items, total } = yield* client.clients.list({ query: { filter: "READ" } })
      const refused = yield* Effect.flip(client.clients.kick({ params: { id: "nobody" } }))
      return { clientIdentifier: items[0]?.clientIdentifier, refused: refused._tag, total }
    })
    const told = await Effect.runPromise(asking.pipe(Effect.provide(NodeHttpClient.layerNodeHttp)))
    assert.deepEqual(told, { clientIdentifier: "reader", refused: "NotFound", total: 1 })
  })
})
