/**
 * The network the benches measure on: loopback with a congestion control that loses nothing to pacing.
 *
 * Linux sends with cubic unless somebody has chosen otherwise, often BBR, which paces every connection by the round trips
 * it has seen. To a broker that answers in turns a small sender's packets in flight are then few, the rest waits in the
 * sender until the broker has read: with 100 publishers in an open loop that is 20 to 70 ms for one message in a hundred,
 * in one run of two, whatever the broker. It would be measured and told as the broker's own.
 *
 * So a machine that paces gets a network namespace of the bench's own (root, `unshare` and `ip`) with reno in it: the one
 * algorithm any namespace may choose, and without loss the same as cubic. All brokers and generators are in it, and nothing
 * of the machine is changed. BENCH_NETWORK=machine measures on the machine's as it is. The line of the machine says which.
 */
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"

/** In the environment of a bench that runs in its own: what the machine's would have been. */
const outsideVariable = "BENCH_NETWORK_OUTSIDE"
const unpaced = ["cubic", "reno"]
const file = "/proc/sys/net/ipv4/tcp_congestion_control"

/** The command in a network of its own, where it needs and can have one; else as it came. */
export function inOwnNetwork(command: string, args: ReadonlyArray<string>): [string, Array<string>] {
  const control = congestionControl()
  const prepare = `export ${outsideVariable}=${control} && ip link set lo up && echo reno > ${file} && exec "$@"`
  const inside: [string, Array<string>] = ["unshare", ["--net", "sh", "-c", prepare, "sh"]]
  const isWanted = control !== undefined && !unpaced.includes(control) && process.env["BENCH_NETWORK"] !== "machine"
  if (!isWanted || spawnSync(inside[0], [...inside[1], "true"]).status !== 0) return [command, [...args]]
  return [inside[0], [...inside[1], command, ...args]]
}

/** "TCP reno, in a network of the bench's own (the machine's: bbr)" */
export function networkWords(): string {
  const control = congestionControl() ?? "unknown"
  const outside = process.env[outsideVariable]
  return outside === undefined
    ? `TCP ${control}`
    : `TCP ${control}, in a network of the bench's own (the machine's: ${outside})`
}

/** Of the namespace this process is in. */
function congestionControl(): string | undefined {
  try {
    return readFileSync(file, "utf8").trim()
  } catch {
    return undefined
  }
}
