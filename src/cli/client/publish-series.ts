/**
 * Sends what a plan says through a Publisher: one message, a series, or the lines of standard input; ends
 * early when the connection does. Rate and latency of a series go to stderr, progress only to a terminal.
 */
import type { IClientPublishOptions } from "mqtt"
import { UsageFault } from "../grammar/option.ts"
import { say, type World } from "../world.ts"
import type { EndingWatch } from "./ending.ts"
import { lines, type PayloadSource, wholeInput } from "./payload-source.ts"
import type { Publisher } from "./publisher.ts"
import { payloadTemplate, topicTemplate } from "./template.ts"

export interface PublishPlan {
  readonly source: PayloadSource
  readonly topic: string
  readonly times: number
  /** `{{n}}` and `{{time}}` are filled in. */
  readonly isTemplate: boolean
  readonly isSummaryWanted: boolean
  readonly delayMs: number
  readonly windowMax: number
  readonly options: IClientPublishOptions
}

/** Sends until all is answered or `watch` has an ending. */
export async function sendAll(
  publisher: Publisher,
  plan: PublishPlan,
  world: World,
  watch: EndingWatch
): Promise<UsageFault | undefined> {
  const { source } = plan
  if (source.kind === "lines") return sendLines(publisher, plan, world, watch)
  const payload = source.kind === "one" ? source.payload : await watch.orEnd(wholeInput(world.stdin))
  if (payload === undefined || payload instanceof UsageFault) return payload
  await sendSeries(publisher, plan, payload, world, watch)
  return undefined
}

async function sendSeries(
  publisher: Publisher,
  plan: PublishPlan,
  payload: Buffer,
  world: World,
  watch: EndingWatch
): Promise<void> {
  const payloadOf = plan.isTemplate ? payloadTemplate(payload) : () => payload
  const topicOf = plan.isTemplate ? topicTemplate(plan.topic) : () => plan.topic
  const startedMs = world.monotonicMs()
  const progress = new Progress(world, plan)
  for (let count = 1; count <= plan.times && watch.ending === undefined; count++) {
    const moment = { count, wallClockMs: world.wallClockMs() }
    publisher.offer(topicOf(moment), payloadOf(moment), plan.options)
    progress.show(count)
    await watch.orEnd(publisher.room())
    if (plan.delayMs > 0 && count < plan.times) await watch.orEnd(delay(plan.delayMs))
  }
  await watch.orEnd(publisher.idle())
  progress.clear()
  if (watch.ending === undefined && plan.isSummaryWanted) {
    say(world, summary(publisher, plan, world.monotonicMs() - startedMs))
  }
}

async function sendLines(
  publisher: Publisher,
  plan: PublishPlan,
  world: World,
  watch: EndingWatch
): Promise<UsageFault | undefined> {
  const iterator = lines(world.stdin)
  for (;;) {
    const next = await watch.orEnd(iterator.next())
    if (next === undefined || next.done === true) break
    if (next.value instanceof UsageFault) return next.value
    publisher.offer(plan.topic, next.value, plan.options)
    await watch.orEnd(publisher.room())
  }
  await watch.orEnd(publisher.idle())
  return undefined
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

function summary(publisher: Publisher, plan: PublishPlan, elapsedMs: number): string {
  const { latencyUs } = publisher
  const rate = Math.round(plan.times / Math.max(elapsedMs / 1000, 0.001))
  const head = `${plan.times} messages in ${(elapsedMs / 1000).toFixed(2)} s, ${rate} per second`
  if (plan.options.qos === 0) return `${head}; QoS 0 is not acknowledged, -q 1 tells how long that takes`
  const [half, most, all] = [latencyUs.quantile(0.5), latencyUs.quantile(0.99), latencyUs.max].map(milliseconds)
  return `${head}; acknowledged within ${half} (half of them), ${most} (99 %), ${all} (all)`
}

function milliseconds(us: number): string {
  return `${(us / 1000).toFixed(1)} ms`
}

const progressEveryMs = 200

/** A counter on one line of the terminal; silent anywhere else. */
class Progress {
  readonly #world: World
  readonly #times: number
  readonly #isShown: boolean
  #shownMs: number

  constructor(world: World, plan: PublishPlan) {
    this.#world = world
    this.#times = plan.times
    this.#isShown = plan.isSummaryWanted && world.stderr.isTerminal
    this.#shownMs = world.monotonicMs()
  }

  show(count: number): void {
    if (!this.#isShown || this.#world.monotonicMs() - this.#shownMs < progressEveryMs) return
    this.#shownMs = this.#world.monotonicMs()
    this.#world.stderr.write(`\r${count} of ${this.#times}`)
  }

  clear(): void {
    if (this.#isShown) this.#world.stderr.write("\r\x1b[K")
  }
}
