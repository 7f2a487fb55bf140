/**
 * What can be done with the dashboard, done in headless Chromium and checked where it counts: by MQTT clients and the API.
 */
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { browserPath, type Dashboard, openDashboard } from "../support/dashboard.ts"

const durable = { clean: false, properties: { sessionExpiryInterval: 3600 } }

// Skipped without Chromium, because no other program can say how the page looks and acts in one.
describe.skipIf(browserPath === undefined)("actions (skipped when no Chromium is on the path)", () => {
  let world!: Dashboard

  beforeAll(async () => {
    world = await openDashboard({ auth: { chain: ["user-database"], "allow-anonymous": true } })
  })
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]()
  })

  describe("clients", () => {
    it("kick: the client is told 0x98", async () => {
      const client = await world.join("kicked/1 50%")
      await world.goto("/clients")
      await world.page.getByRole("link", { name: "kicked/1 50%" }).click()
      await world.heading("kicked/1 50%")
      const { receivedBytes, sentBytes } = (await world.ask(`GET /clients/${encodeURIComponent("kicked/1 50%")}`)).body
      assert.isAbove(receivedBytes, 0)
      assert.isAbove(sentBytes, 0)
      await world.button("Kick").click()
      await world.confirm("Cancel")
      await client.quiet()
      await world.button("Kick").click()
      await world.confirm("Kick")
      await client.refused(0x98)
      await world.notice("Kick: done")
    })

    it("ban: it is refused with 0x8A until the ban is lifted", async () => {
      const client = await world.join("banned-1")
      await world.goto("/clients/banned-1")
      await world.button("Ban …").click()
      const question = world.page.getByRole("dialog")
      await question.getByLabel("For how long").selectOption({ label: "a day" })
      await question.getByLabel("Why").fill("too loud")
      await question.getByText("promptmq ban --client=banned-1 --for=86400s --reason='too loud'").waitFor()
      await world.confirm("Ban")
      await client.find("disconnect")
      await world.notice("Ban: done")
      assert.strictEqual((await world.tryToJoin("banned-1")).reasonCode, 0x8a)
      const [ban] = (await world.ask("GET /bans")).body.items
      assert.deepInclude(ban, { kind: "client", value: "banned-1", reason: "too loud" })
      assert.strictEqual(Date.parse(ban.until) - Date.parse(ban.since), 86_400_000)

      await world.goto("/security")
      await world.page.getByRole("row").filter({ hasText: "banned-1" }).getByRole("button", { name: "Lift" }).click()
      await world.notice("Lifted")
      await world.text("Nobody is banned")
      const again = await world.join("banned-1")
      await again.leave()
    })

    it("kick from the list; a view of it is kept and found again", async () => {
      const client = await world.join("listed-1")
      await world.goto("/clients")
      await world.page.getByRole("searchbox").fill("listed")
      await world.button("Save this view").click()
      assert.include(world.page.url(), "filter=listed")
      await world.button("Kick listed-1").click()
      await world.confirm("Kick")
      await client.refused(0x98)
      await world.notice("Kick: done")
      await world.goto("/clients")
      await world.button("listed").click()
      await world.text("Nothing matches “listed”")
      await world.button("Forget listed").click()
    })

    it("unsubscribe: nothing comes any more", async () => {
      const client = await world.join("subscriber-1")
      await client.subscribe("unsub/a", 0)
      await client.subscribe("unsub/b", 0)
      await world.goto("/clients/subscriber-1")
      const row = world.page.getByRole("row").filter({ hasText: "unsub/a" })
      await row.getByRole("button", { name: "Unsubscribe" }).click()
      await world.notice("Unsubscribed from unsub/a")
      await row.waitFor({ state: "detached" })
      await world.ask("POST /publish", { topic: "unsub/a", payload: "lost" })
      await world.ask("POST /publish", { topic: "unsub/b", payload: "kept" })
      assert.deepEqual(await client.payloads(1), ["kept"])
      await client.leave()
    })

    it("drop what waits: only with the name typed, and then nothing waits", async () => {
      const client = await world.join("away-1", durable)
      await client.subscribe("away/#", 1)
      await client.leave()
      for (const payload of ["1", "2", "3"]) await world.ask("POST /publish", { topic: "away/a", payload, qos: 1 })
      await world.goto("/clients/away-1")
      await world.button("Drop what waits").click()
      await world.confirm("Drop", "away-1")
      await world.notice("Drop: done")
      const { client: again, sessionPresent } = await world.tryToJoin("away-1", durable)
      assert.isTrue(sessionPresent)
      await again.quiet()
      await again.leave()
    })

    it("end session: only with the name typed, and it is as if it had never been", async () => {
      const client = await world.join("ended-1", durable)
      await client.leave()
      await world.goto("/clients/ended-1")
      assert.isTrue(await world.button("Kick").isDisabled(), "nobody to kick")
      await world.button("End session").click()
      await world.confirm("End session", "ended-1")
      await world.notice("End session: done")
      await world.text("There is no such session now")
      const { client: again, sessionPresent } = await world.tryToJoin("ended-1", durable)
      assert.isFalse(sessionPresent)
      await again.leave()
    })

    it("trace: from the client's page to its steps", async () => {
      const client = await world.join("traced-1")
      await world.goto("/clients/traced-1")
      await world.button("Trace 10 min").click()
      await world.heading("Trace")
      await world.text("client traced-1")
      await client.publish("traced/a", "x", { qos: 1 })
      await world.page.getByRole("heading", { name: /traced\/a/ }).waitFor()
      await world.button("End").click()
      await world.notice("The trace is over")
      await client.leave()
    })
  })

  describe("messages", () => {
    it("publish: arrives over MQTT with all that was filled in, and its reason is told", async () => {
      const client = await world.join("receiver-1")
      await client.subscribe("demo/#", 1)
      await world.goto("/publish?topic=demo%2Fhi")
      await world.field("Payload").fill("from the page")
      await world.choice("QoS").selectOption("1")
      await world.page.getByText("MQTT 5 properties").click()
      await world.field("Content type").fill("text/plain")
      await world.page.getByLabel("User properties").fill("colour=green")
      await world.button("Publish").click()
      assert.match(await world.notice(/./), /^0x00 success/i)
      const { payload, properties, qos, topic } = await client.message()
      assert.deepEqual([topic, String(payload), qos], ["demo/hi", "from the page", 1])
      assert.strictEqual(properties?.contentType, "text/plain")
      assert.deepEqual({ ...properties?.userProperties }, { colour: "green" })

      await world.field("Times").fill("3")
      await world.button("Publish").click()
      assert.lengthOf(await client.payloads(3), 3)

      await world.button("Save as snippet").click()
      await world.goto("/publish?topic=other")
      await world.button("demo/hi").click()
      assert.strictEqual(await world.field("Payload").inputValue(), "from the page")
      assert.strictEqual(await world.field("Topic").inputValue(), "demo/hi")
      await world.button("Publish").click()
      assert.lengthOf(await client.payloads(3), 3)
      await world.button("Forget demo/hi").click()
      await world.button("demo/hi").waitFor({ state: "detached" })
      await client.leave()
    })

    it("watch: shows what others publish, pauses, ends its trace", async () => {
      const client = await world.join("talker-1")
      await world.goto("/publish")
      await world.field("Watch the filter").fill("watched/#")
      await world.button("Watch").click()
      await world.text("Waiting for messages")
      await client.publish("watched/a", "seen", { qos: 1 })
      await world.page.getByRole("listitem").filter({ hasText: "watched/a" }).getByText("seen").waitFor()
      await world.button("Stop").click()
      await world.button("Watch").waitFor()
      await client.leave()
    })

    it("topics: the tree opens level by level and shows the last value", async () => {
      const client = await world.join("teller-1")
      await client.publish("tree/branch/leaf", '{"a":[1,2]}', { qos: 1, retain: true })
      await world.goto("/topics")
      await world.button("Open tree").click()
      await world.button("Open tree/branch").click()
      await world.button("leaf").click()
      await world.text('"a": [')
      assert.include(world.page.url(), "topic=tree%2Fbranch%2Fleaf")
      await client.publish("tree/branch/leaf", '{"a":[1,3]}', { qos: 1, retain: true })
      await world.button("Changes").click()
      await world.page.locator(".payload .more").getByText("3").waitFor()
      await world.button("Hex").click()
      await world.text("7b 22 61 22 3a 5b 31 2c 33 5d 7d")
      await world.button(/^a\[1\] 3$/).click()
      await world.page.getByRole("img", { name: /a\[1\] 3/ }).waitFor()
      await world.button("Clear retained").click()
      await world.confirm("Clear")
      await world.notice("Cleared")
      assert.strictEqual(await retainedBelow(world, "tree/#"), 0)
      await client.leave()
    })

    it("retained: looked at, changed, cleared; a subtree after it was counted", async () => {
      for (const topic of ["kept/a", "kept/b", "kept/c/d"]) {
        await world.ask("POST /publish", { topic, payload: "first", qos: 1, retain: true })
      }
      await world.goto("/retained")
      await world.page.getByRole("link", { name: "kept/b" }).click()
      await world.button("Edit").click()
      await world.field("Payload").fill("second")
      await world.button("Save").click()
      await world.notice("Saved")
      await world.text("second")
      const reader = await world.join("reader-1")
      await reader.subscribe("kept/b", 1)
      const { payload, retain } = await reader.message()
      assert.deepEqual([String(payload), retain], ["second", true])
      await reader.leave()

      const taken = world.page.waitForEvent("download")
      await world.page.getByRole("searchbox").fill("kept/#")
      await world.text("kept/c/d")
      await world.button("Export").click()
      const exported = JSON.parse(readFileSync(await (await taken).path(), "utf8"))
      assert.deepEqual(
        exported.map((each: { topic: string; payload: { value: string } }) => [each.topic, each.payload.value]),
        [
          ["kept/a", "first"],
          ["kept/b", "second"],
          ["kept/c/d", "first"]
        ]
      )
      await world.notice("3 messages exported")

      await world.button("Clear").click()
      await world.notice("Cleared")
      assert.strictEqual(await retainedBelow(world, "kept/#"), 2)
      await world.field("Clear all below a filter").fill("kept/#")
      await world.button("Count and clear …").click()
      await world.page.getByRole("heading", { name: "Clear 2 retained messages?" }).waitFor()
      await world.confirm("Cancel")
      assert.strictEqual(await retainedBelow(world, "kept/#"), 2)
      await world.button("Count and clear …").click()
      await world.confirm("Clear")
      await world.notice("Cleared")
      assert.strictEqual(await retainedBelow(world, "kept/#"), 0)
    })

    it("trace: started, its steps as they come, ended", async () => {
      const client = await world.join("both-1")
      await client.subscribe("steps/#", 1)
      await world.goto("/trace")
      await world.field("Topic filter").fill("steps/#")
      await world.field("With payload").check()
      await world.button("Start").click()
      await world.button("topic steps/#").waitFor()
      await client.publish("steps/a", "with payload", { qos: 1 })
      const steps = world.page.getByRole("listitem").filter({ hasText: "steps/a" })
      // The message comes before its PUBACK was looked for, or after: taken out of what has come.
      await client.find("publish").then(({ messageId = 0 }) => client.send({ cmd: "puback", messageId }))
      for (const step of ["accepted", "sent", "acknowledged"]) await steps.locator(`li.${step}`).first().waitFor()
      await steps.getByText("with payload").first().waitFor()
      await world.button("End").click()
      await world.notice("The trace is over")
      const { body } = await world.ask("GET /traces")
      assert.isFalse(
        body.some((each: { topic: string; state: string }) => each.topic === "steps/#" && each.state === "running")
      )
      await client.leave()
    })

    it("passport: where one message went", async () => {
      const client = await world.join("passport-1", durable)
      await client.subscribe("pass/#", 1)
      const { body } = await world.ask("POST /publish", { topic: "pass/a", payload: "stamped", qos: 1 })
      await client.message()
      await world.goto("/trace")
      await world.field("Sequence of a message").fill(String(body.sequence))
      await world.button("Where did it go?").click()
      await world.page.getByRole("heading", { name: `Message ${body.sequence}: pass/a` }).waitFor()
      await world.text("stamped")
      await world.page.getByRole("row").filter({ hasText: "passport-1" }).waitFor()
      await world.goto("/trace?message=999999999")
      await world.page.locator(".verdict.warn").waitFor()
      world.faults.length = 0
      await client.leave()
    })
  })

  describe("the broker itself", () => {
    it("storage: compact, snapshot, sync, and another mode after a question", async () => {
      await world.goto("/storage")
      await world.button("Compact now").click()
      await world.notice(/before, .* after/)
      await world.button("Snapshot").click()
      await world.notice("Snapshot written")
      await world.button("Sync").click()
      await world.notice("Everything is on the disk")
      await world.button("periodic").click()
      await world.confirm("Cancel")
      assert.match((await world.ask("GET /storage")).body.promise, /^immediate/)
      await world.button("periodic").click()
      await world.confirm("Change")
      await world.notice("The mode is periodic now")
      assert.match((await world.ask("GET /storage")).body.promise, /^periodic/)
      await world.text(/^periodic, /)
    })

    it("explain: who may do what, and why", async () => {
      await world.goto("/security")
      await world.field("Client").fill("somebody")
      await world.choice("Action").selectOption("subscribe")
      await world.field("Topic or filter").fill("plant/#")
      await world.button("Explain").click()
      await world.text("decided by")
      await world.text("The client is not connected")
    })

    it("users: whoever is added gets in, whoever is removed does not", async () => {
      const words = { username: "ann", password: Buffer.from("correct horse") }
      assert.notStrictEqual((await world.tryToJoin("ann-1", words)).reasonCode, 0)
      await world.goto("/security")
      await world.field("Name").fill("ann")
      await world.field("Password").fill("correct horse")
      await world.button("Add").click()
      await world.notice("ann may come in now")
      const ann = await world.join("ann-1", words)
      await ann.leave()
      await world.page.getByRole("row").filter({ hasText: "ann" }).getByRole("button", { name: "Remove" }).click()
      await world.confirm("Remove")
      await world.notice("ann is gone")
      await world.text("No users here")
      assert.notStrictEqual((await world.tryToJoin("ann-1", words)).reasonCode, 0)
    })

    it("configuration: filtered, and a reload after its changes were shown", async () => {
      await world.goto("/config")
      await world.page.getByRole("searchbox").fill("log.level")
      await world.page.getByRole("row").filter({ hasText: "log.level" }).first().waitFor()
      await world.page.getByRole("row").filter({ hasText: "server.bind" }).waitFor({ state: "detached" })
      world.writeSettings({ log: { level: "debug" } })
      await world.button("What would a reload change?").click()
      await world.page.getByRole("dialog").getByText("log.level").first().waitFor()
      await world.picture("light-reload")
      await world.confirm("Reload")
      await world.notice(/applied/)
      const row = world.page.getByRole("row").filter({ hasText: "log.level" }).first()
      await row.getByText("debug", { exact: true }).waitFor()
      const { settings } = (await world.ask("GET /settings")).body
      assert.strictEqual(settings.find(({ key }: { key: string }) => key === "log.level").value, "debug")
    })

    it("configuration: one setting for the time being, and a text that is no configuration", async () => {
      const levelOf = async () => {
        const { settings } = (await world.ask("GET /settings")).body
        return settings.find(({ key }: { key: string }) => key === "log.level").value
      }
      await world.goto("/config?key=log.level")
      await world.button("Change log.level").click()
      const question = world.page.getByRole("dialog")
      await question.getByLabel("Value").fill("warn")
      await question.getByText("warn", { exact: true }).waitFor()
      await world.confirm("Change")
      await world.notice("log.level is warn now")
      assert.strictEqual(await levelOf(), "warn")
      await world.ask("PATCH /settings", { "log.level": "info" })

      await world.button("Check a file …").click()
      await question.getByRole("textbox").fill("log:\n  level: shouting\n")
      await question.getByRole("button", { name: "Check", exact: true }).click()
      await question.locator(".verdict.bad").getByText("log.level").first().waitFor()
      await question.getByRole("textbox").fill("log:\n  level: warn\n")
      await question.getByRole("button", { name: "Check", exact: true }).click()
      await question.getByText("The broker would start with it.").waitFor()
      await world.confirm("Close")
    })

    it("rules: read again after what they would change was shown", async () => {
      await world.goto("/security")
      await world.button("Reload …").click()
      await world.page.getByRole("dialog").waitFor()
      await world.confirm("Cancel")
    })

    it("logs: more of them for ten minutes, and back again", async () => {
      const raises = async () => (await world.ask("GET /logs/level")).body.raises
      await world.goto("/logs")
      await world.button("Debug for 10 min").click()
      await world.notice("The level is debug for 10 minutes")
      const [raise] = await raises()
      assert.deepInclude(raise, { level: "debug", client: null })
      await world.button("End it now").click()
      await world.notice(/^The level is .* again/)
      assert.deepEqual(await raises(), [])
    })

    it("overview: the support bundle has what helps, and no token", async () => {
      await world.goto("/")
      const download = world.page.waitForEvent("download")
      await world.button("Support bundle").click()
      const file = await download
      assert.match(file.suggestedFilename(), /^promptmq-support-.*\.tar\.gz$/)
      const text = spawnSync("tar", ["-xzOf", await file.path()], { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 })
      assert.strictEqual(text.status, 0, text.stderr)
      for (const part of ['"version"', '"diskSpace"', "server.bind", "changed through the admin API"]) {
        assert.include(text.stdout, part)
      }
      assert.notInclude(text.stdout, world.token)
      await world.notice(/^Bundle made/)
    })

    it("logs: by level and by client", async () => {
      await world.goto("/logs")
      await world.text("changed through the admin API")
      await world.choice("Level").selectOption("fatal")
      await world.text("No entries of this kind yet")
      await world.choice("Level").selectOption("debug")
      await world.text("changed through the admin API")
      await world.field("Client").fill("nobody-of-this-name")
      await world.field("Client").press("Enter")
      await world.text("No entries of this kind yet")
    })
  })

  it("nothing of it left an error behind", () => {
    assert.deepEqual(world.faults, [])
  })
})

const retainedBelow = async (world: Dashboard, filter: string): Promise<number> =>
  (await world.ask(`GET /retained?filter=${encodeURIComponent(filter)}`)).body.total
