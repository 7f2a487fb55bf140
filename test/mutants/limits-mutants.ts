/**
 * Mutants of limits and fairness: what one stranger, one address, one client or one user may take.
 */
import type { Mutant } from "./mutant.ts"

const row = (
  statement: string,
  file: string,
  find: string,
  replace: string,
  ...tests: ReadonlyArray<string>
): Mutant => ({
  file,
  find,
  replace,
  statement,
  tests
})

export const limitsMutants: ReadonlyArray<Mutant> = [
  row(
    "LIM-1",
    "src/listener/accept-limits.ts",
    "if (bucket.tokens < 1) return",
    "if (bucket.tokens < -1e9) return",
    "test/listener/accept-limits.test.ts"
  ),
  row(
    "LIM-1",
    "src/listener/accept-limits.ts",
    "if (policy.perAddressMax > 0 && bucket.open >= policy.perAddressMax)",
    "if (policy.perAddressMax > 0 && bucket.open > policy.perAddressMax)",
    "test/listener/door.test.ts"
  ),
  row(
    "LIM-2",
    "src/listener/held-bytes.ts",
    "if (this.bytes + bytes > this.#bytesMax())",
    "if (bytes > this.#bytesMax())",
    "test/behaviour/limits-hostile.test.ts"
  ),
  row(
    "LIM-2",
    "src/listener/connection.ts",
    "  #forgetPending(): void {\n    this.#budget?.give(this.#pending.length)",
    "  #forgetPending(): void {",
    "test/behaviour/limits-hostile.test.ts"
  ),
  // Lent memory: kept by an outbox, lent without saying so, given back while somebody is shown it.
  row(
    "LENT-1",
    "src/listener/outbox.ts",
    "if (source === lent.buffer) this.#appendLent(source, start, end)",
    "if (source === undefined) this.#appendLent(source, start, end)",
    "test/listener/outbox.test.ts"
  ),
  // Bytes that node still has are overtaken; a descriptor is used that may be another file's.
  row(
    "NOW-1",
    "src/listener/write-now.ts",
    "if (descriptor === NO_DESCRIPTOR || socket.writableLength > 0) return 0",
    "if (descriptor === NO_DESCRIPTOR) return 0",
    "test/listener/tcp.test.ts"
  ),
  row(
    "NOW-1",
    "src/listener/write-now.ts",
    "if (socket.destroyed || socket.writableEnded) return 0",
    "if (socket.destroyed) return 0",
    "test/listener/tcp.test.ts"
  ),
  row(
    "NOW-1",
    "src/listener/write-now.ts",
    "if (socket.destroyed || socket.writableEnded) return 0",
    "if (socket.writableEnded) return 0",
    "test/listener/tcp.test.ts"
  ),
  row(
    "LENT-1",
    "src/listener/connection.ts",
    "lent.begin(this.#isLending && isUsedAgain(buffer) ? buffer : undefined)",
    "lent.begin(undefined)",
    "test/listener/connection.test.ts"
  ),
  row(
    "LENT-2",
    "src/listener/connection.ts",
    "if (this.#isLending && !this.#feeding) givePacketMemory(this.#pending)",
    "if (this.#isLending) givePacketMemory(this.#pending)",
    "test/listener/connection.test.ts"
  ),
  row(
    "PROXY-1",
    "src/listener/door.ts",
    "if (isTrusted) this.#readHeader(socket, hand)",
    "if (isProxied) this.#readHeader(socket, hand)",
    "test/listener/door.test.ts"
  ),
  row(
    "PROXY-2",
    "src/listener/door.ts",
    "if (rest.length > 0) socket.unshift(rest)",
    "if (rest.length > 64_000) socket.unshift(rest)",
    "test/listener/door.test.ts"
  ),
  row(
    "PROXY-3",
    "src/listener/proxy-header.ts",
    "value.readUInt32BE(1) === 0",
    "value.readUInt32BE(1) >= 0",
    "test/listener/proxy-header.test.ts"
  ),
  row(
    "PROXY-4",
    "src/listener/forwarded-for.ts",
    "if (!trusted.has(nearest)) return nearest",
    'if (nearest === "") return nearest',
    "test/listener/accept-limits.test.ts"
  ),
  row(
    "LIM-3",
    "src/broker/receive.ts",
    "if (outcome !== ASK) client.publishing?.take(frames, view.frameEndRead - at)",
    "",
    "test/broker/rates.test.ts"
  ),
  row("LIM-4", "src/broker/emit.ts", "client.delivering?.take(1, 0)", "", "test/broker/rates.test.ts"),
  row(
    "LIM-5",
    "src/broker/queue-caps.ts",
    "subscription.pass(1)",
    "subscription.pass(0)",
    "test/broker/fairness.test.ts"
  ),
  row(
    "LIM-5",
    "src/broker/queue-caps.ts",
    "dropRecord(core, session, reason, core.log.topicAt(sequence), sequence)",
    "",
    "test/broker/fairness.test.ts"
  ),
  row(
    "LIM-6",
    "src/broker/users.ts",
    "return wanted <= max",
    "return wanted <= max + 1",
    "test/broker/fairness.test.ts"
  ),
  row(
    "LIM-7",
    "src/broker/memory-ceiling.ts",
    "core.shedsQos0 = level >= MemoryLevel.shed",
    "core.shedsQos0 = false",
    "test/broker/fairness.test.ts"
  ),
  row(
    "LIM-7",
    "src/broker/memory-ceiling.ts",
    "if (bytes <= most) continue",
    "if (bytes < most) continue",
    "test/broker/fairness.test.ts"
  ),
  row(
    "LIM-8",
    "src/access/bans.ts",
    "return untilMs === undefined || untilMs > nowMs ? held.ban : undefined",
    "return held.ban",
    "test/access/bans.test.ts"
  ),
  row(
    "LIM-8",
    "src/access/bans-file.ts",
    "return version === VERSION && Array.isArray(bans) && bans.every(isBan) ? bans : undefined",
    "return Array.isArray(bans) ? bans : undefined",
    "test/access/bans.test.ts"
  ),
  row(
    "HOLD-1",
    "src/broker/deliver.ts",
    "if (waiting === receivers && waitsFor",
    "if (waitsFor",
    "test/broker/wait-in-memory.test.ts"
  ),
  row(
    "HOLD-2",
    "src/broker/hold-back.ts",
    "if (held.looks < looksMax) continue",
    "if (held.looks > 0) continue",
    "test/broker/wait-in-memory.test.ts"
  ),
  row(
    "MQTT-4.6.0-6",
    "src/broker/deliver.ts",
    "if (session.waiting !== undefined && session.waiting.count > 0) return true",
    "",
    "test/broker/wait-in-memory.test.ts"
  ),
  row(
    "MQTT-3.3.2-5",
    "src/broker/wait-in-memory.ts",
    "if (expiresAtMs <= core.nowMs) {",
    "if (expiresAtMs < 0) {",
    "test/broker/wait-in-memory.test.ts"
  ),
  row(
    "MQTT-3.3.4-9",
    "src/broker/wait-in-memory.ts",
    "if (session.window.full) return false //",
    "//",
    "test/broker/wait-in-memory.test.ts"
  )
]
