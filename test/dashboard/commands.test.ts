/**
 * Every command that the page shows, cut into words by a real shell and read by the grammar of the command itself: what can be
 * copied can be run, whatever a name holds.
 */
import { spawnSync } from "node:child_process"
import { assert, describe, it } from "@effect/vitest"
import * as commands from "../../src/admin/dashboard/commands.ts"
import { commandRows, loadCommand } from "../../src/cli/commands.ts"
import { UsageFault } from "../../src/cli/grammar/option.ts"
import { helpAsked, parseArguments } from "../../src/cli/grammar/parse.ts"

const odd = "line 1/50% ä's $HOME `id`"
const dashed = "-rf"
const publish = { payload: odd, qos: 2, retain: true, times: 3, topic: "a/b" }

const shown: ReadonlyArray<string> = [
  commands.statusCommand,
  commands.supportCommand,
  commands.queuesCommand,
  commands.storageCommand,
  commands.compactCommand,
  commands.securityCommand,
  commands.settingsCommand,
  commands.diffCommand,
  commands.reloadCommand,
  commands.checkCommand,
  commands.logsCommand,
  commands.clientsCommand({}),
  commands.clientsCommand({ filter: odd, sort: "-behindRecords" }),
  commands.clientsCommand({ filter: dashed }),
  commands.topicsCommand(undefined),
  commands.topicsCommand(odd),
  commands.watchCommand("plant/#"),
  commands.publishCommand({ ...publish, properties: [] }),
  commands.publishCommand({ ...publish, payload: "", properties: [["content-type", "text/plain"]] }),
  commands.publishCommand({ ...publish, payload: dashed, properties: [["user-property", "colour", odd]] }),
  commands.publishCommand({
    ...publish,
    properties: [
      ["message-expiry-interval", "60"],
      ["response-topic", "answers/1"],
      ["correlation-data", "7"]
    ]
  }),
  commands.retainedCommand({}),
  commands.retainedCommand({ filter: "plant/#", sort: "-sizeBytes" }),
  commands.editCommand("plant/a", odd, 1),
  commands.clearCommand("plant/#"),
  commands.dropsCommand({ client: "", reason: "", topic: "" }),
  commands.dropsCommand({ client: dashed, reason: "no-subscriber", topic: odd }),
  commands.traceCommand({ kind: "message", value: "4711" }),
  commands.traceCommand({ kind: "topic", value: "plant/#", seconds: 600, stepsMax: 1000, withPayload: true }),
  commands.traceCommand({ kind: "address", value: "127.0.0.1" }),
  commands.backupCommand("/mnt/my backup"),
  ...(["publish", "subscribe", "read", "retained", "will"] as const).map((action) =>
    commands.explainCommand({ action, client: odd, topic: "plant/1", username: "ann" })
  ),
  commands.levelCommand("debug", 10, ""),
  commands.levelCommand("debug", 10, odd),
  ...(["client", "user", "address"] as const).map((kind) =>
    commands.banCommand({ kind, reason: odd, seconds: 3600, value: kind === "address" ? "192.0.2.7" : odd })
  ),
  commands.banCommand({ kind: "client", reason: "", seconds: undefined, value: dashed }),
  ...[odd, dashed].flatMap((id) => [
    commands.clientCommand(id),
    commands.kickCommand(id),
    commands.endCommand(id),
    commands.dropQueueCommand(id),
    commands.unsubscribeCommand(id, "plant/#"),
    commands.unbanCommand(id),
    commands.valueCommand(id),
    commands.traceCommand({ kind: "client", value: id })
  ])
]

/** As a shell would hand them over. */
const wordsOf = (line: string): ReadonlyArray<string> => {
  const { status, stderr, stdout } = spawnSync("sh", ["-c", `printf '%s\\0' ${line}`], { encoding: "utf8" })
  assert.strictEqual(status, 0, stderr)
  return stdout.split("\0").slice(0, -1)
}

const inputOf = async (line: string) => {
  const [program, ...words] = wordsOf(line)
  assert.strictEqual(program, "promptmq", line)
  const row = commandRows
    .filter(({ name }) => ` ${words.join(" ")} `.startsWith(` ${name} `))
    .toSorted((one, other) => other.name.length - one.name.length)[0]
  assert.isDefined(row, `no such command: ${line}`)
  const command = await loadCommand(row as (typeof commandRows)[number])
  const input = parseArguments(command, words.slice(command.name.split(" ").length))
  if (input === helpAsked) return assert.fail(`asks for help: ${line}`)
  if (input instanceof UsageFault) return assert.fail(`${line}: ${input.fact}`)
  return input
}

describe("the commands that the page shows", () => {
  it("are all taken by the commands themselves", async () => {
    for (const line of shown) await inputOf(line)
  })

  it("a name is one word of the shell, and no option, whatever it holds", async () => {
    for (const id of [odd, dashed, "--help", "a\nb", "'", ""]) {
      assert.deepEqual((await inputOf(commands.kickCommand(id))).operands, [id])
      assert.deepEqual((await inputOf(commands.unsubscribeCommand(id, "a/#"))).operands, [id, "a/#"])
    }
    const { options } = await inputOf(commands.banCommand({ kind: "user", reason: dashed, seconds: 60, value: odd }))
    assert.deepInclude(options, { user: odd, reason: dashed, for: "60s" })
  })

  it("where there is no command it is a request, without the token", () => {
    const line = commands.requestCommand("http://127.0.0.1:9090", "PATCH", "/settings", { "log.level": "it's" })
    assert.deepEqual(wordsOf(line.replace("$(cat admin-token)", "TOKEN")), [
      "curl",
      "-X",
      "PATCH",
      "-H",
      "Authorization: Bearer TOKEN",
      "-H",
      "Content-Type: application/json",
      "-d",
      '{"log.level":"it\'s"}',
      "http://127.0.0.1:9090/api/v1/settings"
    ])
  })
})
