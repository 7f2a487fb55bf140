/**
 * The table of commands, group by group in the order of `promptmq --help`, which names them; `promptmq help <group>` prints
 * the summaries. Names and summaries are here so that the list
 * can be printed without loading anything; the body of a command is imported when it is called, which
 * keeps the MQTT client library out of the broker's start and the broker out of `pub`.
 */
import type { Command, CommandRow, Group } from "./grammar/command.ts"

type Load = CommandRow["load"]
const row = (
  group: Group,
  name: string,
  summary: string,
  load: Load,
  aliases: ReadonlyArray<string> = []
): CommandRow => ({ group, name, summary, load, aliases })

export const commandRows: ReadonlyArray<CommandRow> = [
  row("Broker", "server", "run the broker (as does promptmq alone)", () => import("./server.ts")),
  row("Broker", "doctor", "what is open, what will not hold, each with a fix", () => import("./doctor.ts")),
  row("Broker", "support-bundle", "one file for whoever helps, without secrets", () => import("./support-bundle.ts")),
  row("Configuration", "config check", "every problem of a file, without starting", () => import("./config-check.ts")),
  row("Configuration", "config show", "effective values, and where each came from", () => import("./config-show.ts")),
  row("Configuration", "config schema", "JSON Schema for editors", () => import("./config-schema.ts")),
  row(
    "Configuration",
    "config diff",
    "what a reload would change, and who loses what",
    () => import("./config-diff.ts")
  ),
  row("Configuration", "reload", "the running broker reads its files again", () => import("./reload.ts")),
  row("Configuration", "config init", "write a commented file to start from", () => import("./config-init.ts")),
  row("Configuration", "config import", "translate a mosquitto.conf", () => import("./config-import.ts")),
  row("Configuration", "cert self-signed", "certificates to try TLS with", () => import("./cert-self-signed.ts")),
  row("Configuration", "token add", "a further token of the admin API, with a role", () => import("./token-add.ts")),
  row("Configuration", "token ls", "who has a token, and its role", () => import("./token-ls.ts")),
  row("Configuration", "token rm", "take a token back", () => import("./token-rm.ts")),
  row("Configuration", "user add", "a new user in the password file", () => import("./user-add.ts")),
  row("Configuration", "user passwd", "another password", () => import("./user-passwd.ts")),
  row("Configuration", "user rm", "take a user out", () => import("./user-rm.ts")),
  row("Configuration", "user ls", "who is in the password file", () => import("./user-ls.ts")),
  row("Configuration", "explain", "may this client do that, and which rule decides", () => import("./explain.ts")),
  row("Operate", "status", "health, version, addresses, rates, promise", () => import("./status.ts")),
  row("Operate", "health", "is the broker well: 0 or 1, for health checks", () => import("./health.ts")),
  row("Operate", "top", "clients or rates as they work", () => import("./top.ts")),
  row("Operate", "clients", "who is connected, and whose session waits", () => import("./clients.ts")),
  row("Operate", "client", "all about one client, with its history", () => import("./client.ts")),
  row("Operate", "kick", "end a client's connection", () => import("./kick.ts"), ["disconnect"]),
  row("Operate", "ban", "keep a client, user or address away", () => import("./ban.ts")),
  row("Operate", "bans", "who is kept away", () => import("./bans.ts")),
  row("Operate", "unban", "take a ban back", () => import("./unban.ts")),
  row("Operate", "quotas", "what users have used of what they may", () => import("./quotas.ts")),
  row("Operate", "subs", "subscriptions, or who gets a topic", () => import("./subs.ts")),
  row("Operate", "unsubscribe", "take a subscription from a client", () => import("./unsubscribe.ts")),
  row("Operate", "topics", "a level of the tree of topics", () => import("./topics.ts")),
  row("Operate", "topic", "one topic: subscribers, last message", () => import("./topic.ts")),
  row("Operate", "retained ls", "retained messages", () => import("./retained-ls.ts")),
  row("Operate", "retained get", "print a retained payload", () => import("./retained-get.ts")),
  row("Operate", "retained set", "publish one that stays", () => import("./retained-set.ts")),
  row("Operate", "retained rm", "clear a topic, or a subtree", () => import("./retained-rm.ts")),
  row("Operate", "queues", "for whom something waits", () => import("./queues.ts")),
  row("Operate", "drop-queue", "forget what waits for a client", () => import("./drop-queue.ts")),
  row("Operate", "drops", "messages not delivered: why, to whom", () => import("./drops.ts")),
  row("Operate", "trace", "where did my message go", () => import("./trace.ts")),
  row("Operate", "log-level", "how much the broker logs, or another level", () => import("./log-level.ts")),
  row("Messages", "pub", "publish messages (Mosquitto's letters)", () => import("./pub.ts")),
  row("Messages", "sub", "print the messages of topics (Mosquitto's letters)", () => import("./sub.ts")),
  row("Messages", "bench", "load any broker: rate, latency, what was lost", () => import("./bench.ts")),
  row("Messages", "ping", "does a broker answer, and how fast", () => import("./ping.ts")),
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
