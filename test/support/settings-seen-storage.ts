/**
 * What is seen of each setting of `storage` that is about the log on disk, and of `topics.policies`: files, what an
 * acknowledgement waited for, what a second start finds. One row per key, each with a data folder of its own.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import type { Seen } from "./settings-seen-mqtt.ts"
import { startWhole, type WholeBroker } from "./whole-broker.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-storage-"))
process.on("exit", () => rmSync(folder, { recursive: true, force: true }))

type Storage = NonNullable<SettingsInput["storage"]>

const onDisk = (name: string, storage: Storage = {}): SettingsInput => ({
  storage: { engine: "wal", "data-dir": join(folder, name), ...storage }
})

/** Acknowledged at QoS 1, and logged because it is retained. */
const published = async (broker: WholeBroker): Promise<void> => {
  const client = await broker.join("publisher")
  await client.publish("t", "x", { qos: 1, retain: true })
}

const isSafe = ({ core: { log } }: WholeBroker): boolean => log.durable >= log.ticket

/** What was acknowledged was on the disk by then, or was not. */
const atAcknowledgement = (name: string, wal: NonNullable<Storage["wal"]>, safe: boolean): Seen => ({
  settings: onDisk(name, { wal }),
  see: async (broker) => {
    await published(broker)
    assert.strictEqual(isSafe(broker), safe)
  }
})

const everHour = { "sync-mode": "periodic", "sync-interval": "1h" } as const

const safeSoon = async (broker: WholeBroker): Promise<void> => {
  const client = await broker.join("watcher")
  while (!isSafe(broker)) await client.quiet()
}

export const seenByStorage: Readonly<Record<string, Seen>> = {
  "storage.engine": {
    settings: onDisk("engine"),
    see: async (broker) => {
      await published(broker)
      await broker.stop()
      await using second = await startWhole(onDisk("engine"))
      assert.strictEqual(second.core.retained.count, 1)
    }
  },
  "storage.wal-dir": {
    settings: onDisk("wal-dir", { "wal-dir": join(folder, "elsewhere") }),
    see: async () => {
      assert.isTrue(readdirSync(join(folder, "elsewhere")).some((name) => name.endsWith(".wal")))
      assert.isFalse(readdirSync(join(folder, "wal-dir")).includes("log"))
    }
  },
  "storage.wal.sync-mode": atAcknowledgement("sync-mode", everHour, false),
  "storage.wal.sync-interval": {
    settings: onDisk("sync-interval", { wal: { "sync-mode": "periodic", "sync-interval": "20ms" } }),
    see: async (broker) => {
      await published(broker)
      await safeSoon(broker)
    }
  },
  "storage.wal.batch-sync-size": {
    settings: onDisk("batch", { wal: { "sync-mode": "batch", "batch-sync-size": 7 } }),
    see: async (broker) => {
      assert.include(broker.running.promise(), "batch of 7")
      await published(broker)
      assert.isTrue(isSafe(broker))
    }
  },
  "storage.wal.batch-sync-wait": {
    settings: onDisk("batch-wait", {
      wal: { "sync-mode": "batch", "batch-sync-wait": "30ms", acknowledge: "written" }
    }),
    see: async (broker) => {
      assert.include(broker.running.promise(), "the last 100 messages or 30ms")
      await published(broker)
      await safeSoon(broker)
    }
  },
  "storage.wal.acknowledge": atAcknowledgement(
    "acknowledge",
    { "sync-mode": "periodic", "sync-interval": "20ms", acknowledge: "durable" },
    true
  ),
  "storage.wal.force-fsync": atAcknowledgement("force", { ...everHour, "force-fsync": true }, true),
  "storage.wal.no-sync": atAcknowledgement("no-sync", { "no-sync": true }, false),
  "storage.wal.crash-recovery-validation": {
    settings: onDisk("validation", { wal: { "crash-recovery-validation": true } }),
    see: async (broker) => {
      await published(broker)
      await broker.stop()
      await using second = await startWhole(onDisk("validation", { wal: { "crash-recovery-validation": true } }))
      assert.isTrue(second.log.some((line) => line.includes("verified once more")))
    }
  },
  "storage.wal.segment-size": {
    settings: onDisk("segment-size", { wal: { "segment-size": "4MiB" } }),
    see: async (broker) => {
      const log = join(folder, "segment-size", "log")
      const sizes = () => readdirSync(log).map((name) => statSync(join(log, name), { throwIfNoEntry: false })?.size)
      const client = await broker.join("watcher")
      // The next file is prepared beside the work.
      while (!sizes().includes(4_194_304)) await client.quiet()
    }
  },
  "storage.cursor-save-interval": {
    settings: onDisk("cursors", { "cursor-save-interval": "20ms" }),
    see: async (broker) => {
      const subscriber = await broker.join("subscriber", { properties: { sessionExpiryInterval: 60 } })
      await subscriber.subscribe("t", 1)
      await subscriber.quiet()
      const before = broker.core.log.ticket
      await published(broker)
      await subscriber.take("publish")
      // The message, and then nothing but the cursor.
      while (broker.core.log.ticket < before + 2) await subscriber.quiet()
    }
  },
  "topics.policies": {
    settings: { ...onDisk("policies"), topics: { policies: [{ filter: "small/#", "max-messages": 1 }] } },
    see: async (broker) => {
      const subscriber = await broker.join("subscriber", { properties: { sessionExpiryInterval: 60 } })
      for (const filter of ["small/#", "large/#"]) await subscriber.subscribe(filter, 1)
      await subscriber.leave()
      const client = await broker.join("publisher")
      const codes: Array<number | undefined> = []
      for (const topic of ["small/a", "small/a", "small/b", "large/a", "large/a"]) {
        codes.push(await client.publish(topic, "x", { qos: 1 }))
      }
      assert.deepEqual(codes, [0, 0x97, 0, 0, 0])
    }
  }
}
