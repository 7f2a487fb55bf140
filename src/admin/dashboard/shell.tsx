/**
 * What is there on every page: navigation, the state of the stream, alarms, theme, log-out; and the door before it all.
 */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { Route, Router, useLocation } from "preact-iso"
import { pages } from "../api/pages.ts"
import type { Role } from "../api/shared.ts"
import { get } from "./api.ts"
import { alarms, Banner, isAway } from "./banner.tsx"
import { Door } from "./door.tsx"
import { counted, duration } from "./format.ts"
import { MenuIcon, OutIcon, pageIcons, ThemeIcon } from "./icons.tsx"
import { isConnected, latest, startLive } from "./live.ts"
import { Notices } from "./notices.tsx"
import { ClientPage } from "./pages/client.tsx"
import { ClientsPage } from "./pages/clients.tsx"
import { ConfigPage } from "./pages/config.tsx"
import { DropsPage } from "./pages/drops.tsx"
import { LogsPage } from "./pages/logs.tsx"
import { OverviewPage } from "./pages/overview.tsx"
import { PublishPage } from "./pages/publish.tsx"
import { QueuesPage } from "./pages/queues.tsx"
import { RetainedPage } from "./pages/retained.tsx"
import { SecurityPage } from "./pages/security.tsx"
import { StoragePage } from "./pages/storage.tsx"
import { TopicsPage } from "./pages/topics.tsx"
import { TracePage } from "./pages/trace.tsx"
import { isExchanging, logOut, role, takeCode, token } from "./session.ts"
import { loadSystem, system } from "./system.ts"
import { nextTheme, theme } from "./theme.ts"

/** A line is drawn before these: messages, what went wrong, the broker itself. */
const groupStarts: ReadonlySet<string> = new Set(["/topics", "/drops", "/storage"])

export const Shell = () => {
  useEffect(() => void takeCode(), [])
  if (isExchanging.value) return <p class="door soft">Logging in …</p>
  if (token.value === "") return <Door />
  return <Inside />
}

const Inside = () => {
  const isOpen = useSignal(false)
  const { path } = useLocation()
  useEffect(startLive, [])
  useEffect(() => {
    get<{ readonly name: string; readonly role: Role }>("/whoami").then(
      (caller) => {
        role.value = caller.role
      },
      () => {}
    )
  }, [])
  // A broker that was away may be another one now.
  useEffect(() => {
    if (isConnected.value) loadSystem()
  }, [isConnected.value])
  useEffect(() => {
    isOpen.value = false
    const name = pages.find(([to]) => isAt(path, to))?.[1]
    document.title = name === undefined ? "PromptMQ" : `${name} · PromptMQ`
  }, [path])
  return (
    <div class={isAway.value ? "shell away" : "shell"}>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class={alarms.value.length > 0 || isAway.value ? "bar bad" : "bar"}>
        <button
          type="button"
          class="quiet icon menu"
          aria-label="Menu"
          aria-expanded={isOpen.value}
          onClick={() => (isOpen.value = !isOpen.value)}
        >
          <MenuIcon />
        </button>
        <a class="brand" href="/">
          <img src={new URL("./icon.svg", import.meta.url).href} alt="" width="24" height="24" />{" "}
          <span class="name">PromptMQ</span>
        </a>
        <LiveState />
        <button
          type="button"
          class="quiet icon"
          onClick={nextTheme}
          title={`Theme: ${theme.value}`}
          aria-label={`Theme: ${theme.value}`}
        >
          <ThemeIcon />
        </button>
        <button type="button" class="quiet icon" title="Log out" aria-label="Log out" onClick={() => logOut()}>
          <OutIcon />
        </button>
      </header>
      <nav class={isOpen.value ? "rail open" : "rail"} aria-label="Pages">
        {pages.map(([to, name]) => {
          const Glyph = pageIcons[to]
          return (
            <a
              key={to}
              href={to}
              class={groupStarts.has(to) ? "first" : undefined}
              aria-current={isAt(path, to) ? "page" : undefined}
            >
              {Glyph === undefined ? null : <Glyph />}
              {name}
            </a>
          )
        })}
        <Version />
      </nav>
      <main id="main" tabIndex={-1}>
        <Banner />
        <Router>
          <Route path="/" component={OverviewPage} />
          <Route path="/clients" component={ClientsPage} />
          <Route path="/clients/:id" component={ClientPage} />
          <Route path="/topics" component={TopicsPage} />
          <Route path="/publish" component={PublishPage} />
          <Route path="/retained" component={RetainedPage} />
          <Route path="/queues" component={QueuesPage} />
          <Route path="/drops" component={DropsPage} />
          <Route path="/trace" component={TracePage} />
          <Route path="/storage" component={StoragePage} />
          <Route path="/security" component={SecurityPage} />
          <Route path="/config" component={ConfigPage} />
          <Route path="/logs" component={LogsPage} />
          <Route default component={Nowhere} />
        </Router>
      </main>
      <Notices />
    </div>
  )
}

const isAt = (path: string, place: string): boolean =>
  place === "/" ? path === "/" : path === place || path.startsWith(`${place}/`)

const LiveState = () => {
  const now = latest.value
  const isFailing = alarms.value.length > 0
  const state = isAway.value ? "offline" : !isConnected.value ? "waiting" : isFailing ? "failing" : "live"
  const words = { live: "live", failing: "a check fails", offline: "no connection", waiting: "connecting …" }[state]
  return (
    <span class={`live ${state}`} role="status">
      <span class="dot" aria-hidden="true" /> {words}
      {now === undefined ? null : <span class="wide"> · {counted(now.clientsConnected, "client")}</span>}
    </span>
  )
}

const Version = () => {
  const now = system.value
  // Drawn anew with each snapshot: it tells how long.
  const nowMs = latest.value === undefined ? Date.now() : Date.parse(latest.value.at)
  return now === undefined ? null : (
    <p class="version soft" title={`Node ${now.node}, process ${now.pid}`}>
      {now.version}
      <span>up {duration(Math.max(0, nowMs - Date.parse(now.startedAt)) / 1000)}</span>
    </p>
  )
}

const Nowhere = () => (
  <section>
    <h1>There is no such page</h1>
    <p>
      <a href="/">To the overview</a>
    </p>
  </section>
)
