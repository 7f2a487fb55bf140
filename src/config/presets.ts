/**
 * Presets: named starting points, each a handful of settings with the reason for each.
 *
 * The files config/<name>.yaml are made from this table (presetYaml) and a test compares them; `promptmq
 * config init --preset` writes the same values into the full commented sample. Figures of high-throughput,
 * high-durability and balanced are those the original documented.
 */
import { leafByKey } from "../settings/leaves.ts"
import type { WireValue } from "../settings/setting.ts"
import { schemaFileName } from "./json-schema.ts"
import { commentLines, yamlDocument, yamlValue } from "./yaml-text.ts"

export interface Preset {
  readonly name: string
  /** Short names of `config init --preset`. */
  readonly aliases: ReadonlyArray<string>
  readonly purpose: string
  readonly values: ReadonlyArray<readonly [key: string, value: WireValue, why: string]>
}

export const presets: ReadonlyArray<Preset> = [
  {
    name: "development",
    aliases: ["dev"],
    purpose: "A broker on your own machine: loopback, readable logs, stops at once.",
    values: [
      ["server.bind", ["127.0.0.1:1883", "[::1]:1883"], "Both loopback addresses, whichever a client library prefers."],
      ["server.shutdown-timeout", "1s", "Nothing here is worth waiting for."],
      ["storage.memory-buffer", "64MiB", "Leaves memory to the programs you are developing."],
      ["log.level", "debug", "Shows every connection and what it asked for."],
      ["log.format", "console", "Readable lines instead of JSON."]
    ]
  },
  {
    name: "production",
    aliases: [],
    purpose: `A broker behind a TLS terminator on the same machine. To listen beyond loopback, change server.bind and decide on auth.allow-anonymous.`,
    values: [
      ["server.bind", ["127.0.0.1:1883"], "The terminator connects here."],
      ["server.ws-bind", ["127.0.0.1:8080"], "The web server connects here."],
      ["mqtt.max-packet-size", "1MiB", "Telemetry is small; large packets are a mistake or an attack."],
      ["mqtt.max-keep-alive", 1800, "A client that is gone is noticed within 45 minutes at the latest."],
      ["mqtt.max-session-expiry", "1d", "A forgotten client costs nothing after a day."],
      ["storage.engine", "wal", "Sessions, queued and retained messages outlive the process."],
      ["storage.memory-buffer", "512MiB", "The index of many waiting messages, and the newest ones themselves."],
      ["storage.wal.sync-mode", "immediate", "Acknowledge what is on disk, nothing else."],
      ["log.level", "info", "Connections, refusals, drops."],
      ["log.format", "json", "For the log collector."]
    ]
  },
  {
    name: "high-throughput",
    aliases: ["throughput"],
    purpose: `As many messages as possible; the last second may be lost with the power.`,
    values: [
      ["server.max-outgoing-bytes", "16MiB", "More patience with bursts before QoS 0 is dropped."],
      ["mqtt.max-qos", 1, "QoS 2 costs four packets per message."],
      ["mqtt.max-inflight", 50, "Acknowledgements in flight hide the round trip."],
      ["mqtt.max-connections", 50_000, "Check the limit on open files (ulimit -n)."],
      ["storage.engine", "wal", "On disk all the same: a crash of the process loses nothing."],
      ["storage.memory-buffer", "1GiB", "A long backlog is read from memory."],
      ["storage.wal.sync-mode", "periodic", "Acknowledge after the write, sync by the clock."],
      ["storage.wal.sync-interval", "1s", "The most that a power cut may take."]
    ]
  },
  {
    name: "high-durability",
    aliases: ["durable"],
    purpose: `Nothing acknowledged is ever lost, whatever it costs.`,
    values: [
      ["mqtt.max-packet-size", "512KiB", "Large packets make everyone behind them wait for their sync."],
      ["storage.engine", "wal", "On disk."],
      ["storage.memory-buffer", "64MiB", "Messages live on disk, only their index and the newest in memory."],
      ["storage.wal.sync-mode", "immediate", "Every group of messages is synced before it is acknowledged."],
      ["storage.wal.force-fsync", true, "No topic may ask for less."],
      ["storage.wal.crash-recovery-validation", true, "Verify once more before serving after a crash."],
      ["storage.compaction.max-message-age", "24h", "A day of history."],
      ["storage.compaction.max-wal-size", "50MiB", "Small log, quick recovery."]
    ]
  },
  {
    name: "balanced",
    aliases: [],
    purpose: `Durable acknowledgements, shared by up to 50 messages per sync.`,
    values: [
      ["storage.engine", "wal", "Sessions, queued and retained messages outlive the process."],
      ["storage.memory-buffer", "64MiB", "Enough for bursts."],
      ["storage.wal.sync-mode", "batch", "One sync for many messages."],
      ["storage.wal.batch-sync-size", 50, "An acknowledgement waits for at most 49 others, or 5 ms."]
    ]
  },
  {
    name: "cluster",
    aliases: [],
    purpose: `A node of a cluster. This version cannot join others and refuses cluster.enabled: true, so it is false here; the rest is what a node will want.`,
    values: [
      ["storage.engine", "wal", "A node keeps what is its own."],
      ["storage.wal.sync-mode", "batch", "The other nodes hold copies, so syncs may be shared."],
      ["storage.wal.batch-sync-size", 100, "One sync per 100 messages, or 5 ms."],
      ["storage.compaction.max-message-age", "4h", "A node that was away that long can catch up."],
      ["cluster.enabled", false, "Not in this version: true is refused (E3402) instead of running alone unnoticed."],
      ["cluster.bind", "127.0.0.1:7946", "The address other nodes reach; on loopback until you choose one."],
      ["cluster.peers", [], 'For example ["promptmq-1:7946", "promptmq-2:7946"].'],
      ["cluster.node-id", "node-1", "A name that stays the same over restarts."]
    ]
  },
  {
    name: "edge",
    aliases: [],
    purpose: `A gateway with little memory and a few hundred devices.`,
    values: [
      ["server.ws-bind", [], "No browsers here."],
      ["server.write-buffer", "16KiB", "Small buffers for many quiet devices."],
      ["server.max-outgoing-bytes", "256KiB", "A slow device must not cost much."],
      ["mqtt.max-packet-size", "256KiB", "Devices send little."],
      ["mqtt.max-connections", 500, "More than the devices there are."],
      ["mqtt.max-retained-messages", 20_000, "One value per measuring point."],
      ["mqtt.max-retained-bytes", "16MiB", "And small ones."],
      ["storage.engine", "wal", "What waits for the uplink survives a reboot."],
      ["storage.memory-buffer", "32MiB", "The index of a day without uplink, at five messages a second."],
      ["topics.cached-entries", 4096, "Few topics, known ones."]
    ]
  }
]

/** By name or short name. */
export const presetByName = (name: string): Preset | undefined =>
  presets.find((preset) => preset.name === name || preset.aliases.includes(name))

export const presetNames: ReadonlyArray<string> = presets.flatMap((preset) => [preset.name, ...preset.aliases])

export const schemaLine = `# yaml-language-server: $schema=./${schemaFileName}`

/** The text of config/<name>.yaml. */
export const presetYaml = (preset: Preset): string => {
  const entries = preset.values.map(([key, value, why]) => ({
    path: leafByKey.get(key)?.path ?? [key],
    comment: [why],
    value: yamlValue(value),
    isCommentedOut: false
  }))
  const head = [schemaLine, ...commentLines(`PromptMQ preset "${preset.name}". ${preset.purpose}`, "")]
  return `${head.join("\n")}\n\n${yamlDocument(entries)}`
}
