/**
 * A scenario = a few tests that talk through the raw client, run in every environment (environments.ts).
 *
 *   scenario("No Local", ({ it, start }) => {
 *     it("keeps a client's own messages away from it", async () => {
 *       await using broker = await start()
 *       ...
 *
 * A test that needs what an environment cannot judge names it: `it("...", test, "reason-code")`.
 */
import { describe, it } from "@effect/vitest"
import { type CannotJudge, type Environment, environments } from "./environments.ts"

export interface Scene {
  readonly start: Environment["start"]
  readonly environment: Environment
  readonly it: (name: string, test: () => Promise<void>, ...needs: ReadonlyArray<CannotJudge>) => void
}

export const scenario = (name: string, play: (scene: Scene) => void): void => {
  describe(name, () => inEach(play))
}

/** For tests whose subject is time that passes: they all wait side by side. Each starts its own broker. */
export const timedScenario = (name: string, play: (scene: Scene) => void): void => {
  describe.concurrent(name, () => inEach(play))
}

const inEach = (play: (scene: Scene) => void): void => {
  for (const environment of environments) {
    describe(environment.name, () => {
      play({
        environment,
        start: environment.start,
        it: (name, test, ...needs) => {
          const lacking = needs.filter((need) => environment.cannot.includes(need))
          // Skipped because this environment cannot judge it; the reasons stand in src/codec/reference.ts.
          it.skipIf(lacking.length > 0)(name, test)
        }
      })
    })
  }
}
