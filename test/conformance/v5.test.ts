/**
 * MQTT 5.0 on the wire: every rule of v5/ against our broker, side by side, over real sockets.
 */
import { afterAll, beforeAll, describe, it, vi } from "vitest"
import { startPromptmq } from "./support/promptmq.ts"
import { runRule } from "./support/rules.ts"
import type { Target } from "./support/target.ts"
import { rulesV5 } from "./v5/all.ts"

/** Most rules wait for the other side, some for seconds; they do not disturb each other. */
vi.setConfig({ maxConcurrency: 32 })

describe.concurrent("MQTT 5.0", () => {
  let target: Target
  beforeAll(async () => {
    target = await startPromptmq()
  })
  afterAll(() => target.stop())

  for (const rule of rulesV5) it(rule.name, () => runRule(rule, target))
})
