/**
 * The admin API as a whole: /api/v1. One declaration from which the server's decoding, /openapi.json, the page at /docs,
 * the commands' client and the dashboard's types come. What each group offers stands at the head of its file.
 */
import * as HttpApi from "effect/http-api/HttpApi"
import * as OpenApi from "effect/http-api/OpenApi"
import { Clients } from "./clients.ts"
import { Messages } from "./messages.ts"
import { Security } from "./security.ts"
import { Configuration } from "./settings.ts"
import { Storage } from "./storage.ts"
import { Door, System } from "./system.ts"
import { Topics } from "./topics.ts"

export class AdminApi extends HttpApi.make("promptmq")
  .add(System)
  .add(Door)
  .add(Clients)
  .add(Topics)
  .add(Messages)
  .add(Storage)
  .add(Security)
  .add(Configuration)
  .prefix("/api/v1")
  // A misspelt member would be a wish without effect.
  .annotate(HttpApi.PayloadParseOptions, { onExcessProperty: "error", errors: "all" })
  .annotateMerge(
    OpenApi.annotations({
      title: "PromptMQ admin API",
      version: "1",
      description: "Members may be added within v1; none changes its meaning or goes away."
    })
  ) {}
