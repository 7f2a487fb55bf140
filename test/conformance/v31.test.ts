/**
 * MQTT 3.1 on the wire: every rule of v31/ against our broker, side by side, over real sockets.
 */
import { afterAll, beforeAll, describe, it, vi } from "vitest"
import { startPromptmq } from "./support/promptmq.ts"
import { runRule } from "./support/rules.ts"
import type { Target } from "./support/target.ts"
import { rulesV31 } from "./v31/rules.ts"

/** Most rules wait for the other side, some for seconds; they do not disturb each other. */
vi.setConfig({ maxConcurrency: 32 })

describe.concurrent("MQTT 3.1", () => {
  let target: Target
  beforeAll(async () => {
    target = await startPromptmq()
  })
  afterAll(() => target.stop())

  for (const rule of rulesV31) it(rule.name, () => runRule(rule, target))
})
