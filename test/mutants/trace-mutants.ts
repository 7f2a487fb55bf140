/**
 * Mutants of "where did my message go": traces, passports, histories of clients, spans.
 */
import type { Mutant } from "./mutant.ts"

const row = (statement: string, file: string, find: string, replace: string, test: string): Mutant => ({
  file,
  find,
  replace,
  statement,
  tests: [test]
})
const traces = "test/broker/traces.test.ts"
const passports = "test/broker/passport.test.ts"
const histories = "test/broker/client-events.test.ts"
const looks = "test/broker/topic-looks.test.ts"
const receipts = "test/broker/receipts.test.ts"
const spans = "test/telemetry/otel-spans.test.ts"

export const traceMutants: ReadonlyArray<Mutant> = [
  row("TRC-1", "src/broker/traces.ts", "this.#steps.length >= this.#stepsMax || ", "", traces),
  row("TRC-1", "src/broker/traces.ts", " || this.#bytes + bytes > this.#limits.bytesMax", "", traces),
  row("TRC-1", "src/broker/traces.ts", "return this.#traces.size < tracesMax\n", "return true\n", traces),
  row(
    "TRC-2",
    "src/broker/message-watch.ts",
    "if (message.span !== undefined) this.#spans?.take(whole)",
    "this.#core.round += 1\n    this.#core.log.together(9)\n    this.#core.delivered += 1",
    traces
  ),
  row("TRC-3", "src/broker/message-watch.ts", "    this.#core.watch = undefined // [TRC-3]\n", "", traces),
  row("TRC-4", "src/broker/message-watch.ts", "    message.number = this.#sequence // [TRC-4]\n", "", traces),
  row(
    "TRC-4",
    "src/broker/message-watch.ts",
    "const at = waiting.pushed - session.waiting.count",
    "const at = waiting.pushed - session.waiting.count + 1",
    traces
  ),
  row("LOOK-1", "src/broker/topic-looks.ts", "watch.looks = undefined // [LOOK-1]", "{}", looks),
  row(
    "LOOK-2",
    "src/broker/topic-looks.ts",
    "    if (this.#byTopic.size >= TOPICS_MAX) return undefined // [LOOK-2]\n",
    "",
    looks
  ),
  row(
    "LOOK-3",
    "src/broker/topic-looks.ts",
    "frames === 1 ? view.frameStart : this.#lastStart(view)",
    "view.frameStart",
    looks
  ),
  row("RCP-1", "src/broker/receipts.ts", "ticket <= log.durable ? ", "ticket > 0 ? ", receipts),
  row(
    "RCP-2",
    "src/broker/receipts.ts",
    "  if (size > client.maximumPacketSizeBytes) return false",
    "  if (size < 0) return false",
    receipts
  ),
  row("PSP-1", "src/broker/passport.ts", "if (isCertain(row)) return", "if (row.count > 0) return", passports),
  row(
    "PSP-1",
    "src/broker/passport.ts",
    "this.#message.sequence < this.#core.bornAt ? beforeStart",
    "this.#message.sequence < 0 ? beforeStart",
    passports
  ),
  row(
    "PSP-2",
    "src/broker/passport.ts",
    "if (sequence >= cursor && !wasHanded) return",
    "if (sequence > cursor && !wasHanded) return",
    passports
  ),
  row(
    "EVT-1",
    "src/broker/client-events.ts",
    "this.#known.shrink(max - strangersMax)",
    "this.#known.shrink(max)",
    histories
  ),
  row(
    "EVT-1",
    "src/broker/client-events.ts",
    "else if (events.length > EVENTS_PER_CLIENT)",
    "else if (events.length > 99)",
    histories
  ),
  row(
    "EVT-2",
    "src/broker/client-events.ts",
    'what === "refused" && !this.#known.has(clientIdentifier)',
    'what === "refused" && atMs < 0',
    histories
  ),
  row(
    "EVT-2",
    "src/broker/client-events.ts",
    "if (refusals.length > REFUSALS_PER_CLIENT)",
    "if (refusals.length > 99)",
    histories
  ),
  row("SPN-1", "src/broker/spans.ts", "isSampled && isChosen(traceId, ratio)", "isChosen(traceId, ratio)", spans),
  row("SPN-1", "src/broker/spans.ts", "isSampled && isChosen(traceId, ratio)", "isSampled", spans),
  row("SPN-2", "src/broker/spans.ts", "if (found !== undefined) return undefined // [SPN-2]", "", spans),
  row("SPN-2", "src/broker/spans.ts", "|| (name === TRACESTATE && !isContinued)", "", spans),
  row("OTL-1", "src/telemetry/span-export.ts", "    if (this.#isAway) return // [OTL-1]\n", "", spans),
  row("OTL-2", "src/telemetry/span-export.ts", "const SHUTDOWN_MS = 3000", "const SHUTDOWN_MS = 0", spans)
]
