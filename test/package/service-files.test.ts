/**
 * Goal: the service files of config/ (systemd, Docker, compose, Kubernetes) say only what is true of this broker: every
 * file they copy or mount exists, every command, flag, path, port and setting is one of ours, users are numeric and not
 * root.
 * Method: they are parsed and compared with the declarations. systemd-analyze judges the unit where it is installed; no
 * image is built here, as that needs an engine.
 */
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { parse, parseAllDocuments } from "yaml"
import { isProbe } from "../../src/admin/probes.ts"
import { commandRows, loadCommand } from "../../src/cli/commands.ts"
import { exitCodes } from "../../src/cli/exit-codes.ts"
import { checkText, type LoadedSettings } from "../../src/config/load.ts"
import { leafByKey, settingsLeaves } from "../../src/settings/leaves.ts"
import { defaultSettings, type Settings } from "../../src/settings/settings.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const config = join(root, "config")
const text = (path: string): string => readFileSync(join(config, path), "utf8")

const settingsOf = (yaml: string): Promise<LoadedSettings> =>
  Effect.runPromise(checkText(yaml, "broker.yaml", { environment: {}, workingDirectory: "/", homeDirectory: "/" }))

const portsOf = ({ admin, server }: Settings): ReadonlyArray<number> =>
  [...server.bind, ...server.tlsBind, ...server.wsBind, ...server.wssBind, admin.bind].map(({ port }) => port)

/** ["server", "--first-user", "admin"]: a command that exists, and options of it. */
const isOurs = async (words: ReadonlyArray<string>): Promise<void> => {
  const row = commandRows.find(({ name }) => name === words[0])
  if (row === undefined) return assert.fail(`no command ${words[0]}`)
  const { options } = await loadCommand(row)
  for (const word of words.filter((each) => each.startsWith("--"))) assert.property(options, word.slice(2))
}

const isOurVariable = (name: string): boolean =>
  name === "PROMPTMQ_CONFIG" || settingsLeaves.some(({ env }) => env === name)

// biome-ignore lint/suspicious/noExplicitAny: documents of others, looked at by hand
type Document = any

describe("the Dockerfile", () => {
  const lines = text("docker/Dockerfile")
    .replaceAll("\\\n", " ")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
  const argumentsOf = (word: string): ReadonlyArray<string> =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1))

  it("copies what is there, or what the build makes", () => {
    const made = ["node_modules", "dist"]
    for (const line of argumentsOf("COPY").filter((each) => !each.startsWith("--from=") && each !== ". .")) {
      for (const path of line.split(" ").slice(0, -1)) assert.isTrue(existsSync(join(root, path)), path)
    }
    for (const [, path = ""] of argumentsOf("COPY")
      .join("\n")
      .matchAll(/\/build\/(\S+)/g)) {
      assert.isTrue(made.includes(path) || existsSync(join(root, path)), path)
    }
  })

  it("runs as a number that is not root, with a command, a health check and a stop signal of ours", async () => {
    const [user = ""] = argumentsOf("USER")
    assert.match(user, /^[1-9]\d*:[1-9]\d*$/)
    assert.deepEqual(argumentsOf("ENTRYPOINT"), ['["promptmq"]'])
    await isOurs(JSON.parse(argumentsOf("CMD")[0] ?? "[]"))
    const check = JSON.parse(/CMD (\[.*\])/.exec(argumentsOf("HEALTHCHECK")[0] ?? "")?.[1] ?? "[]") as Array<string>
    assert.strictEqual(check.shift(), "promptmq")
    await isOurs(check)
    assert.deepEqual(argumentsOf("STOPSIGNAL"), ["SIGTERM"])
    assert.notMatch(lines.join("\n"), /curl|wget|apt-get/)
    for (const [name] of argumentsOf("ENV")
      .join(" ")
      .matchAll(/PROMPTMQ_\w+/g))
      assert.isTrue(isOurVariable(name), name)
  })

  it("exposes the ports of the broker, and its configuration uses them", async () => {
    const exposed = (argumentsOf("EXPOSE")[0] ?? "").split(" ").map(Number).sort()
    assert.deepEqual(exposed, [...new Set(portsOf(defaultSettings))].sort())
    const { settings } = await settingsOf(text("docker/broker.yaml"))
    for (const port of portsOf(settings)) assert.include(exposed, port)
    for (const place of [...settings.server.bind, ...settings.server.wsBind, settings.admin.bind]) {
      assert.strictEqual(place.host, "0.0.0.0")
    }
    assert.strictEqual(settings.storage.dataDir, "/data")
    assert.deepEqual(argumentsOf("VOLUME"), ["/data"])
    assert.strictEqual(settings.auth.passwordFile, "/data/passwords")
    assert.isFalse(settings.auth.allowAnonymous)
  })

  it("is given neither secrets nor what the build makes anew", () => {
    const ignored = text("docker/Dockerfile.dockerignore").split("\n")
    for (const each of [".git", "**/node_modules", "dist"]) assert.include(ignored, each)
  })
})

describe("compose", () => {
  const document = parse(text("docker/compose.yaml")) as Document

  it("mounts files that exist, publishes on loopback only, and its broker is read-only", () => {
    for (const service of Object.values<Document>(document.services)) {
      for (const volume of service.volumes as ReadonlyArray<string>) {
        const [from = ""] = volume.split(":")
        if (from.startsWith(".")) assert.isTrue(existsSync(resolve(config, "docker", from)), from)
        else assert.property(document.volumes, from)
      }
      for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/)
    }
    const { broker } = document.services
    assert.isTrue(broker.read_only)
    for (const name of Object.keys(broker.environment)) assert.isTrue(isOurVariable(name), name)
    assert.isTrue(existsSync(resolve(config, "docker", broker.build.context, broker.build.dockerfile)))
    assert.isAbove(Number.parseInt(broker.stop_grace_period, 10) * 1000, defaultSettings.server.shutdownTimeoutMs)
  })

  it("lets Prometheus scrape the broker and Grafana ask Prometheus", () => {
    const { scrape_configs } = parse(text("docker/prometheus.yaml")) as Document
    const admin = defaultSettings.admin.bind.port
    assert.deepEqual(scrape_configs[0].static_configs[0].targets, [`broker:${admin}`])
    const { datasources } = parse(text("docker/grafana-datasource.yaml")) as Document
    const host = new URL(datasources[0].url).hostname
    assert.property(document.services, host)
    const { providers } = parse(text("docker/grafana-boards.yaml")) as Document
    const mounted = document.services.grafana.volumes.map((volume: string) => volume.split(":")[1])
    assert.isTrue(mounted.some((path: string) => path.startsWith(providers[0].options.path)))
  })
})

describe("Kubernetes", () => {
  const documents = parseAllDocuments(text("kubernetes/promptmq.yaml")).map((each) => each.toJS() as Document)
  const of = (kind: string): Document => documents.find((each) => each.kind === kind) ?? assert.fail(kind)

  it("has a configuration that is valid, and ports, probes and folders that agree with it", async () => {
    const { settings } = await settingsOf(of("ConfigMap").data["broker.yaml"])
    const pod = of("StatefulSet").spec.template.spec
    const [container] = pod.containers
    await isOurs(container.args)
    const ports = new Map<string, number>(container.ports.map((each: Document) => [each.name, each.containerPort]))
    const own = [...settings.server.bind, ...settings.server.wsBind, settings.admin.bind].map(({ port }) => port)
    assert.deepEqual([...ports.values()].sort(), own.sort())
    for (const service of documents.filter(({ kind }) => kind === "Service")) {
      for (const { port, targetPort } of service.spec.ports) assert.strictEqual(ports.get(targetPort), port)
    }
    for (const probe of [container.startupProbe, container.readinessProbe, container.livenessProbe]) {
      assert.isTrue(isProbe(probe.httpGet.path), probe.httpGet.path)
      assert.strictEqual(probe.httpGet.port, "admin")
    }
    const mounts = new Map<string, string>(container.volumeMounts.map((each: Document) => [each.name, each.mountPath]))
    assert.strictEqual(mounts.get("data"), settings.storage.dataDir)
    assert.isTrue(settings.auth.passwordFile.startsWith(`${mounts.get("users")}/`))
    assert.isFalse(pod.enableServiceLinks)
    assert.isTrue(pod.securityContext.runAsNonRoot)
    assert.isTrue(container.securityContext.readOnlyRootFilesystem)
    assert.isAbove(pod.terminationGracePeriodSeconds * 1000, settings.server.shutdownTimeoutMs + 3000)
    const monitor = parse(text("kubernetes/service-monitor.yaml")) as Document
    assert.strictEqual(monitor.spec.endpoints[0].path, settings.metrics.path)
  })
})

describe("the systemd unit", () => {
  const unit = text("systemd/promptmq.service")
  const valuesOf = (key: string): ReadonlyArray<string> =>
    [...unit.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value = ""]) => value)

  it("starts a command of ours, is told by systemd-notify, and is hardened", async () => {
    const [start = ""] = valuesOf("ExecStart")
    await isOurs(start.split(" ").slice(1))
    for (const [key, value] of [
      ["Type", "notify"],
      ["NotifyAccess", "all"],
      ["DynamicUser", "yes"],
      ["StateDirectory", "promptmq"],
      ["WorkingDirectory", "%S/promptmq"],
      ["ProtectSystem", "strict"],
      ["NoNewPrivileges", "yes"],
      ["LimitNOFILE", "1048576"]
    ] as const) {
      assert.deepEqual(valuesOf(key), [value], key)
    }
    for (const [name = ""] of valuesOf("Environment").map((each) => each.split("="))) {
      assert.isTrue(name === "XDG_STATE_HOME" || isOurVariable(name), name)
    }
    const never = (valuesOf("RestartPreventExitStatus")[0] ?? "").split(" ").map(Number)
    assert.deepEqual(never, [exitCodes.wrongUsage, exitCodes.configInvalid, exitCodes.dataDamaged])
    assert.isAbove(
      Number.parseInt(valuesOf("TimeoutStopSec")[0] ?? "", 10) * 1000,
      defaultSettings.server.shutdownTimeoutMs
    )
  })

  // Skipped without systemd-analyze, because only systemd knows all of its own words.
  it.skipIf(spawnSync("systemd-analyze", ["--version"]).error !== undefined)("is accepted by systemd-analyze", () => {
    const folder = mkdtempSync(join(tmpdir(), "promptmq-unit-"))
    try {
      const path = join(folder, "promptmq.service")
      // The program is not installed here, and verify looks for it.
      writeFileSync(path, unit.replace("ExecStart=promptmq", `ExecStart=${process.execPath}`))
      const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", path], { encoding: "utf8" })
      assert.strictEqual(stderr, "")
      assert.strictEqual(status, 0)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe("all of them", () => {
  it("name settings that exist", () => {
    const files = ["docker", "systemd", "kubernetes"].flatMap((folder) =>
      readdirSync(join(config, folder)).map((name) => `${folder}/${name}`)
    )
    const keys = files.flatMap(
      (file) => text(file).match(/\b(?:server|storage|auth|admin|log|mqtt|limits)\.[a-z-]+\b/g) ?? []
    )
    const isFile = (key: string): boolean => key.startsWith("admin.json")
    assert.deepEqual(
      keys.filter((key) => !leafByKey.has(key) && !isFile(key)),
      []
    )
  })
})
