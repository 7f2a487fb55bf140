/**
 * The programs that tests and benches start and npm cannot bring: looked for, installed where we may, named where not.
 *
 * As root on Debian or Ubuntu what is missing comes by apt-get. Elsewhere the run ends here with the list, because a
 * suite that quietly leaves half of itself out proves nothing. `nix-instantiate` only parses flake.nix and may be
 * absent: its test then says that it was skipped. A bench goes on without the peer that is missing, and says so.
 */
import { spawnSync } from "node:child_process"
import { accessSync, constants } from "node:fs"
import { delimiter, join } from "node:path"

const testTools = [
  { program: "mosquitto", debian: "mosquitto", needed: true },
  { program: "mosquitto_pub", debian: "mosquitto-clients", needed: true },
  { program: "mosquitto_sub", debian: "mosquitto-clients", needed: true },
  { program: "slapd", debian: "slapd", needed: true },
  { program: "prometheus", debian: "prometheus", needed: true },
  { program: "promtool", debian: "prometheus", needed: true },
  { program: "socat", debian: "socat", needed: false },
  { program: "chromium", debian: "chromium", needed: false },
  { program: "nix-instantiate", debian: "nix-bin", needed: false }
]

/** Beside whom `npm run bench` measures, and what makes its certificates. */
const benchTools = [
  { program: "mosquitto", debian: "mosquitto", needed: false },
  { program: "nats-server", debian: "nats-server", needed: false },
  { program: "openssl", debian: "openssl", needed: false }
]

export function provideTools(purpose = "tests") {
  const tools = purpose === "bench" ? benchTools : testTools
  const isMissing = ({ program }) => !isOnPath(program)
  const missing = tools.filter(isMissing)
  if (missing.length > 0 && isOnPath("apt-get") && process.getuid?.() === 0) {
    install([...new Set(missing.map((tool) => tool.debian))])
  }
  const stillMissing = tools.filter(isMissing)
  for (const { program, debian, needed } of stillMissing) {
    const without = purpose === "bench" ? "its figures are left out" : "its test is skipped"
    const rest = needed ? "the tests need it" : without
    process.stderr.write(`promptmq: ${program} is missing (Debian package ${debian}): ${rest}\n`)
  }
  if (stillMissing.some((tool) => tool.needed)) process.exit(1)
}

/** Debian keeps daemons in /usr/sbin, which is not on every user's path. */
function isOnPath(program) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"]
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function install(packages) {
  process.stderr.write(`promptmq: installing ${packages.join(" ")} (apt-get)\n`)
  // RUNLEVEL: packages of services do not start them, they would take the ports of tests.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" }
  const apt = (...args) => spawnSync("apt-get", args, { env, stdio: ["ignore", 2, 2] }).status === 0
  const add = () => apt("install", "-y", "-q", "--no-install-recommends", ...packages)
  if (!apt("update", "-q")) process.stderr.write("promptmq: apt-get update failed, trying with the lists there are\n")
  if (!add()) process.stderr.write("promptmq: apt-get install failed\n")
}
