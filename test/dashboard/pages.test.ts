/**
 * Every page of the dashboard in headless Chromium: it has data, nobody is shut out (axe-core, light and dark), it fits
 * a narrow telephone, and nothing is said on the console, which is where a breach of the policy of contents is told.
 */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { browserPath, type Dashboard, openDashboard } from "../support/dashboard.ts"
import type { RawClient } from "../support/raw-client.ts"

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
const NARROW = { width: 360, height: 740 }
const WIDE = { width: 1280, height: 860 }

/** Lines of the charts, as style.css has them. */
const [lightGrid, darkGrid] = ["e9edf0", "232a30"]

/** An identifier that a path has to write otherwise, twice over if it is done wrongly. */
const oddName = "line 1/50% ä"
const topic = "plant/oven-1/temperature"

/** Path, heading, and what shows that there is data. */
const places: ReadonlyArray<readonly [path: string, heading: string, data: string | RegExp]> = [
  ["/", "Overview", /All \d+ checks are well/],
  ["/clients", "Clients", oddName],
  [`/clients/${encodeURIComponent(oddName)}`, oddName, "plant/#"],
  [`/topics?topic=${encodeURIComponent(topic)}`, "Topics", '"celsius": 201'],
  ["/publish?topic=demo%2Fhi", "Publish", "promptmq pub --topic=demo/hi"],
  [`/retained?topic=${encodeURIComponent(topic)}`, "Retained messages", '"celsius": 201'],
  ["/queues", "Queues & shared", "jobs/#"],
  ["/drops", "Drops", "small-1"],
  ["/trace", "Trace", /topic plant\/#/],
  ["/storage", "Storage", "(active)"],
  ["/security", "Security", "mqtt://127.0.0.1"],
  ["/config", "Configuration", "server.bind"],
  ["/logs", "Logs", "changed through the admin API"]
]

interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: ReadonlyArray<{ readonly html: string; readonly failureSummary: string }>
}

// Skipped without Chromium, because no other program can say how the page looks and acts in one.
describe.skipIf(browserPath === undefined)("pages (skipped when no Chromium is on the path)", () => {
  let world!: Dashboard
  let clients: ReadonlyArray<RawClient> = []

  beforeAll(async () => {
    world = await openDashboard({}, { isLoggedIn: false })
    clients = await populate(world)
  })
  afterAll(async () => {
    for (const client of clients) client.wire.destroy()
    await world?.[Symbol.asyncDispose]()
  })

  it("the printed link lets in once, and leaves nothing in the address bar", async () => {
    await world.page.goto(world.link)
    await world.heading("Overview")
    assert.notInclude(world.page.url(), "login")
    assert.deepEqual(world.faults, [])

    await world.openPage()
    await world.page.goto(world.link)
    await world.page.getByRole("alert").getByText("The link was used before").waitFor()
    await world.page.getByLabel("Token").fill("guessed")
    await world.page.getByRole("button", { name: "Log in" }).click()
    await world.page.getByRole("alert").getByText("This token is not valid").waitFor()
    await world.page.getByLabel("Token").fill(world.token)
    await world.page.getByRole("button", { name: "Log in" }).click()
    await world.heading("Overview")
    // What the two refusals left in the console is theirs.
    world.faults.length = 0
  })

  for (const [path, heading, data] of places) {
    it(`${heading}: has data, shuts nobody out, fits 360 px`, async () => {
      await world.page.setViewportSize(WIDE)
      await world.page.emulateMedia({ colorScheme: "light" })
      await world.goto(path)
      await world.heading(heading)
      await world.text(data)
      await world.page.getByRole("status").getByText("live", { exact: false }).first().waitFor()
      const shot = heading.replaceAll(/\W+/g, "-")
      await world.page.evaluate(axe)
      for (const colorScheme of ["light", "dark"] as const) {
        await world.page.emulateMedia({ colorScheme })
        await world.picture(`${colorScheme}-${shot}`)
        assert.deepEqual(await violations(world), [], colorScheme)
      }
      await world.page.setViewportSize(NARROW)
      await world.picture(`narrow-${shot}`)
      // Canvases are resized a moment after their places were.
      await world.page.waitForFunction(`document.documentElement.scrollWidth <= ${NARROW.width}`)
      assert.deepEqual(world.faults, [])
    })
  }

  it("a question shuts nobody out either, and Escape is a no", async () => {
    await world.page.setViewportSize(WIDE)
    await world.goto(`/clients/${encodeURIComponent(oddName)}`)
    await world.button("End session").click()
    const dialog = world.page.getByRole("dialog", { name: "End this session?" })
    await dialog.waitFor()
    await world.page.evaluate(axe)
    for (const colorScheme of ["light", "dark"] as const) {
      await world.page.emulateMedia({ colorScheme })
      await world.picture(`${colorScheme}-question`)
      assert.deepEqual(await violations(world), [], colorScheme)
    }
    await world.page.keyboard.press("Escape")
    await dialog.waitFor({ state: "detached" })
    assert.strictEqual((await world.ask(`GET /clients/${encodeURIComponent(oddName)}`)).body.state, "connected")
  })

  it("drops are searched by client and by topic, and shown all again", async () => {
    await world.goto("/drops")
    for (const name of ["Client", "Topic"]) {
      await world.text("small-1")
      await world.field(name).fill("nothing-of-this-name")
      await world.field(name).press("Enter")
      await world.text("No row matches")
      await world.button("Show all").click()
    }
    await world.text("small-1")
  })

  it("at 360 px the menu leads from page to page", async () => {
    await world.page.setViewportSize(NARROW)
    const links = world.page.getByRole("navigation", { name: "Pages" }).getByRole("link")
    assert.strictEqual(await links.count(), 0)
    await world.page.getByRole("button", { name: "Menu" }).click()
    assert.strictEqual(await links.count(), places.length - 1)
    await world.picture("narrow-menu")
    await links.getByText("Storage").click()
    await world.heading("Storage")
    await links.first().waitFor({ state: "hidden" })
    await world.page.setViewportSize(WIDE)
  })

  it("the theme is switched by hand and stays", async () => {
    await world.page.emulateMedia({ colorScheme: "light" })
    await world.page.getByTitle("Theme").click()
    await world.page.getByTitle("Theme").click()
    await world.page.reload()
    await world.page.locator('html[data-theme="dark"]').waitFor()
    // Charts are drawn, not styled: their lines take the colour of the theme too, the moment it changes.
    await world.goto("/storage")
    await world.page.getByRole("img", { name: /^Sync/ }).waitFor()
    await hasLines(world, darkGrid)
    await world.page.getByTitle("Theme").click()
    await world.page.locator("html:not([data-theme])").waitFor()
    await hasLines(world, lightGrid)
    await world.page.emulateMedia({ colorScheme: "dark" })
    await hasLines(world, darkGrid)
    const ground = await world.page.evaluate<string>("getComputedStyle(document.documentElement).backgroundColor")
    assert.strictEqual(ground, "rgb(14, 17, 20)")
  })

  it("logging out leaves nothing behind", async () => {
    await world.page.getByRole("button", { name: "Log out" }).click()
    await world.page.getByLabel("Token").waitFor()
    await world.page.reload()
    await world.page.getByLabel("Token").waitFor()
    assert.strictEqual(await world.page.evaluate<number>("sessionStorage.length"), 0)
    await world.page.evaluate(axe)
    assert.deepEqual(await violations(world), [])
    assert.deepEqual(world.faults, [])
  })
})

/** Something for each page to show. */
const populate = async (world: Dashboard): Promise<ReadonlyArray<RawClient>> => {
  const durable = { clean: false, properties: { sessionExpiryInterval: 3600 } }
  const line = await world.join(oddName, durable)
  await line.subscribe("plant/#", 1)
  const worker = await world.join("worker-1")
  await worker.subscribe("$share/workers/jobs/#", 1)
  const small = await world.join("small-1", { properties: { maximumPacketSize: 64 } })
  await small.subscribe("big/#", 0)
  const oven = await world.join("oven-1")
  await world.ask("POST /traces", { topic: "plant/#", seconds: 600 })
  await oven.publish(topic, '{"celsius":201,"ok":true}', { qos: 1, retain: true })
  await oven.publish("big/one", "x".repeat(500), { qos: 1 })
  await line.message()
  return [line, worker, small, oven]
}

/** Waits until the first chart has a point of this colour, for as long as one waits for anything. */
const hasLines = async (world: Dashboard, colour: string): Promise<void> => {
  await world.page.waitForFunction((wanted) => {
    // biome-ignore lint/suspicious/noExplicitAny: this runs in the page, whose types are not those of this program
    const canvas = (globalThis as any).document.querySelector("canvas")
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
    for (let at = 0; at < data.length; at += 4) {
      const point = [...data.slice(at, at + 3)].map((each) => each.toString(16).padStart(2, "0")).join("")
      if (point === wanted && data[at + 3] === 255) return true
    }
    return false
  }, colour)
}

/** What is serious or critical, in few words. */
const violations = async (world: Dashboard): Promise<ReadonlyArray<string>> => {
  const found = await world.page.evaluate<ReadonlyArray<Violation>>(
    'axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations)'
  )
  return found
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ failureSummary, html }) => `${html} ${failureSummary}`).join("; ")}`)
}
