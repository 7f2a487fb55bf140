/**
 * `promptmq quotas` of a running broker: who has used how much.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { type LiveBroker, startLiveBroker } from "./live-broker.ts"
import { run } from "./recorded-world.ts"

describe("promptmq quotas", () => {
  let broker: LiveBroker
  beforeAll(async () => {
    broker = await startLiveBroker()
  })
  afterAll(() => broker.stop())

  it("lists users with what they have used of what they may", async () => {
    const none = await broker.ask("quotas")
    assert.strictEqual(none.code, 0, none.err)
    const authorization = `Bearer ${readFileSync(join(broker.folder, "admin-token"), "utf8").trim()}`
    const body = JSON.stringify({ "limits.max-user-messages-per-day": 3 })
    const changed = await fetch(`${broker.url}/api/v1/settings`, { method: "PATCH", headers: { authorization }, body })
    assert.strictEqual(changed.status, 200)
    const publish = (user: string) => run(["pub", ...broker.at, "-u", user, "-q", "1", "-t", "t", "-m", "x"])
    for (const user of ["alice", "alice", "bob"]) assert.strictEqual((await publish(user)).code, 0)
    const { out } = await broker.ask("quotas")
    assert.match(out, /\nalice +messages-per-day +2 +3 +67 +ok +0 +\d{4}-/)
    assert.match(out, /\nbob +messages-per-day +1 +3 +33 +ok +0 +/)
    await publish("alice")
    assert.notStrictEqual((await publish("alice")).code, 0)
    const [row] = JSON.parse((await broker.ask("quotas", "--filter", "exceeded", "--json")).out).items
    assert.deepInclude(row, { user: "alice", used: 3, state: "exceeded", refused: 1 })
  })
})
