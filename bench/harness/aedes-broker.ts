/**
 * aedes as a process of its own: `node aedes-broker.ts PORT`. Its defaults, in memory; TCP no-delay, as the others have it.
 */
import { readFileSync } from "node:fs"
import { createServer, type Socket } from "node:net"
import { join } from "node:path"
import { root } from "./folders.ts"

const [port = ""] = process.argv.slice(2)
if (port === "--version") {
  const { version } = JSON.parse(readFileSync(join(root, "node_modules", "aedes", "package.json"), "utf8"))
  process.stdout.write(`${version}\n`)
} else {
  const { Aedes } = await import("aedes")
  const broker = await Aedes.createBroker()
  const server = createServer({ noDelay: true }, (socket: Socket) => broker.handle(socket))
  server.listen(Number(port), "127.0.0.1", 4096)
  process.on("SIGTERM", () => process.exit(0))
}
