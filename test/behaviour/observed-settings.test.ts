/**
 * Goal: every setting does something. (The original's flags were parsed and forgotten.)
 * Method: the tables in test/support/settings-seen.ts: for each key one broker with that key set, and a look at
 * what clients, the file system or the admin API see of it. Keys whose room comes later stand in a list with the
 * reason; together the two lists are all the keys there are.
 */
import { assert, describe, it } from "@effect/vitest"
import { settingsLeaves } from "../../src/settings/leaves.ts"
import { seenByAcl } from "../support/settings-seen-acl.ts"
import { seenByAdmin } from "../support/settings-seen-admin.ts"
import { seenByAuth } from "../support/settings-seen-auth.ts"
import { seenLater } from "../support/settings-seen-later.ts"
import { seenByLimits } from "../support/settings-seen-limits.ts"
import { seenByMetrics } from "../support/settings-seen-metrics.ts"
import { seenByMqtt } from "../support/settings-seen-mqtt.ts"
import { seenByServer } from "../support/settings-seen-server.ts"
import { seenByStorage } from "../support/settings-seen-storage.ts"
import { seenByTracing } from "../support/settings-seen-tracing.ts"
import { startWhole } from "../support/whole-broker.ts"

const seen = {
  ...seenByAcl,
  ...seenByAdmin,
  ...seenByAuth,
  ...seenByMetrics,
  ...seenByMqtt,
  ...seenByLimits,
  ...seenByServer,
  ...seenByStorage,
  ...seenByTracing
}

describe("settings", () => {
  it("are all in one of the lists, and in one only", () => {
    const keys = settingsLeaves.map(({ key }) => key).sort()
    assert.deepEqual([...Object.keys(seen), ...Object.keys(seenLater)].sort(), keys)
  })

  for (const [key, row] of Object.entries(seen)) {
    it(`${key} is seen in the running broker`, async () => {
      await using broker = await startWhole(row.settings)
      await row.see(broker)
    })
  }
})
