/** Is it well, what goes through it, and does it keep its promise? The last 15 minutes, second by second. */

import type { Overview } from "../../api/system.ts"
import { Chart, type Series } from "../chart.tsx"
import { bytes, clock, count, counted, milliseconds, rate } from "../format.ts"
import { events, isConnected, latest, samples } from "../live.ts"
import { Figure, Heading } from "../parts.tsx"

const GAPS_TOLD_MAX = 5

export const OverviewPage = () => {
  const now = latest.value
  return (
    <section>
      <Heading title="Overview" command="promptmq status --watch" />
      {now === undefined ? <p class="soft">Waiting for the first figures …</p> : <Numbers now={now} />}
      <Charts />
      <Gaps />
      <Events />
    </section>
  )
}

const Numbers = ({ now }: { readonly now: Overview }) => {
  const failing = now.checks.filter(({ status }) => status === "failing")
  return (
    <>
      {isConnected.value ? null : <p class="verdict warn">No connection: this is how it was at {clock(now.at)}.</p>}
      <div class={failing.length === 0 ? "verdict good" : "verdict bad"} role="status">
        {failing.length === 0 ? (
          <>All {now.checks.length} checks are well.</>
        ) : (
          <ul>
            {failing.map(({ fact, name }) => (
              <li key={name}>
                <b>{name}</b>: {fact}
              </li>
            ))}
          </ul>
        )}
      </div>
      <dl class="figures">
        <Figure label="Clients" value={count(now.clientsConnected)} detail={counted(now.sessions, "session")} />
        <Figure label="Messages in" value={rate(now.messagesInPerSecond)} detail={`${bytes(now.bytesInPerSecond)}/s`} />
        <Figure
          label="Messages out"
          value={rate(now.messagesOutPerSecond)}
          detail={`${bytes(now.bytesOutPerSecond)}/s`}
        />
        <Figure
          label="Acknowledged in"
          value={milliseconds(now.publishAckP50Ms)}
          detail={`99 %: ${milliseconds(now.publishAckP99Ms)}`}
        />
        <Figure label="Subscriptions" value={count(now.subscriptions)} detail={counted(now.topics, "topic")} />
        <Figure label="Retained" value={count(now.retainedMessages)} detail={bytes(now.retainedBytes)} />
        <Figure label="In flight" value={count(now.inFlight)} detail={`${bytes(now.unsentBytes)} unsent`} />
        <Figure
          label="Drops"
          value={rate(now.dropsPerSecond)}
          state={now.dropsPerSecond > 0 ? "warn" : undefined}
          detail={now.dropsPerSecond > 0 ? "see Drops" : "none now"}
        />
        <Figure
          label="Log on disk"
          value={bytes(now.diskBytes)}
          detail={`disk ${now.diskSpace}`}
          state={now.diskSpace === "ok" ? undefined : now.diskSpace === "low" ? "warn" : "bad"}
        />
        <Figure label="Memory" value={bytes(now.rssBytes)} detail={`CPU ${Math.round(now.cpuRatio * 100)} %`} />
      </dl>
    </>
  )
}

const Charts = () => {
  const all = samples.value
  const atSeconds = all.map(({ atSeconds }) => atSeconds)
  const line = (name: string, colour: string, of: (overview: Overview) => number | null, isFilled = false): Series => ({
    name,
    colour,
    isFilled,
    values: all.map(({ overview }) => (overview === undefined ? null : of(overview)))
  })
  const common = { atSeconds }
  return (
    <div class="charts">
      <Chart
        {...common}
        title="Messages"
        format={rate}
        series={[
          line("in", "a", (each) => each.messagesInPerSecond, true),
          line("out", "b", (each) => each.messagesOutPerSecond)
        ]}
      />
      <Chart
        {...common}
        title="Promise kept, 99 %"
        format={milliseconds}
        series={[
          line("acknowledged", "a", (each) => each.publishAckP99Ms),
          line("synced", "c", (each) => each.syncP99Ms)
        ]}
      />
      <Chart
        {...common}
        title="Drops"
        format={rate}
        series={[line("dropped", "bad", (each) => each.dropsPerSecond, true)]}
      />
      <Chart
        {...common}
        title="Event loop, 99 %"
        format={milliseconds}
        series={[line("lag", "d", (each) => each.loopLagP99Ms)]}
      />
    </div>
  )
}

/** Where the lines stop: in words too, for who cannot see that. */
const Gaps = () => {
  const all = samples.value
  const gaps = all.flatMap(({ overview }, i) => {
    const [from, until] = [all[i - 1], all[i + 1]]
    return overview === undefined && from !== undefined && until !== undefined ? [{ from, until }] : []
  })
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
    <h2>Events</h2>
    {events.value.length === 0 ? (
      <p class="soft">Nothing has happened since this page was opened.</p>
    ) : (
      <ul class="events">
        {events.value.slice(0, 40).map((each, i) => (
          <li key={`${each.at} ${i}`}>
            <time dateTime={each.at}>{clock(each.at)}</time> <b>{each.what}</b>{" "}
            {each.clientIdentifier === undefined ? null : (
              <a href={`/clients/${encodeURIComponent(each.clientIdentifier)}`}>{each.clientIdentifier}</a>
            )}{" "}
            {each.detail}
          </li>
        ))}
      </ul>
    )}
  </>
)
