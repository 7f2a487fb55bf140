/**
 * The page of the admin listener in a real browser: the built command as a process, and headless Chromium before it.
 *
 *   await using world = await openDashboard()
 *   await world.goto("/clients")                       logged in already
 *   const client = await world.join("c1")              a client at the same broker
 *   await world.ask("GET /clients")                    the same by the API
 *
 * Waiting is done by locators and bounded. What a page writes to its console as an error, what it is answered with a
 * status of 400 or more, and what it throws, stands in `faults`. With DASHBOARD_SCREENSHOTS=folder pictures are kept.
 */
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { assert } from "@effect/vitest"
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from "playwright-core"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import { type Child, startProcess } from "./child.ts"
import { type ConnectFields, RawClient } from "./raw-client.ts"
import { tcpWire } from "./wire.ts"

const WAIT_MS = 10_000

const programs = ["chromium", "chromium-browser", "google-chrome"]
const folders = (process.env["PATH"] ?? "").split(delimiter)

/** Where Chromium is; undefined: tests in a browser are skipped. */
export const browserPath = folders
  .flatMap((folder) => programs.map((program) => join(folder, program)))
  .find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })

export interface Told {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: whatever the API says is looked at by the assertions
  readonly body: any
}

/** `page` shows the overview; with `isLoggedIn: false` it shows nothing yet, and the link was not used. */
export const openDashboard = async (
  input: SettingsInput = {},
  { isLoggedIn = true }: { readonly isLoggedIn?: boolean } = {}
): Promise<Dashboard> => {
  const folder = mkdtempSync(join(tmpdir(), "promptmq-dashboard-"))
  const configFile = join(folder, "promptmq.json")
  const settings = {
    ...input,
    server: { bind: ["127.0.0.1:0"], "ws-bind": [], ...input.server },
    admin: { bind: "127.0.0.1:0", ...input.admin },
    storage: { "data-dir": join(folder, "data"), ...input.storage }
  }
  writeFileSync(configFile, JSON.stringify(settings))
  // The browser first: when it does not start, no broker is left behind.
  const browser = await chromium.launch({ executablePath: browserPath ?? "", args: ["--no-sandbox"] })
  const { child, port } = await startProcess([`--config=${configFile}`])
  const link = /http:\S+/.exec(await child.line(/#login=/))?.[0] ?? ""
  const world = new Dashboard({ browser, child, configFile, folder, link, port, settings })
  await world.openPage()
  if (isLoggedIn) {
    await world.page.goto(link)
    await world.heading("Overview")
  }
  return world
}

interface Parts {
  readonly browser: Browser
  readonly child: Child
  readonly configFile: string
  readonly folder: string
  readonly link: string
  readonly port: number
  readonly settings: SettingsInput
}

export class Dashboard implements AsyncDisposable {
  readonly faults: Array<string> = []
  readonly link: string
  readonly origin: string
  readonly token: string
  readonly #parts: Parts
  #page: Page | undefined

  constructor(parts: Parts) {
    this.#parts = parts
    this.link = parts.link
    this.origin = new URL(parts.link).origin
    this.token = readFileSync(join(parts.folder, "data", "admin-token"), "utf8").trim()
  }

  get page(): Page {
    return this.#page as Page
  }

  /** From now on `page` is a page of a browser that knows nothing of the one before. */
  async openPage(options: BrowserContextOptions = {}): Promise<Page> {
    // Without motion: a colour half-way between two has no contrast of its own.
    const context = await this.#parts.browser.newContext({
      viewport: { width: 1280, height: 860 },
      reducedMotion: "reduce",
      ...options
    })
    context.setDefaultTimeout(WAIT_MS)
    const page = await context.newPage()
    page.on("pageerror", (error) => this.faults.push(`thrown: ${error}`))
    page.on("console", (message) => {
      if (message.type() === "error") this.faults.push(`console: ${message.text()}`)
    })
    page.on("response", (response) => {
      if (response.status() >= 400) this.faults.push(`${response.status()} ${response.url()}`)
    })
    await this.#page?.context().close()
    this.#page = page
    return page
  }

  async goto(path: string): Promise<void> {
    await this.page.goto(`${this.origin}${path}`)
  }

  heading(name: string): Promise<void> {
    return this.page.getByRole("heading", { name, level: 1, exact: true }).waitFor()
  }

  text(text: string | RegExp): Promise<void> {
    return this.page.getByRole("main").getByText(text).first().waitFor()
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole("main").getByRole("button", { name, exact: true })
  }

  field(name: string): Locator {
    return this.page.getByRole("main").getByLabel(name, { exact: true })
  }

  choice(name: string): Locator {
    return this.page.getByRole("main").getByRole("combobox", { name })
  }

  /** Answers the question that the page asks; `typed` where something has to be typed first. */
  async confirm(action: string, typed?: string): Promise<void> {
    const dialog = this.page.getByRole("dialog")
    const button = dialog.getByRole("button", { name: action, exact: true })
    if (typed !== undefined) {
      assert.isTrue(await button.isDisabled(), `"${action}" waits for the name`)
      await dialog.getByRole("textbox").fill(typed)
    }
    await button.click()
    await dialog.waitFor({ state: "detached" })
  }

  /** What the page tells of what was done; taken away, so that it is not seen twice. */
  async notice(text: string | RegExp): Promise<string> {
    const notice = this.page.locator(".notice").filter({ hasText: text }).first()
    await notice.waitFor()
    const said = (await notice.locator(":scope > span").textContent()) ?? ""
    await notice.getByRole("button", { name: "Close" }).click()
    return said
  }

  async picture(name: string): Promise<void> {
    const folder = process.env["DASHBOARD_SCREENSHOTS"]
    if (folder !== undefined) await this.page.screenshot({ path: join(folder, `${name}.png`) })
  }

  async join(clientId: string, fields: ConnectFields = {}): Promise<RawClient> {
    const { client, reasonCode } = await this.tryToJoin(clientId, fields)
    assert.strictEqual(reasonCode, 0, `CONNECT of ${clientId}`)
    return client
  }

  async tryToJoin(clientId: string, fields: ConnectFields = {}) {
    const client = RawClient.over(await tcpWire(this.#parts.port), 5)
    const { reasonCode, sessionPresent } = await client.connect(clientId, fields)
    return { client, reasonCode, sessionPresent }
  }

  async ask(request: string, body?: unknown): Promise<Told> {
    const [method = "GET", path = ""] = request.split(" ")
    const response = await fetch(`${this.origin}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    return { status: response.status, body: await response.json() }
  }

  /** The file of settings as the next reload will find it. */
  writeSettings(change: SettingsInput): void {
    writeFileSync(this.#parts.configFile, JSON.stringify({ ...this.#parts.settings, ...change }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.browser.close()
    this.#parts.child.kill("SIGTERM")
    await this.#parts.child.ended()
    rmSync(this.#parts.folder, { recursive: true, force: true })
  }
}
