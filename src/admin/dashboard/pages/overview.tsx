/** Is it well, what goes through it, and does it keep its promise? Now, and for the last minutes or hours. */
import { useSignal } from "@preact/signals"
import type { History, Overview } from "../../api/system.ts"
import { get } from "../api.ts"
import { isSilenced, silence, silencedUntil, speakAgain } from "../banner.tsx"
import { firstToEnd, WARN_DAYS } from "../certificates.ts"
import { Chart, palette, type Series } from "../chart.tsx"
import { statusCommand, supportCommand } from "../commands.ts"
import { downloadSupportBundle } from "../download.ts"
import { bytes, clock, count, counted, milliseconds, moment, rate } from "../format.ts"
import { events, latest, samples } from "../live.ts"
import { doing } from "../notices.tsx"
import { ClientLink, Figure, Heading, type Mood, Nothing, Part } from "../parts.tsx"
import { usePolled } from "../polled.ts"
import { dropRates, gapsIn, rowsOf, type Sample, sumOfLast, thinned } from "../samples.ts"
import { security } from "../system.ts"

const GAPS_TOLD_MAX = 5
const EVENTS_SHOWN_MAX = 40
const SPARK_SAMPLES = 120
const POINTS_MAX = 900

export const OverviewPage = () => {
  const now = latest.value
  return (
    <section>
      <Heading title="Overview" command={statusCommand}>
        <button
          type="button"
          onClick={() =>
            doing(downloadSupportBundle, "Bundle made: look at it before you give it away", supportCommand)
          }
        >
          Support bundle
        </button>
      </Heading>
      {now === undefined ? <p class="soft waiting">Waiting for the first figures …</p> : <Numbers now={now} />}
      <Charts />
      <Events />
    </section>
  )
}

const Numbers = ({ now }: { readonly now: Overview }) => (
  <>
    <Checks now={now} />
    <Traffic now={now} />
    <Holdings now={now} />
  </>
)

/** What goes through it. */
const Traffic = ({ now }: { readonly now: Overview }) => {
  const all = samples.value
  const recent = all.slice(-SPARK_SAMPLES)
  const spark = (colour: string, of: (overview: Overview) => number | null) => ({
    colour,
    values: recent.map(({ overview }) => (overview === undefined ? null : of(overview)))
  })
  const dropped = Math.round(sumOfLast(all, 60, (each) => each.dropsPerSecond))
  return (
    <dl class="figures main">
      <Figure
        label="Clients"
        href="/clients"
        value={count(now.clientsConnected)}
        detail={counted(now.sessions, "session")}
        spark={spark("a", (each) => each.clientsConnected)}
      />
      <Figure
        label="Messages in"
        value={rate(now.messagesInPerSecond)}
        detail={`${bytes(now.bytesInPerSecond)}/s`}
        spark={spark("a", (each) => each.messagesInPerSecond)}
      />
      <Figure
        label="Messages out"
        value={rate(now.messagesOutPerSecond)}
        detail={`${bytes(now.bytesOutPerSecond)}/s`}
        spark={spark("b", (each) => each.messagesOutPerSecond)}
      />
      <Figure
        label="Acknowledged in"
        value={milliseconds(now.publishAckP50Ms)}
        detail={`99 % within ${milliseconds(now.publishAckP99Ms)}`}
        spark={spark("c", (each) => each.publishAckP99Ms)}
      />
      <Figure
        label="Drops in a minute"
        href="/drops"
        value={count(dropped)}
        state={dropped > 0 ? "warn" : undefined}
        detail={dropped > 0 ? `${rate(now.dropsPerSecond)} now` : "none"}
        spark={spark("bad", (each) => each.dropsPerSecond)}
      />
    </dl>
  )
}

/** What it holds. */
const Holdings = ({ now }: { readonly now: Overview }) => (
  <dl class="figures">
    <Figure
      label="Backlog"
      href="/queues"
      value={count(now.waitingMessages)}
      detail={now.waitingMessages === 0 ? "nobody waits" : "wait for sessions"}
    />
    <Figure label="In flight" value={count(now.inFlight)} detail={`${bytes(now.unsentBytes)} unsent`} />
    <Figure
      label="Subscriptions"
      href="/topics"
      value={count(now.subscriptions)}
      detail={counted(now.topics, "topic")}
    />
    <Figure label="Retained" href="/retained" value={count(now.retainedMessages)} detail={bytes(now.retainedBytes)} />
    <Figure
      label="Log on disk"
      href="/storage"
      value={bytes(now.diskBytes)}
      detail={now.diskSpace === "ok" ? "room enough" : `disk ${now.diskSpace}`}
      state={now.diskSpace === "ok" ? undefined : now.diskSpace === "low" ? "warn" : "bad"}
    />
    <Figure label="Memory" value={bytes(now.rssBytes)} detail={`CPU ${Math.round(now.cpuRatio * 100)} %`} />
    <Certificate />
  </dl>
)

/** The one that ends first. */
const Certificate = () => {
  const first = firstToEnd(security.value, Date.now())
  const mood: Mood = first === undefined || first.days >= WARN_DAYS ? undefined : first.days < 0 ? "bad" : "warn"
  return (
    <Figure
      label="Certificate"
      href="/security"
      value={first === undefined ? "–" : first.days < 0 ? "over" : counted(first.days, "day")}
      detail={first === undefined ? "no TLS listener" : <span title={moment(first.at)}>of {first.listener}</span>}
      state={mood}
    />
  )
}

const Checks = ({ now }: { readonly now: Overview }) => {
  const failing = now.checks.filter(({ status }) => status === "failing")
  const mood = failing.length === 0 ? "good" : failing.every(({ name }) => isSilenced(name)) ? "warn" : "bad"
  return (
    <details class={`verdict checks ${mood}`} open={failing.some(({ name }) => isSilenced(name))}>
      <summary>
        {failing.length === 0
          ? `All ${now.checks.length} checks are well.`
          : `${counted(failing.length, "check")} of ${now.checks.length} ${failing.length === 1 ? "fails" : "fail"}.`}
      </summary>
      <ul>
        {now.checks.map(({ fact, name, status }) => (
          <li key={name} class={status}>
            <span class="dot" aria-hidden="true" />
            <b>{name}</b> <span>{fact ?? "well"}</span>
            {status === "ok" ? null : isSilenced(name) ? (
              <button type="button" class="plain" onClick={() => speakAgain(name)}>
                Silent until {clock(silencedUntil(name))}: speak again
              </button>
            ) : (
              <button type="button" class="plain" onClick={() => silence(name)}>
                Silence for an hour
              </button>
            )}
          </li>
        ))}
      </ul>
    </details>
  )
}

const ranges = [
  ["15 min", 0, 0],
  ["1 h", 3600, 10_000],
  ["6 h", 21_600, 30_000],
  ["24 h", 86_400, 60_000]
] as const

const Charts = () => {
  const range = useSignal<(typeof ranges)[number]>(ranges[0])
  const [name, seconds, everyMs] = range.value
  return (
    <>
      <Part title="How it went">
        <fieldset class="tabs" aria-label="Range">
          {ranges.map((each) => (
            <button key={each[0]} type="button" aria-pressed={each[0] === name} onClick={() => (range.value = each)}>
              {each[0]}
            </button>
          ))}
        </fieldset>
      </Part>
      {seconds === 0 ? <Plots all={samples.value} /> : <Past key={name} seconds={seconds} everyMs={everyMs} />}
      {seconds === 0 ? <Gaps /> : null}
    </>
  )
}

const Past = ({ everyMs, seconds }: { readonly seconds: number; readonly everyMs: number }) => {
  const ask = async (signal: AbortSignal): Promise<ReadonlyArray<Sample>> =>
    thinned(rowsOf(await get<History>("/history", { seconds }, signal)), POINTS_MAX)
  const { value } = usePolled(ask, { key: String(seconds), everyMs })
  return <Plots all={value ?? []} />
}

const Plots = ({ all }: { readonly all: ReadonlyArray<Sample> }) => {
  const atSeconds = all.map(({ atSeconds }) => atSeconds)
  const line = (name: string, colour: string, of: (overview: Overview) => number | null, isFilled = false): Series => ({
    name,
    colour,
    isFilled,
    values: all.map(({ overview }) => (overview === undefined ? null : of(overview)))
  })
  const drops = dropRates(all).map(({ reason, values }, i) => ({
    name: reason,
    colour: palette[i % palette.length] as string,
    values
  }))
  return (
    <div class="charts">
      <Chart
        atSeconds={atSeconds}
        title="Messages"
        format={rate}
        series={[
          line("in", "a", (each) => each.messagesInPerSecond, true),
          line("out", "b", (each) => each.messagesOutPerSecond)
        ]}
      />
      <Chart
        atSeconds={atSeconds}
        title="Promise kept, 99 %"
        format={milliseconds}
        series={[
          line("acknowledged", "a", (each) => each.publishAckP99Ms),
          line("synced", "c", (each) => each.syncP99Ms)
        ]}
      />
      <Chart
        atSeconds={atSeconds}
        title="Drops by reason"
        format={rate}
        isStacked
        series={drops}
        nothing="Nothing was dropped in this time."
      />
      <Chart
        atSeconds={atSeconds}
        title="Event loop, 99 %"
        format={milliseconds}
        series={[line("lag", "d", (each) => each.loopLagP99Ms, true)]}
      />
    </div>
  )
}

/** Where the lines stop: in words too, for who cannot see that. */
const Gaps = () => {
  const gaps = gapsIn(samples.value)
  return gaps.length === 0 ? null : (
    <p class="soft">
      The lines stop where this page was not connected:{" "}
      {gaps
        .slice(-GAPS_TOLD_MAX)
        .map(({ from, until }) => `${clock(from.atSeconds * 1000)} – ${clock(until.atSeconds * 1000)}`)
        .join(", ")}
      .
    </p>
  )
}

const Events = () => (
  <>
    <Part title="Events" />
    {events.value.length === 0 ? (
      <div class="panel">
        <Nothing title="Nothing has happened since this page was opened">
          Connects, disconnects, refusals and warnings come here as they happen.
        </Nothing>
      </div>
    ) : (
      <ul class="events panel">
        {events.value.slice(0, EVENTS_SHOWN_MAX).map((each, i) => (
          <li key={`${each.at} ${events.value.length - i}`}>
            <time dateTime={each.at} title={moment(each.at)}>
              {clock(each.at)}
            </time>
            <b>{each.what}</b>
            <span>
              {each.clientIdentifier === undefined ? null : <ClientLink id={each.clientIdentifier} />}{" "}
              <span class="soft">{each.detail}</span>
            </span>
          </li>
        ))}
      </ul>
    )}
  </>
)
