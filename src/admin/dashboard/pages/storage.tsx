/** What is promised, what is on the disk, and how far. */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import type { SegmentRow, StorageCompacted, StorageInfo } from "../../api/storage.ts"
import { get, send } from "../api.ts"
import { Chart } from "../chart.tsx"
import { ago, bytes, count, milliseconds, moment } from "../format.ts"
import { samples } from "../live.ts"
import { doing, tell, tellFailure } from "../notices.tsx"
import { Confirm, Facts, Figure, Heading } from "../parts.tsx"
import { mayAdminister, mayOperate } from "../session.ts"
import { type Column, List } from "../table.tsx"

const EVERY_MS = 2000
const modes = ["immediate", "batch", "periodic"] as const

export const StoragePage = () => {
  const info = useSignal<StorageInfo | undefined>(undefined)
  const version = useSignal(0)
  const load = () => get<StorageInfo>("/storage").then((found) => (info.value = found), tellFailure)
  useEffect(() => {
    void load()
    const timer = setInterval(() => (document.hidden ? undefined : void load()), EVERY_MS)
    return () => clearInterval(timer)
  }, [])
  const now = info.value
  const isOnDisk = now?.disk !== undefined
  const compact = async () => {
    try {
      const done = await send<StorageCompacted>("POST", "/storage/compact")
      tell(
        `${bytes(done.bytesBefore)} before, ${bytes(done.bytesAfter)} after${done.isBlocked ? "; some wait for a snapshot" : ""}`
      )
    } catch (cause) {
      tellFailure(cause)
    }
    version.value += 1
    await load()
  }
  return (
    <section>
      <Heading title="Storage" command="promptmq store stats">
        {isOnDisk && mayOperate.value ? (
          <>
            <button type="button" onClick={compact}>
              Compact now
            </button>
            <button type="button" onClick={() => doing(() => send("POST", "/storage/snapshot"), "Snapshot written")}>
              Snapshot
            </button>
            <button
              type="button"
              onClick={() => doing(() => send("POST", "/storage/sync"), "Everything is on the disk")}
            >
              Sync
            </button>
          </>
        ) : null}
      </Heading>
      {now === undefined ? <p class="soft">loading …</p> : <Promised now={now} />}
      {now !== undefined && isOnDisk && mayAdminister.value ? (
        <ChangeMode promise={now.promise} onChanged={load} />
      ) : null}
      {isOnDisk ? <SyncChart /> : null}
      {now?.disk === undefined ? null : <Found now={now.disk} />}
      {isOnDisk ? <Segments version={version.value} /> : null}
    </section>
  )
}

const Promised = ({ now }: { readonly now: StorageInfo }) => (
  <>
    <p class="verdict good">{now.promise}</p>
    <Facts
      rows={[
        ["Lost in a crash", now.losesInCrash ?? "nothing that was acknowledged"],
        ["Lost in a power cut", now.losesInPowerCut ?? "nothing that was acknowledged"]
      ]}
    />
    <dl class="figures">
      <Figure label="Appended" value={count(now.appended)} />
      <Figure label="Written" value={count(now.written)} detail={`${count(now.appended - now.written)} wait`} />
      <Figure label="On the disk" value={count(now.durable)} detail={`${count(now.appended - now.durable)} not yet`} />
      <Figure
        label="Pressure"
        value={`${Math.round(now.pressure * 100)} %`}
        state={now.pressure >= 1 ? "bad" : now.pressure > 0.9 ? "warn" : undefined}
      />
      {now.disk === undefined ? null : (
        <>
          <Figure label="Files" value={count(now.disk.files)} detail={bytes(now.disk.bytes)} />
          <Figure label="Space" value={now.disk.space} state={now.disk.space === "ok" ? undefined : "bad"} />
          <Figure
            label="Read faults"
            value={count(now.disk.readFaults)}
            state={now.disk.readFaults > 0 ? "bad" : undefined}
          />
        </>
      )}
    </dl>
  </>
)

/** The sentence begins with the mode that it is about. */
const ChangeMode = ({
  onChanged,
  promise
}: Pick<StorageInfo, "promise"> & { readonly onChanged: () => Promise<unknown> }) => {
  const wanted = useSignal<(typeof modes)[number] | undefined>(undefined)
  const close = async (confirmed: boolean) => {
    const mode = wanted.value
    wanted.value = undefined
    if (!confirmed) return
    await doing(() => send("PATCH", "/settings", { "storage.wal.sync-mode": mode }), `The mode is ${mode} now`)
    await onChanged()
  }
  return (
    <div class="row line">
      <span>Sync mode:</span>
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
      {wanted.value === undefined ? null : (
        <Confirm title={`Change the sync mode to ${wanted.value}?`} action="Change" onClose={close}>
          <p>
            It decides about the very next message, and holds until the broker stops. Acknowledgements of periodic leave
            before the sync: a power cut then loses up to the sync interval.
          </p>
        </Confirm>
      )}
    </div>
  )
}

const SyncChart = () => {
  const all = samples.value
  return (
    <Chart
      title="Sync"
      atSeconds={all.map(({ atSeconds }) => atSeconds)}
      format={milliseconds}
      series={[
        { name: "50 %", colour: "a", values: all.map(({ overview }) => overview?.syncP50Ms ?? null) },
        { name: "99 %", colour: "c", values: all.map(({ overview }) => overview?.syncP99Ms ?? null) }
      ]}
    />
  )
}

const Found = ({ now }: { readonly now: NonNullable<StorageInfo["disk"]> }) => (
  <>
    <h2>What the start found</h2>
    <Facts
      rows={[
        ["Recovered", `${count(now.found.messages)} messages, ${count(now.found.sessions)} sessions`],
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
  </>
)

const columns: ReadonlyArray<Column<SegmentRow>> = [
  { name: "File", show: ({ name }) => <code>{name}</code> },
  { name: "State", show: ({ state }) => state },
  {
    name: "Tickets",
    isNumber: true,
    show: ({ firstTicket, lastTicket }) => `${count(firstTicket)} – ${count(lastTicket)}`
  },
  { name: "Size", isNumber: true, show: ({ bytes: size }) => bytes(size) },
  { name: "Oldest", show: ({ oldestAt }) => ago(oldestAt), title: ({ oldestAt }) => moment(oldestAt) },
  { name: "Newest", show: ({ newestAt }) => ago(newestAt), title: ({ newestAt }) => moment(newestAt) }
]

const Segments = ({ version }: { readonly version: number }) => (
  <>
    <h2>Files of the log</h2>
    <List
      path="/storage/segments"
      caption="Files of the log"
      columns={columns}
      version={version}
      keyOf={({ name }) => name}
      everyMs={5000}
      nothing="No files."
    />
  </>
)
