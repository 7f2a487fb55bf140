/**
 * Settings of `storage` and `topics`: where messages live, what an acknowledgement promises, what is kept.
 *
 * The original had two spellings for several keys and read only one of them; here the newer one is the key
 * and the older an alias. Its `storage.cleanup` (SQLite days) is `storage.compaction` now.
 */
import { boolean, choice, duration, integer, size, text } from "./kinds.ts"
import { section } from "./section.ts"

const walSection = section({
  syncMode: choice({
    flag: "wal-sync-mode",
    choices: ["immediate", "batch", "periodic"],
    fallback: "immediate",
    live: true,
    summary:
      "When the log is synced: for every group of messages, every batch-sync-size messages, or every sync-interval."
  }),
  syncIntervalMs: duration({
    flag: "wal-sync-interval",
    aliases: ["storage.wal-sync-interval"],
    fallback: "100ms",
    minimum: "1ms",
    maximum: "1h",
    live: true,
    summary: "Time between syncs in periodic mode."
  }),
  batchSyncSize: integer({
    flag: "wal-batch-sync-size",
    fallback: 100,
    minimum: 1,
    maximum: 1_000_000,
    live: true,
    summary: "Messages per sync in batch mode (5 ms after the first at the latest)."
  }),
  acknowledge: choice({
    flag: "wal-acknowledge",
    choices: ["auto", "durable", "written"],
    fallback: "auto",
    live: true,
    summary:
      "Acknowledge QoS 1 and 2 after the sync (durable) or after the write; auto = written in periodic mode, else durable."
  }),
  forceFsync: boolean({
    flag: "wal-force-fsync",
    fallback: false,
    live: true,
    summary: "Sync at once whatever the mode says; wins over no-sync."
  }),
  noSync: boolean({
    flag: "wal-no-sync",
    aliases: ["storage.wal-no-sync"],
    fallback: false,
    summary: "Never sync: fast, and a power cut may lose everything since the start."
  }),
  crashRecoveryValidation: boolean({
    flag: "wal-crash-recovery-validation",
    fallback: false,
    summary: "Verify every record once more after recovery, before the listeners open."
  }),
  segmentSizeBytes: size({
    key: "segment-size",
    flag: "wal-segment-size",
    fallback: "16MiB",
    minimum: "4MiB",
    maximum: "256MiB",
    summary: "Size of one log file."
  })
})

const compactionSection = section({
  maxMessageAgeMs: duration({
    flag: "compaction-max-message-age",
    aliases: ["storage.cleanup.max-message-age"],
    fallback: "2h",
    minimum: "1s",
    maximum: "3650d",
    live: true,
    summary: "Age at which history that nobody waits for may go."
  }),
  maxWalSizeBytes: size({
    flag: "compaction-max-wal-size",
    fallback: "100MiB",
    minimum: "8MiB",
    maximum: "16TiB",
    live: true,
    summary: "Size of the log above which compaction starts at once."
  }),
  checkIntervalMs: duration({
    flag: "compaction-check-interval",
    aliases: ["storage.cleanup.check-interval"],
    fallback: "5m",
    minimum: "1s",
    maximum: "24h",
    live: true,
    summary: "Time between looks for something to compact."
  }),
  concurrentWorkers: integer({
    flag: "compaction-concurrent-workers",
    fallback: 1,
    minimum: 1,
    maximum: 16,
    summary: "Log files compacted at the same time."
  }),
  batchSize: integer({
    flag: "compaction-batch-size",
    aliases: ["storage.cleanup.batch-size"],
    fallback: 1000,
    minimum: 1,
    maximum: 1_000_000,
    live: true,
    summary: "Records copied before compaction lets other work run."
  })
})

export const storageSection = section({
  engine: choice({
    choices: ["memory", "wal", "sqlite"],
    fallback: "memory",
    summary: "Where messages, sessions and retained values live; memory loses them at exit."
  }),
  dataDir: text({
    flag: "data-dir",
    fallback: "",
    fallbackWords: "$XDG_STATE_HOME/promptmq, else ~/.local/state/promptmq",
    summary: "Folder of everything the broker keeps; created with mode 0700."
  }),
  walDir: text({
    flag: "wal-dir",
    fallback: "",
    fallbackWords: "<data-dir>/log",
    summary: "Folder of the log."
  }),
  memoryBufferBytes: size({
    flag: "memory-buffer",
    fallback: "256MiB",
    minimum: "1MiB",
    maximum: "64GiB",
    summary: "Memory for messages; in the memory engine the ring that holds what waits for slow and absent clients."
  }),
  wal: walSection,
  compaction: compactionSection
})

export const topicsSection = section({
  cachedEntries: integer({
    fallback: 65_536,
    minimum: 1024,
    maximum: 16_777_216,
    summary: "Topic names whose matching filters are remembered."
  })
})
