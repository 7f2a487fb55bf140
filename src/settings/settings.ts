/**
 * The settings: one declaration, from which everything else about configuration is derived.
 *
 *   declare-*.ts   the entries: key, bounds, default, one sentence each
 *   settingsSchema decodes a document (kebab-case keys) to Settings (camelCase fields, units last)
 *   leaves.ts      the same entries as a list: flag, variable, JSON path, for everything that is generated
 *   rules.ts       what two keys together must satisfy, and what this version cannot do
 *
 * Durations are numbers of milliseconds (Ms) or seconds (Seconds), sizes numbers of bytes (Bytes), addresses
 * {host, port}. Empty folder settings are filled in by resolveSettings (resolve.ts); the loader in config/ calls it.
 */
import * as Schema from "effect/Schema"
import { aclSection } from "./declare-acl.ts"
import { adminSection } from "./declare-admin.ts"
import { authSection } from "./declare-auth.ts"
import { healthSection } from "./declare-health.ts"
import { limitsSection } from "./declare-limits.ts"
import { logSection } from "./declare-log.ts"
import { metricsSection } from "./declare-metrics.ts"
import { clusterSection } from "./declare-operations.ts"
import { mqttSection, serverSection } from "./declare-server.ts"
import { storageSection, topicsSection } from "./declare-storage.ts"
import { tracingSection } from "./declare-tracing.ts"
import { section } from "./section.ts"

export const settingsSchema = section({
  server: serverSection,
  mqtt: mqttSection,
  storage: storageSection,
  topics: topicsSection,
  auth: authSection,
  acl: aclSection,
  limits: limitsSection,
  admin: adminSection,
  health: healthSection,
  metrics: metricsSection,
  tracing: tracingSection,
  cluster: clusterSection,
  log: logSection
})

export type Settings = typeof settingsSchema.Type

/** Every default; folders still empty. */
export const defaultSettings: Settings = Schema.decodeUnknownSync(settingsSchema as Schema.Codec<Settings, unknown>)({})
