/**
 * The dashboard: a page that the admin listener serves at "/". Browser code; of the server it knows the types of
 * admin/api/ and nothing else.
 *
 *   session.ts   who is logged in          live.ts    one stream of snapshots and events
 *   api.ts       requests                  shell.tsx  navigation, theme, what is there on every page
 *   polling.ts   what is asked again         commands.ts  the same in a terminal
 *   pages/       one file per page
 *
 * Invariants
 * - Nothing is fetched from anywhere but this listener; no inline script, no inline style in markup: the policy of
 *   contents is `default-src 'self'`.
 * - Every view has a URL of its own; going there anew shows the same.
 */
import { render } from "preact"
import { LocationProvider } from "preact-iso"
import "./style.css"
import "./frame.css"
import "./forms.css"
import "./figures.css"
import "./lists.css"
import { Shell } from "./shell.tsx"

const root = document.getElementById("app")
if (root !== null) {
  render(
    <LocationProvider>
      <Shell />
    </LocationProvider>,
    root
  )
}
