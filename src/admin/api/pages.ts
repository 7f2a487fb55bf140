/**
 * The pages of the dashboard by path, in the order of its navigation. The server answers these paths, and what lies below
 * them, with the page itself; everything else it does not know is 404, so that a scraper that asks for metrics which are
 * switched off does not get a page.
 */
export const pages: ReadonlyArray<readonly [path: string, name: string]> = [
  ["/", "Overview"],
  ["/clients", "Clients"],
  ["/topics", "Topics"],
  ["/publish", "Publish"],
  ["/retained", "Retained"],
  ["/queues", "Queues & shared"],
  ["/drops", "Drops"],
  ["/trace", "Trace"],
  ["/storage", "Storage"],
  ["/security", "Security"],
  ["/config", "Configuration"],
  ["/logs", "Logs"]
]

/** "/clients/c1" belongs to "/clients". */
export const isPage = (path: string): boolean =>
  path === "/index.html" || pages.some(([page]) => page === path || (page !== "/" && path.startsWith(`${page}/`)))
