/**
 * Settings of `storage` and `topics`: where messages live, what an acknowledgement promises, what is kept.
 *
 * The original had two spellings for several keys and read only one of them; here the newer one is the key
 * and the older an alias. Its `storage.cleanup` (SQLite days) is `storage.compaction` now.
 */
import { boolean, choice, duration, integer, size, text } from "./kinds.ts"
import { maybe, records } from "./record-list.ts"
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
    summary: "Messages per sync in batch mode; batch-sync-wait after the first of them at the latest."
  }),
  batchSyncWaitMs: duration({
    fallback: "5ms",
    minimum: "1ms",
    maximum: "10s",
    live: true,
    summary: "Longest time that a message waits in batch mode for those that would fill its batch."
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
    summary: "Sync every group and acknowledge after it, whatever mode, topics and no-sync say."
  }),
  noSync: boolean({
    flag: "wal-no-sync",
    aliases: ["storage.wal-no-sync"],
    fallback: false,
    live: true,
    summary:
      "Never sync while messages flow: fast, and a power cut may lose all that came since the log's last file began."
  }),
  crashRecoveryValidation: boolean({
    flag: "wal-crash-recovery-validation",
    fallback: false,
    summary: "Verify every record once more after recovery, before the listeners open."
  }),
  slowSyncMs: duration({
    fallback: "1s",
    minimum: "10ms",
    maximum: "1h",
    live: true,
    summary: "Time of one sync from which on the log of events says that the disk is slow."
  }),
  stalledSyncMs: duration({
    fallback: "10s",
    minimum: "100ms",
    maximum: "1h",
    live: true,
    summary: "Time of one sync from which on publishers wait for its end, and health says so."
  }),
  pendingBytesMax: size({
    key: "max-pending",
    fallback: "32MiB",
    minimum: "1MiB",
    maximum: "4GiB",
    summary: "Bytes of records on their way to the disk; publishers are slowed before, and refused with 0x97 above it."
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
    summary: "Age at which history that nobody waits for may go, whatever replay a topic's policy asks for."
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
    live: true,
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
  }),
  maxCopyRateBytes: size({
    flag: "compaction-max-copy-rate",
    fallback: "8MiB",
    minimum: "64KiB",
    maximum: "16GiB",
    live: true,
    summary:
      "Bytes copied per second at most, twice that above max-wal-size; down to a sixteenth while commits take more than twice their usual time."
  })
})

export const storageSection = section({
  engine: choice({
    choices: ["memory", "wal", "sqlite"],
    fallback: "wal",
    summary: "Where messages, sessions and retained values live: on disk (wal), or in memory, which loses them at exit."
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
    summary:
      "Memory for messages: the ring of the memory engine; in the wal engine the log's index and its newest messages."
  }),
  cursorSaveIntervalMs: duration({
    flag: "cursor-save-interval",
    fallback: "100ms",
    minimum: "10ms",
    maximum: "1m",
    live: true,
    summary: "How often it is written down how far sessions are: after a crash QoS 1 messages sent since come again."
  }),
  onCorruption: choice({
    flag: "on-corruption",
    choices: ["salvage", "refuse"],
    fallback: "salvage",
    summary: "At the start, when bytes that were safe do not verify: keep all that does and report the rest, or refuse."
  }),
  wal: walSection,
  compaction: compactionSection
})

/** What one entry of topics.policies may say; what it leaves out is as for every topic. */
const policyFields = {
  filter: text({
    fallback: "",
    pattern: /^(?!\$share\/)(?:#|(?:\+|[^+#/]*)(?:\/(?:\+|[^+#/]*))*(?:\/#)?)$(?<=.)/,
    patternWords: 'a topic filter, such as "alarms/#" or "+/status"',
    summary: "Topics it is about; the first entry that matches a topic counts."
  }),
  acknowledge: maybe(
    choice({
      choices: ["durable", "written"],
      fallback: "durable",
      summary: "When QoS 1 and 2 are acknowledged: after the sync, or after the write."
    })
  ),
  forceFsync: maybe(boolean({ fallback: true, summary: "Sync at once for a message of these topics." })),
  maxBytes: maybe(
    size({
      key: "max-bytes",
      fallback: "64MiB",
      minimum: "1KiB",
      maximum: "16TiB",
      summary: "Most bytes of each topic in the log; a message above that is refused with 0x97."
    })
  ),
  maxMessages: maybe(
    integer({
      fallback: 1000,
      minimum: 1,
      maximum: 1_000_000_000,
      summary: "Most messages of each topic in the log; one above that is refused with 0x97."
    })
  ),
  replayMs: maybe(
    duration({
      fallback: "1h",
      minimum: "1s",
      maximum: "3650d",
      summary:
        "How long messages are kept for $replay, at QoS 0 too, although nobody waits for them; storage.compaction.max-message-age bounds it."
    })
  ),
  maxAgeMs: maybe(
    duration({
      fallback: "7d",
      minimum: "1s",
      maximum: "3650d",
      summary: "Age at which a message goes although a session still waits for it, with a row in the drop ledger."
    })
  )
}

export const topicsSection = section({
  policies: records({
    fields: policyFields,
    identity: "filter",
    live: true,
    summary: "Quotas, acknowledgement, replay and age of single topics; the first entry that matches a topic counts."
  }),
  cachedEntries: integer({
    fallback: 65_536,
    minimum: 1024,
    maximum: 16_777_216,
    summary: "Topic names whose matching filters are remembered."
  })
})
