/**
 * The table of commands, in the order of `promptmq --help`. Names and summaries are here so that the list
 * can be printed without loading anything; the body of a command is imported when it is called, which
 * keeps the MQTT client library out of the broker's start and the broker out of `pub`.
 */
import type { Command, CommandRow, Group } from "./grammar/command.ts"

type Load = CommandRow["load"]
const row = (group: Group, name: string, summary: string, load: Load): CommandRow => ({ group, name, summary, load })

export const commandRows: ReadonlyArray<CommandRow> = [
  row("Broker", "server", "run the broker (as does promptmq alone)", () => import("./server.ts")),
  row("Broker", "doctor", "what is open, what will not hold, each with a fix", () => import("./doctor.ts")),
  row("Configuration", "config check", "every problem of a file, without starting", () => import("./config-check.ts")),
  row("Configuration", "config show", "effective values, and where each came from", () => import("./config-show.ts")),
  row("Configuration", "config schema", "JSON Schema for editors", () => import("./config-schema.ts")),
  row("Configuration", "config init", "write a commented file to start from", () => import("./config-init.ts")),
  row("Configuration", "config import", "translate a mosquitto.conf", () => import("./config-import.ts")),
  row("Configuration", "cert self-signed", "certificates to try TLS with", () => import("./cert-self-signed.ts")),
  row("Configuration", "user add", "a new user in the password file", () => import("./user-add.ts")),
  row("Configuration", "user passwd", "another password", () => import("./user-passwd.ts")),
  row("Configuration", "user rm", "take a user out", () => import("./user-rm.ts")),
  row("Configuration", "user ls", "who is in the password file", () => import("./user-ls.ts")),
  row("Configuration", "explain", "may this client do that, and which rule decides", () => import("./explain.ts")),
  row("Clients", "pub", "publish messages (Mosquitto's letters)", () => import("./pub.ts")),
  row("Clients", "sub", "print the messages of topics (Mosquitto's letters)", () => import("./sub.ts")),
  row("Clients", "bench", "load any broker: rate, latency, what was lost", () => import("./bench.ts")),
  row("Clients", "ping", "does a broker answer, and how fast", () => import("./ping.ts")),
  row("Store", "store verify", "is every byte of the log true; what is lost if not", () => import("./store-verify.ts")),
  row("Store", "store dump", "the records of the log, one JSON object per line", () => import("./store-dump.ts")),
  row("Store", "store salvage", "a new store of what verifies of a damaged one", () => import("./store-salvage.ts")),
  row("Store", "store repair", "take damage out in place, into quarantine/", () => import("./store-repair.ts")),
  row("Store", "store reindex", "make the index anew from the log", () => import("./store-reindex.ts")),
  row("Store", "store stats", "files, topics, sessions, garbage", () => import("./store-stats.ts")),
  row("Store", "store compact", "remove what nobody waits for, now", () => import("./store-compact.ts")),
  row("Store", "store backup", "a copy with checksums, also of a running broker", () => import("./store-backup.ts")),
  row("Store", "store restore", "a store from a backup, verified first", () => import("./store-restore.ts")),
  row("Store", "store export", "retained, sessions and queues as JSON lines", () => import("./store-export.ts")),
  row("Store", "store import", "an export into a new or stopped store", () => import("./store-import.ts")),
  row(
    "Store",
    "torture",
    "kill -9 a broker again and again on your disk; is anything lost",
    () => import("./torture.ts")
  ),
  row("Help", "explain-error", "the long text of an error code", () => import("./explain-error.ts")),
  row("Help", "man", "manual pages promptmq(1) and promptmq.yaml(5)", () => import("./man.ts")),
  row("Help", "completion", "completion script for bash, zsh or fish", () => import("./completion.ts"))
]

export async function loadCommand(row: CommandRow): Promise<Command> {
  const { body } = await row.load()
  return { name: row.name, summary: row.summary, ...body }
}

export function loadAllCommands(): Promise<ReadonlyArray<Command>> {
  return Promise.all(commandRows.map(loadCommand))
}
