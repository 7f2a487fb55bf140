/**
 * What is there on every page: navigation, the state of the stream, theme, log-out; and the door before it all.
 */
import { useEffect, useState } from "preact/hooks"
import { lazy, Route, Router, useLocation } from "preact-iso"
import { pages } from "../api/pages.ts"
import type { Role } from "../api/shared.ts"
import { get } from "./api.ts"
import { Door } from "./door.tsx"
import { count } from "./format.ts"
import { isConnected, latest, startLive } from "./live.ts"
import { Notices } from "./notices.tsx"
import { isExchanging, logOut, role, takeCode, token } from "./session.ts"
import { nextTheme, theme } from "./theme.ts"

const Overview = lazy(() => import("./pages/overview.tsx").then(({ OverviewPage }) => OverviewPage))
const Clients = lazy(() => import("./pages/clients.tsx").then(({ ClientsPage }) => ClientsPage))
const Client = lazy(() => import("./pages/client.tsx").then(({ ClientPage }) => ClientPage))
const Topics = lazy(() => import("./pages/topics.tsx").then(({ TopicsPage }) => TopicsPage))
const Publish = lazy(() => import("./pages/publish.tsx").then(({ PublishPage }) => PublishPage))
const Retained = lazy(() => import("./pages/retained.tsx").then(({ RetainedPage }) => RetainedPage))
const Queues = lazy(() => import("./pages/queues.tsx").then(({ QueuesPage }) => QueuesPage))
const Drops = lazy(() => import("./pages/drops.tsx").then(({ DropsPage }) => DropsPage))
const Trace = lazy(() => import("./pages/trace.tsx").then(({ TracePage }) => TracePage))
const Storage = lazy(() => import("./pages/storage.tsx").then(({ StoragePage }) => StoragePage))
const Security = lazy(() => import("./pages/security.tsx").then(({ SecurityPage }) => SecurityPage))
const Config = lazy(() => import("./pages/config.tsx").then(({ ConfigPage }) => ConfigPage))
const Logs = lazy(() => import("./pages/logs.tsx").then(({ LogsPage }) => LogsPage))

export const Shell = () => {
  useEffect(() => void takeCode(), [])
  if (isExchanging.value) return <p class="door">Logging in …</p>
  if (token.value === "") return <Door />
  return <Inside />
}

const Inside = () => {
  const [isOpen, setOpen] = useState(false)
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
  useEffect(() => setOpen(false), [path])
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="bar">
        <button type="button" class="quiet menu" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          Menu
        </button>
        <a class="brand" href="/">
          <img src={new URL("./icon.svg", import.meta.url).href} alt="" width="24" height="24" />{" "}
          <span class="name">PromptMQ</span>
        </a>
        <LiveState />
        <button
          type="button"
          class="quiet"
          onClick={nextTheme}
          title="Theme: light, dark, or as the system says"
          aria-label={`Theme: ${theme.value}`}
        >
          <span aria-hidden="true">◐</span> <span class="wide">{theme.value}</span>
        </button>
        <button type="button" class="quiet" onClick={() => logOut()}>
          Log out
        </button>
      </header>
      <nav class={isOpen ? "rail open" : "rail"} aria-label="Pages">
        {pages.map(([to, name]) => (
          <a key={to} href={to} aria-current={isAt(path, to) ? "page" : undefined}>
            {name}
          </a>
        ))}
      </nav>
      <main id="main" tabIndex={-1}>
        <Router>
          <Route path="/" component={Overview} />
          <Route path="/clients" component={Clients} />
          <Route path="/clients/:id" component={Client} />
          <Route path="/topics" component={Topics} />
          <Route path="/publish" component={Publish} />
          <Route path="/retained" component={Retained} />
          <Route path="/queues" component={Queues} />
          <Route path="/drops" component={Drops} />
          <Route path="/trace" component={Trace} />
          <Route path="/storage" component={Storage} />
          <Route path="/security" component={Security} />
          <Route path="/config" component={Config} />
          <Route path="/logs" component={Logs} />
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
  const state = isConnected.value ? (now?.status === "failing" ? "failing" : "live") : "offline"
  const words = { live: "live", failing: "a check fails", offline: "no connection" }[state]
  return (
    <span class={`live ${state}`} role="status">
      <span class="dot" aria-hidden="true" /> {words}
      {now === undefined ? null : <span class="wide"> · {count(now.clientsConnected)} clients</span>}
    </span>
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
