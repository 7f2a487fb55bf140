/**
 * What the page does with much and with nothing: 10,000 clients in a list, and a stream of events that breaks off. The
 * API is played here, so that both come out the same each time; the page and the browser are real.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { browserPath, type Dashboard, openDashboard } from "../support/dashboard.ts"

const CLIENTS = 10_000
const ROWS_MAX = 200

// Skipped without Chromium, because no other program can say how the page looks and acts in one.
describe.skipIf(browserPath === undefined)("lists and streams (skipped when no Chromium is on the path)", () => {
  let world!: Dashboard

  beforeAll(async () => {
    world = await openDashboard()
  })
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]()
  })

  it("10,000 clients: the last one is reached, and few rows are drawn", async () => {
    const limits: Array<number> = []
    await world.page.route("**/api/v1/clients?*", async (route) => {
      const query = new URL(route.request().url()).searchParams
      const [offset, limit] = [Number(query.get("offset")), Number(query.get("limit"))]
      limits.push(limit)
      const wanted = Array.from({ length: CLIENTS }, (_, i) => nameOf(i)).filter((name) =>
        name.includes(query.get("filter") ?? "")
      )
      const items = wanted.slice(offset, offset + limit).map(clientRow)
      await route.fulfill({ json: { items, total: wanted.length, isTotalExact: true } })
    })
    await world.goto("/clients")
    await world.text(nameOf(0))
    await world.page.getByRole("status").getByText("10,000", { exact: true }).waitFor()
    const rows = world.page.locator("tbody tr")
    const list = world.page.getByRole("region", { name: "Clients" })
    for (const part of [0.1, 0.5, 0.87, 1]) {
      await list.evaluate((element, share) => {
        element.scrollTop = element.scrollHeight * share
      }, part)
      const first = Math.floor(part * CLIENTS) - (part === 1 ? 1 : 0)
      await world.text(nameOf(first))
      assert.isBelow(await rows.count(), ROWS_MAX)
    }
    await world.picture("light-10000")
    assert.isTrue(limits.every((limit) => limit === 100))

    await world.page.getByRole("searchbox").fill("client-0777")
    await world.page.getByRole("status").getByText("10", { exact: true }).waitFor()
    await world.text(nameOf(7770))
    assert.strictEqual(await list.evaluate((element) => element.scrollTop), 0)
    await world.page.unroute("**/api/v1/clients?*")
  })

  it("a page just opened shows what was before it, as the broker kept it", async () => {
    const at = Array.from({ length: 90 }, (_, row) => new Date(Date.now() - (90 - row) * 10_000).toISOString())
    const columns = { messagesInPerSecond: at.map(() => 70), messagesOutPerSecond: at.map(() => 35) }
    await world.page.route("**/api/v1/history?*", (route) => route.fulfill({ json: { stepSeconds: 10, at, columns } }))
    await world.goto("/")
    await chartShows(world, { stretches: 1, beginsBy: 0.25 })
    await world.picture("light-history")
    await world.page.unroute("**/api/v1/history?*")
  })

  it("a check that fails turns the page red and says why", async () => {
    const { body: now } = await world.ask("GET /overview")
    const checks = [{ name: "disk", status: "failing", fact: "3 MiB are left" }]
    const snapshot = { ...now, status: "failing", diskSpace: "full", checks }
    const body = `event: snapshot\ndata: ${JSON.stringify(snapshot)}\n\n`
    await world.page.route("**/api/v1/events", (route) => route.fulfill({ contentType: "text/event-stream", body }))
    await world.goto("/")
    await world.page.locator(".banner.bad").getByText("disk: 3 MiB are left").waitFor()
    await world.page.locator(".figure.bad").getByText("disk full").waitFor()
    await world.picture("light-red")
    // Red on every page, and quiet when somebody wants it so.
    await world.page.getByRole("link", { name: "Topics" }).first().click()
    await world.heading("Topics")
    await world.page.locator(".banner.bad").getByText("disk: 3 MiB are left").waitFor()
    await world.page.locator("header.bar.bad").waitFor()
    await world.page.getByRole("alert").getByRole("button", { name: "Silence for an hour" }).click()
    await world.page.locator(".banner").waitFor({ state: "detached" })
    await world.page.locator("header.bar:not(.bad)").waitFor()
    await world.goto("/")
    await world.button(/speak again/).click()
    await world.page.locator(".banner.bad").waitFor()
    await world.page.unroute("**/api/v1/events")
  })

  it("a stream that breaks off is told, taken up again, and leaves a gap in the lines", async () => {
    const { body: now } = await world.ask("GET /overview")
    const start = Date.now() - 60_000
    const told = (seconds: number) => ({
      ...now,
      at: new Date(start + seconds * 1000).toISOString(),
      messagesInPerSecond: 50
    })
    const stream = (...seconds: ReadonlyArray<number>) => ({
      contentType: "text/event-stream",
      body: seconds.map((each) => `event: snapshot\ndata: ${JSON.stringify(told(each))}\n\n`).join("")
    })
    const { promise: mayComeBack, resolve: comeBack } = Promise.withResolvers<void>()
    let asked = 0
    await world.page.route("**/api/v1/events", async (route) => {
      asked += 1
      if (asked === 1) return route.fulfill(stream(0, 1, 2, 3, 4, 5))
      if (asked === 2) return route.abort()
      await mayComeBack
      if (asked === 3) return route.fulfill(stream(40, 41, 42, 43, 44, 45))
      return route.abort()
    })
    await world.goto("/")
    await world.page.getByRole("status").getByText("no connection").waitFor()
    comeBack()
    await world.text("The lines stop where this page was not connected")
    await world.page.getByRole("img", { name: /^Messages: in 50/ }).waitFor()
    await chartShows(world, { stretches: 2, beginsBy: 0.5 })
    await world.picture("light-gap")
    await world.page.unroute("**/api/v1/events")
    await world.page.getByRole("status").getByText("live").waitFor()
  })

  it("a broker that is away is told on the page, and found again by itself", async () => {
    await world.page.route("**/api/v1/**", (route) => route.abort())
    await world.goto("/clients")
    await world.page.getByRole("alert").getByText("The broker does not answer.").waitFor()
    await world.picture("light-away")
    await world.page.unroute("**/api/v1/**")
    await world.page.getByRole("status").getByText("live").waitFor()
    await world.page.locator(".banner").waitFor({ state: "detached" })
    await world.text("Nobody is here yet")
    await world.picture("light-nobody")
  })

  it("a session that has ended: why, the ways in, and back to the same page", async () => {
    await world.page.route("**/api/v1/**", (route) => route.fulfill({ status: 401, json: { errors: [] } }))
    await world.goto("/topics")
    await world.page.getByRole("alert").getByText("The session has ended").waitFor()
    await world.page.getByText("promptmq token add").waitFor()
    await world.picture("light-door")
    await world.page.unroute("**/api/v1/**")
    await world.page.getByLabel("Token").fill(world.token)
    await world.page.getByRole("button", { name: "Log in" }).click()
    await world.heading("Topics")
    await world.page.getByRole("status").getByText("live").waitFor()
  })
})

const nameOf = (index: number): string => `client-${String(index).padStart(5, "0")}`

const clientRow = (clientIdentifier: string) => ({
  clientIdentifier,
  state: "connected",
  username: null,
  address: "127.0.0.1:1",
  listener: "tcp",
  protocol: "5.0",
  connectedAt: new Date(0).toISOString(),
  disconnectedAt: null,
  keepAliveSeconds: 60,
  sessionExpirySeconds: 0,
  subscriptions: 1,
  inFlight: 0,
  inFlightMax: 20,
  behindRecords: 0,
  unsentBytes: 0,
  receivedBytes: 0,
  sentBytes: 0,
  drops: 0
})

interface Picture {
  /** Stretches from left to right that have anything that is not grey. */
  readonly stretches: number
  /** The first of them begins in this part of the width or before. */
  readonly beginsBy: number
}

/** Waits until the first chart looks like this, for as long as one waits for anything. */
const chartShows = async (world: Dashboard, picture: Picture): Promise<void> => {
  await world.page.waitForFunction(({ beginsBy, stretches }) => {
    // biome-ignore lint/suspicious/noExplicitAny: this runs in the page, whose types are not those of this program
    const canvas = (globalThis as any).document.querySelector(".chart canvas")
    if (canvas === null) return false
    const { width, height } = canvas
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height)
    const starts: Array<number> = []
    let wasColoured = false
    for (let x = 0; x < width; x++) {
      let isColoured = false
      for (let y = 0; y < height && !isColoured; y++) {
        const at = 4 * (y * width + x)
        const [red, green, blue, alpha] = data.slice(at, at + 4)
        isColoured = alpha > 200 && Math.max(red, green, blue) - Math.min(red, green, blue) > 60
      }
      if (isColoured && !wasColoured) starts.push(x)
      wasColoured = isColoured
    }
    return starts.length === stretches && (starts[0] ?? width) <= width * beginsBy
  }, picture)
}
