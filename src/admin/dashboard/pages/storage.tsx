/** What is promised, what is on the disk, and how far. */
import { useSignal } from "@preact/signals"
import type { SegmentRow, StorageBackedUp, StorageCompacted, StorageInfo } from "../../api/storage.ts"
import { get, send } from "../api.ts"
import { Chart } from "../chart.tsx"
import { backupCommand, compactCommand, requestCommand, storageCommand } from "../commands.ts"
import { Confirm } from "../dialog.tsx"
import { ago, bytes, count, counted, milliseconds, moment } from "../format.ts"
import { samples } from "../live.ts"
import { doing, tell, tellFailure } from "../notices.tsx"
import { Facts, Figure, Heading, Nothing, Part, Waiting } from "../parts.tsx"
import { usePolled } from "../polled.ts"
import { mayAdminister, mayOperate } from "../session.ts"
import { type Column, List } from "../table.tsx"

const EVERY_MS = 2000
const modes = ["immediate", "batch", "periodic"] as const
const { origin } = location

export const StoragePage = () => {
  const version = useSignal(0)
  const {
    again,
    failure,
    value: now
  } = usePolled((signal) => get<StorageInfo>("/storage", {}, signal), {
    key: "storage",
    everyMs: EVERY_MS
  })
  const isOnDisk = now?.disk !== undefined
  const onChanged = async () => {
    version.value += 1
    await again()
  }
  return (
    <section>
      <Heading title="Storage" command={storageCommand}>
        {isOnDisk && mayOperate.value ? <Actions onChanged={onChanged} /> : null}
      </Heading>
      {now === undefined ? <Waiting failure={failure} /> : <Promised now={now} onChanged={again} />}
      {isOnDisk ? <Plots /> : null}
      {now?.disk === undefined ? null : <Found now={now.disk} />}
      {isOnDisk ? (
        <Segments version={version.value} />
      ) : now === undefined ? null : (
        <div class="panel">
          <Nothing title="Everything is kept in memory">
            Nothing survives a restart. With <code>storage.engine: wal</code> and a restart the log goes to the disk.
          </Nothing>
        </div>
      )}
    </section>
  )
}

const Actions = ({ onChanged }: { readonly onChanged: () => Promise<void> }) => {
  const isBackingUp = useSignal(false)
  const compact = async () => {
    try {
      const done = await send<StorageCompacted>("POST", "/storage/compact")
      const rest = done.isBlocked ? "; some wait for a snapshot" : ""
      tell(`${bytes(done.bytesBefore)} before, ${bytes(done.bytesAfter)} after${rest}`, compactCommand)
    } catch (cause) {
      tellFailure(cause)
    }
    await onChanged()
  }
  const simple = (path: string, done: string) => async () => {
    await doing(() => send("POST", path), done, requestCommand(origin, "POST", path))
    await onChanged()
  }
  return (
    <>
      <button type="button" onClick={compact}>
        Compact now
      </button>
      <button type="button" onClick={simple("/storage/snapshot", "Snapshot written")}>
        Snapshot
      </button>
      <button type="button" onClick={simple("/storage/sync", "Everything is on the disk")}>
        Sync
      </button>
      {mayAdminister.value ? (
        <button type="button" onClick={() => (isBackingUp.value = true)}>
          Back up …
        </button>
      ) : null}
      {isBackingUp.value ? <Backup onClose={() => (isBackingUp.value = false)} /> : null}
    </>
  )
}

const Backup = ({ onClose }: { readonly onClose: () => void }) => {
  const folder = useSignal("")
  const close = async (confirmed: boolean) => {
    onClose()
    if (!confirmed) return
    try {
      const done = await send<StorageBackedUp>("POST", "/storage/backup", { folder: folder.value })
      tell(`${counted(done.files, "file")}, ${bytes(done.bytes)} in ${done.folder}`, backupCommand(done.folder))
    } catch (cause) {
      tellFailure(cause)
    }
  }
  return (
    <Confirm
      title="Back up the store"
      action="Back up"
      isReady={folder.value.startsWith("/")}
      command={folder.value === "" ? undefined : backupCommand(folder.value)}
      onClose={close}
    >
      <label>
        A new folder on the broker's machine
        <input
          placeholder="/mnt/backup/2026-11-21"
          value={folder.value}
          onInput={(event) => (folder.value = event.currentTarget.value)}
        />
      </label>
    </Confirm>
  )
}

const Promised = ({ now, onChanged }: { readonly now: StorageInfo; readonly onChanged: () => Promise<void> }) => (
  <>
    <div class="panel promise">
      <p class="lead">{now.promise}</p>
      <Facts
        rows={[
          ["Lost in a crash", now.losesInCrash ?? "nothing that was acknowledged"],
          ["Lost in a power cut", now.losesInPowerCut ?? "nothing that was acknowledged"]
        ]}
      />
      {now.disk !== undefined && mayAdminister.value ? (
        <ChangeMode promise={now.promise} onChanged={onChanged} />
      ) : null}
    </div>
    <dl class="figures">
      <Figure label="Appended" value={count(now.appended)} detail="records" />
      <Figure label="Written" value={count(now.written)} detail={`${count(now.appended - now.written)} wait`} />
      <Figure label="On the disk" value={count(now.durable)} detail={`${count(now.appended - now.durable)} not yet`} />
      <Figure
        label="Pressure"
        value={`${Math.round(now.pressure * 100)} %`}
        detail={now.pressure >= 1 ? "publishers are refused" : "of what it may keep"}
        state={now.pressure >= 1 ? "bad" : now.pressure > 0.9 ? "warn" : undefined}
      />
      {now.disk === undefined ? null : (
        <>
          <Figure
            label="Files"
            value={count(now.disk.files)}
            detail={`${bytes(now.disk.bytes)}, ${bytes(now.disk.cacheBytes)} cached`}
          />
          <Figure
            label="Space"
            value={now.disk.space}
            detail={now.disk.space === "ok" || now.disk.space === "low" ? "messages are taken" : "no new messages"}
            state={now.disk.space === "ok" ? undefined : now.disk.space === "low" ? "warn" : "bad"}
          />
          <Figure
            label="Read faults"
            value={count(now.disk.readFaults)}
            detail="since the start"
            state={now.disk.readFaults > 0 ? "bad" : undefined}
          />
        </>
      )}
    </dl>
  </>
)

const modeWords: Readonly<Record<(typeof modes)[number], string>> = {
  immediate: "Every acknowledgement waits for its sync: the slowest, and nothing acknowledged is ever lost.",
  batch: "Acknowledgements wait for a sync that many share: nothing acknowledged is lost, each waits a little longer.",
  periodic: "Acknowledgements leave before the sync: a power cut then loses up to the sync interval."
}

/** The sentence begins with the mode that it is about. */
const ChangeMode = ({
  onChanged,
  promise
}: Pick<StorageInfo, "promise"> & { readonly onChanged: () => Promise<unknown> }) => {
  const wanted = useSignal<(typeof modes)[number] | undefined>(undefined)
  const command = requestCommand(origin, "PATCH", "/settings", { "storage.wal.sync-mode": wanted.value })
  const close = async (confirmed: boolean) => {
    const mode = wanted.value
    wanted.value = undefined
    if (!confirmed) return
    const work = () => send("PATCH", "/settings", { "storage.wal.sync-mode": mode })
    await doing(work, `The mode is ${mode} now`, command)
    await onChanged()
  }
  return (
    <div class="row line">
      <span class="soft">Sync mode</span>
      <fieldset class="tabs" aria-label="Sync mode">
        {modes.map((mode) => (
          <button
            key={mode}
            type="button"
            aria-pressed={promise.startsWith(mode)}
            disabled={promise.startsWith(mode)}
            onClick={() => (wanted.value = mode)}
          >
            {mode}
          </button>
        ))}
      </fieldset>
      {wanted.value === undefined ? null : (
        <Confirm
          title={`Change the sync mode to ${wanted.value}?`}
          action="Change"
          command={command}
          isDanger={wanted.value === "periodic"}
          onClose={close}
        >
          <p>{modeWords[wanted.value]}</p>
          <p class="soft">It decides about the very next message, and holds until the broker stops.</p>
        </Confirm>
      )}
    </div>
  )
}

const Plots = () => {
  const all = samples.value
  const atSeconds = all.map(({ atSeconds }) => atSeconds)
  const written = all.map(({ atSeconds, overview }, i) => {
    const before = all[i - 1]
    if (overview === undefined || before?.overview === undefined) return null
    return Math.max(0, overview.logBytes - before.overview.logBytes) / Math.max(0.001, atSeconds - before.atSeconds)
  })
  return (
    <div class="charts">
      <Chart
        title="Sync"
        atSeconds={atSeconds}
        format={milliseconds}
        series={[
          { name: "50 %", colour: "a", values: all.map(({ overview }) => overview?.syncP50Ms ?? null) },
          { name: "99 %", colour: "c", values: all.map(({ overview }) => overview?.syncP99Ms ?? null) }
        ]}
      />
      <Chart
        title="Written to the log"
        atSeconds={atSeconds}
        format={(value) => (value == null ? "–" : `${bytes(value)}/s`)}
        series={[{ name: "log", colour: "b", isFilled: true, values: written }]}
      />
    </div>
  )
}

const Found = ({ now }: { readonly now: NonNullable<StorageInfo["disk"]> }) => (
  <div class="panel">
    <h2>What the start found</h2>
    <Facts
      rows={[
        ["Recovered", `${counted(now.found.messages, "message")}, ${counted(now.found.sessions, "session")}`],
        ["Cut from a torn end", bytes(now.found.bytesCut)],
        ["Took", milliseconds(now.found.milliseconds)],
        ["Closed in order before", now.found.wasClosed ? "yes" : "no: crash or power cut"]
      ]}
    />
    {now.found.damages.length === 0 ? null : (
      <ul class="verdict bad">
        {now.found.damages.map((each) => (
          <li key={`${each.segment} ${each.offset}`}>
            {each.segment} at byte {each.offset}: {bytes(each.lengthBytes)} do not verify, {count(each.recordsLost)}{" "}
            records lost
          </li>
        ))}
      </ul>
    )}
  </div>
)

const columns: ReadonlyArray<Column<SegmentRow>> = [
  { name: "File", sort: "name", class: "main", show: ({ name }) => <code>{name}</code> },
  { name: "State", sort: "state", show: ({ state }) => <span class={`tag ${state}`}>{state}</span> },
  {
    name: "Tickets",
    isNumber: true,
    show: ({ firstTicket, lastTicket }) => `${count(firstTicket)} – ${count(lastTicket)}`
  },
  { name: "Size", sort: "bytes", isNumber: true, show: ({ bytes: size }) => bytes(size) },
  { name: "Oldest", show: ({ oldestAt }) => ago(oldestAt), title: ({ oldestAt }) => moment(oldestAt) },
  { name: "Newest", show: ({ newestAt }) => ago(newestAt), title: ({ newestAt }) => moment(newestAt) }
]

const Segments = ({ version }: { readonly version: number }) => {
  const rows = useSignal<ReadonlyArray<SegmentRow>>([])
  return (
    <>
      <Part title="Files of the log" />
      {rows.value.length < 2 ? null : (
        <div class="strip" aria-hidden="true">
          {rows.value.map(({ bytes: size, name, state }) => (
            <span key={name} class={state} title={`${name}: ${bytes(size)}, ${state}`} style={{ flexGrow: size }} />
          ))}
        </div>
      )}
      <List
        path="/storage/segments"
        caption="Files of the log"
        columns={columns}
        version={version}
        keyOf={({ name }) => name}
        onPage={(found) => (rows.value = found)}
        everyMs={5000}
        nothing={<b>No files</b>}
      />
    </>
  )
}
