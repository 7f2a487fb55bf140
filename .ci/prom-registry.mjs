/**
 * What the command takes of the library `prom-client`: its registry (telemetry/prometheus.ts). build.mjs puts this in the
 * library's place, so that its own metrics, summaries and push gateway are not bundled.
 */
import Registry from "prom-client/lib/registry.js"

export { Registry }
