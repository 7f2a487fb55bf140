/** One scrape of a broker of this process, by the HTTP page of its admin listener: the text and its values by series. */
import type { WholeBroker } from "./whole-broker.ts"

export interface Scrape {
  readonly text: string
  readonly contentType: string
  /** name{labels} as in the text -> value. */
  readonly series: ReadonlyMap<string, number>
  readonly value: (series: string) => number | undefined
  /** Of all series of the name, whatever their labels. */
  readonly sum: (name: string) => number
}

export const scrape = async ({ running }: WholeBroker, accept = "text/plain"): Promise<Scrape> => {
  const response = await fetch(`http://127.0.0.1:${running.admin?.port}/metrics`, { headers: { accept } })
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${response.status} ${text}`)
  const series = new Map<string, number>()
  for (const line of text.split("\n")) {
    const [, name, value] = /^([^#{ ]+(?:\{.*\})?) (\S+)$/.exec(line) ?? []
    if (name !== undefined) series.set(name, Number(value))
  }
  const sum = (name: string): number => {
    let total = 0
    for (const [key, value] of series) if (key === name || key.startsWith(`${name}{`)) total += value
    return total
  }
  const contentType = response.headers.get("content-type") ?? ""
  return { text, contentType, series, value: (key) => series.get(key), sum }
}
