/**
 * Goal: the board and the alerts that are shipped work with a real Prometheus: it reads the page in the format that it
 * asks for, answers every expression, and every panel has data.
 * Method: prometheus and promtool (apt), scraping the whole broker once a second while clients work; each expression of
 * config/grafana/broker.json and config/prometheus/alerts.yaml is asked by the query API until it has an answer.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { parse } from "yaml"
import { legacyNames } from "../../src/metrics/legacy-names.ts"
import { eventually } from "../support/eventually.ts"
import { timePasses } from "../support/time.ts"
import { startWhole, type WholeBroker } from "../support/whole-broker.ts"

const config = fileURLToPath(new URL("../../config/", import.meta.url))
const root = mkdtempSync(join(tmpdir(), "promptmq-prometheus-"))
const WINDOW = "10s"

interface Board {
  readonly templating: { readonly list: ReadonlyArray<{ readonly type: string; readonly definition?: string }> }
  readonly panels: ReadonlyArray<{
    readonly type: string
    readonly title: string
    readonly targets?: ReadonlyArray<{ readonly expr: string }>
  }>
}
interface Rules {
  readonly groups: ReadonlyArray<{ readonly rules: ReadonlyArray<{ readonly alert: string; readonly expr: string }> }>
}

const board: Board = JSON.parse(readFileSync(join(config, "grafana/broker.json"), "utf8"))
const rules: Rules = parse(readFileSync(join(config, "prometheus/alerts.yaml"), "utf8"))
const panels = board.panels.filter(({ type }) => type !== "row")

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(address !== null && typeof address === "object" ? address.port : 0))
    })
  })

/** Some of everything that has a panel: traffic at each QoS, retained, drops, somebody who stays away. */
const work = async (broker: WholeBroker, isOver: () => boolean): Promise<void> => {
  const forever = { clean: false, properties: { sessionExpiryInterval: 3600 } }
  const reader = await broker.join("reader", forever)
  await reader.subscribe("a/#", 2)
  const absent = await broker.join("absent", forever)
  await absent.subscribe("a/1", 1)
  await absent.leave()
  const writer = await broker.join("writer")
  for (let i = 0; !isOver(); i++) {
    for (const qos of [0, 1, 2] as const) await writer.publish(`a/${qos}`, "x".repeat(50 + (i % 200)), { qos })
    await writer.publish("kept", String(i), { qos: 1, retain: true })
    await writer.publish("nobody", "x", { qos: 1 })
    await reader.payloads(3)
    const passing = await broker.join("passing", { username: "u" })
    await passing.leave()
    await timePasses(10)
  }
  await Promise.all([reader, writer].map((client) => client.vanish()))
}

describe("prometheus", () => {
  let broker: WholeBroker
  let child: ChildProcess
  let port = 0
  let isOver = false
  let working: Promise<void>

  beforeAll(async () => {
    broker = await startWhole({
      admin: { enabled: true, bind: "127.0.0.1:0", "token-file": join(root, "token") },
      storage: { engine: "wal", "data-dir": join(root, "data") }
    })
    port = await freePort()
    const scraped = {
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      rule_files: [join(config, "prometheus/alerts.yaml")],
      scrape_configs: [
        { job_name: "promptmq", static_configs: [{ targets: [`127.0.0.1:${broker.running.admin?.port}`] }] }
      ]
    }
    const file = join(root, "prometheus.yaml")
    writeFileSync(file, JSON.stringify(scraped))
    const words = [`--config.file=${file}`, `--storage.tsdb.path=${join(root, "tsdb")}`]
    child = spawn("prometheus", [...words, `--web.listen-address=127.0.0.1:${port}`], { stdio: "ignore" })
    working = work(broker, () => isOver)
  })

  afterAll(async () => {
    isOver = true
    await working
    child.kill()
    if (child.exitCode === null) await once(child, "exit")
    await broker.stop()
    rmSync(root, { recursive: true, force: true })
  })

  const api = async (
    path: string
  ): Promise<{ readonly status: string; readonly error?: string; readonly data: never }> => {
    const ready = await eventually(async () => {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`).catch(() => undefined)
      return response?.headers.get("content-type")?.includes("json") === true ? response : undefined
    }, 50)
    return (await ready.json()) as never
  }

  const query = async (expression: string): Promise<ReadonlyArray<{ readonly value: readonly [number, string] }>> => {
    const { data, error, status } = await api(`query?query=${encodeURIComponent(expression)}`)
    assert.strictEqual(status, "success", `${expression}: ${error}`)
    return (data as { readonly result: never }).result
  }

  const filled = (expression: string): string =>
    expression.replaceAll("$__rate_interval", WINDOW).replaceAll("$instance", ".+")

  it("promtool finds nothing wrong with the rules and the example", () => {
    for (const words of [
      ["check", "rules", join(config, "prometheus/alerts.yaml")],
      ["check", "config", join(config, "prometheus/prometheus.yaml")]
    ]) {
      const { status, stderr, stdout } = spawnSync("promtool", words, { encoding: "utf8" })
      assert.strictEqual(status, 0, stdout + stderr)
    }
  })

  it("promtool finds nothing wrong with the page but older names", async () => {
    const page = await (await fetch(`http://127.0.0.1:${broker.running.admin?.port}/metrics`)).text()
    const { stderr, stdout } = spawnSync("promtool", ["check", "metrics"], { encoding: "utf8", input: page })
    const complaints = `${stdout}${stderr}`.split("\n").filter((line) => line !== "")
    const isOld = (line: string): boolean => legacyNames.some((name) => line.startsWith(`${name} `))
    assert.deepEqual(
      complaints.filter((line) => !isOld(line)),
      []
    )
  })

  it("scrapes the broker in OpenMetrics, without a complaint", async () => {
    const [up] = await until(() => query("up"))
    assert.strictEqual(up?.value[1], "1")
    const { data } = await api("targets")
    const [target] = (data as { readonly activeTargets: ReadonlyArray<{ readonly lastError: string }> }).activeTargets
    assert.strictEqual(target?.lastError, "")
  })

  it("has data for every panel of the board", { timeout: 120_000 }, async () => {
    assert.isAtLeast(panels.length, 30)
    for (const { targets = [], title } of panels) {
      for (const { expr } of targets) {
        const result = await until(() => query(filled(expr)))
        assert.isAbove(result.length, 0, title)
        // A quantile of nothing is not a number: that would be an empty panel.
        if (expr.includes("histogram_quantile")) {
          await until(async () => (await query(filled(expr))).filter(({ value }) => value[1] !== "NaN"))
        }
      }
    }
  })

  it("finds the instances that the board's variable asks for", async () => {
    // The other one is hidden: which Prometheus is asked.
    const asked = board.templating.list.filter(({ type }) => type !== "datasource")
    assert.strictEqual(asked.length, 1)
    const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(asked[0]?.definition ?? "") ?? []
    const { data } = await api(`label/${label}/values?match[]=${metric}`)
    assert.deepEqual(data, [`127.0.0.1:${broker.running.admin?.port}`] as never)
  })

  it("answers every alert, names only families that there are, and none fires", async () => {
    const all = rules.groups.flatMap((group) => group.rules)
    assert.isAtLeast(all.length, 10)
    const page = await (await fetch(`http://127.0.0.1:${broker.running.admin?.port}/metrics`)).text()
    for (const { alert, expr } of all) {
      const firing = await query(expr)
      assert.deepEqual(firing, [], alert)
      for (const [name] of expr.matchAll(/\b(promptmq|nodejs|process)_[a-z_]+/g)) {
        // The one of TLS comes with a listener that has a certificate.
        if (name.startsWith("promptmq_tls_")) continue
        assert.include(page, name.replace(/_bucket$/, ""), alert)
      }
    }
    const { data } = await api("rules")
    const groups = (
      data as { readonly groups: ReadonlyArray<{ readonly rules: ReadonlyArray<{ lastError?: string }> }> }
    ).groups
    for (const { lastError } of groups.flatMap((group) => group.rules)) assert.isUndefined(lastError)
  })
})

/** Asks until there is something. */
const until = <A>(ask: () => Promise<ReadonlyArray<A>>): Promise<ReadonlyArray<A>> =>
  eventually(async () => {
    const found = await ask()
    return found.length > 0 ? found : undefined
  }, 200)
