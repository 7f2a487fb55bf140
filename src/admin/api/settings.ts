/**
 * Settings and reload. (A log level for a time: POST /logs/level, system.ts.)
 *
 *   GET   /settings          viewer   each value with its origin; secrets are "(hidden)"
 *   PATCH /settings          admin    { "log.level": "debug", ... }: all or nothing; holds until the broker stops or reloads
 *   POST  /config/check      viewer   { yaml }: every problem of a document, with line, column and fix
 *   GET   /config/diff       viewer   what a reload of the file would do now, and which clients would lose what
 *   POST  /config/reload     admin    all or nothing; a bad file changes nothing
 */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Schema from "effect/Schema"
import { Authorization, BadRequest, Conflict, RoleNeeded, Unprocessable } from "./shared.ts"

export const WireValue = Schema.Union([
  Schema.Boolean,
  Schema.Number,
  Schema.String,
  Schema.Array(Schema.String),
  Schema.Array(Schema.Record(Schema.String, Schema.Json)),
  /** Unset. */
  Schema.Null
])

export const SettingView = Schema.Struct({
  key: Schema.String,
  /** As it would be written in YAML; "(hidden)" for a secret. */
  value: WireValue,
  /** "default", "broker.yaml:14:5", "PROMPTMQ_LOG_LEVEL", "--log-level", "admin API". */
  origin: Schema.String,
  /** May be changed while the broker runs. */
  live: Schema.Boolean,
  summary: Schema.String
})
export type SettingView = typeof SettingView.Type

export const SettingsList = Schema.Struct({ settings: Schema.Array(SettingView) })
export type SettingsList = typeof SettingsList.Type

/** The settings that have another value now. They hold until the broker stops: no file is written. */
export const SettingsChanged = Schema.Struct({
  changed: Schema.Array(Schema.Struct({ key: Schema.String, value: WireValue }))
})
export type SettingsChanged = typeof SettingsChanged.Type

export const ConfigProblem = Schema.Struct({
  severity: Schema.Literals(["error", "warning"]),
  code: Schema.String,
  key: Schema.String,
  /** "broker.yaml:14:5" */
  place: Schema.String,
  fact: Schema.String,
  fix: Schema.String
})
export type ConfigProblem = typeof ConfigProblem.Type

export const ConfigChange = Schema.Struct({
  key: Schema.String,
  before: WireValue,
  after: WireValue,
  effect: Schema.Literals(["live", "restart"]),
  /** Of the value before; "admin API" = it was changed while the broker ran, and a reload undoes that. */
  origin: Schema.String
})
export type ConfigChange = typeof ConfigChange.Type

/** What clients that are connected now would lose. */
export const Impact = Schema.Struct({
  clientIdentifier: Schema.String,
  /** "subscribe plant/#", "publish plant/1", "connect". */
  what: Schema.String,
  /** The rule that takes it. */
  decidedBy: Schema.String
})
export type Impact = typeof Impact.Type

export const ConfigDiff = Schema.Struct({
  file: Schema.NullOr(Schema.String),
  problems: Schema.Array(ConfigProblem),
  changes: Schema.Array(ConfigChange),
  impacts: Schema.Array(Impact),
  /** Clients that lose something; `impacts` shows at most 1,000. */
  clientsAffected: Schema.Number,
  topicsAffected: Schema.Number
})
export type ConfigDiff = typeof ConfigDiff.Type

export const Reloaded = Schema.Struct({
  applied: Schema.Array(ConfigChange),
  /** Changes that wait for a restart. */
  waiting: Schema.Array(ConfigChange)
})
export type Reloaded = typeof Reloaded.Type

export class Configuration extends HttpApiGroup.make("configuration")
  .add(
    HttpApiEndpoint.get("settings", "/settings", { success: SettingsList }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.patch("changeSettings", "/settings", {
      payload: Schema.Record(Schema.String, Schema.Json),
      success: SettingsChanged,
      error: [BadRequest, Unprocessable]
    }).annotate(RoleNeeded, "admin"),
    HttpApiEndpoint.post("check", "/config/check", {
      payload: Schema.Struct({ yaml: Schema.String }),
      success: Schema.Struct({ problems: Schema.Array(ConfigProblem) }),
      error: BadRequest
    }).annotate(RoleNeeded, "viewer"),
    HttpApiEndpoint.get("diff", "/config/diff", { success: ConfigDiff, error: Conflict }).annotate(
      RoleNeeded,
      "viewer"
    ),
    HttpApiEndpoint.post("reload", "/config/reload", {
      success: Reloaded,
      error: [Conflict, Unprocessable]
    }).annotate(RoleNeeded, "admin")
  )
  .middleware(Authorization) {}
