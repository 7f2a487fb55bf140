/**
 * A time series: uPlot on a canvas, fed from signals. Described in words for who cannot see it: the last values. Where the
 * pointer is, the legend tells that moment, in all charts of the page at once.
 */
import { useSignal } from "@preact/signals"
import { useEffect, useRef } from "preact/hooks"
import UPlot from "uplot"
import "uplot/dist/uPlot.min.css"
import { clock } from "./format.ts"
import { colourOf, isDark } from "./theme.ts"

export interface Series {
  readonly name: string
  /** Name of a colour in style.css. */
  readonly colour: string
  readonly values: ReadonlyArray<number | null | undefined>
  readonly isFilled?: boolean
}

export interface ChartProps {
  readonly title: string
  readonly atSeconds: ReadonlyArray<number>
  readonly series: ReadonlyArray<Series>
  readonly format: (value: number | null | undefined) => string
  /** Each on top of those before it. */
  readonly isStacked?: boolean
  /** Things that are counted: no halves on the axis. */
  readonly isWhole?: boolean
  readonly nothing?: string
}

const HEIGHT_PX = 168
const TIMES_PX = 24
/** What is shown at least: a page just opened does not stretch three seconds over its whole width. */
const SPAN_SECONDS = 60
const STEPS_SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600]
const WHOLE_STEPS = [0, 1, 2, 3, 4, 5, 6, 7, 8].flatMap((power) => [1, 2, 5].map((each) => each * 10 ** power))
/** Colours of series whose names are not known beforehand. */
export const palette = ["a", "c", "b", "d", "e", "bad"] as const

export const Chart = (props: ChartProps) => {
  const { atSeconds, format, isStacked = false, isWhole = false, nothing, series, title } = props
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot | undefined>(undefined)
  const pointed = useSignal<number | undefined>(undefined)
  const shape = `${series.map(({ colour, name }) => `${name} ${colour}`).join()} ${isStacked} ${isDark.value}`
  const lastFormat = useRef(format)
  lastFormat.current = format
  useEffect(() => {
    const element = place.current
    if (element === null) return
    const onPointed = (at: number | undefined) => (pointed.value = at)
    const looks = {
      width: element.clientWidth,
      isStacked,
      isWhole,
      format: (value: number) => lastFormat.current(value)
    }
    const made = new UPlot(optionsOf(series, looks, onPointed), dataOf(props), element)
    plot.current = made
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT_PX }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      made.destroy()
      plot.current = undefined
    }
  }, [shape])
  useEffect(() => plot.current?.setData(dataOf(props)), [atSeconds, series])
  const at = pointed.value ?? atSeconds.length - 1
  const words = series.map(({ name, values }) => `${name} ${format(values.at(-1))}`).join(", ")
  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
        <span class="legend">
          {pointed.value === undefined || atSeconds[at] === undefined ? null : (
            <time>{clock(atSeconds[at] * 1000)}</time>
          )}
          {series.map(({ colour, name, values }) => (
            <span key={name}>
              <span class={`swatch ${colour}`} aria-hidden="true" /> {name} <b>{format(values[at])}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={place} class="plot" role="img" aria-label={`${title}: ${words || nothing || "nothing"}`} />
      {series.length === 0 && nothing !== undefined ? <p class="soft over">{nothing}</p> : null}
    </figure>
  )
}

const dataOf = ({ atSeconds, isStacked, series }: ChartProps): UPlot.AlignedData => {
  const columns = series.map(({ values }) => [...values])
  if (isStacked === true) {
    for (const [i, column] of columns.entries()) {
      const below = columns[i - 1]
      if (below !== undefined) for (const [row, value] of column.entries()) column[row] = sum(value, below[row])
    }
    // The highest is drawn first: those below it lie in front.
    columns.reverse()
  }
  return [[...atSeconds], ...columns] as unknown as UPlot.AlignedData
}

const sum = (one: number | null | undefined, other: number | null | undefined): number | null =>
  one == null ? (other ?? null) : one + (other ?? 0)

interface Looks {
  readonly width: number
  readonly isStacked: boolean
  readonly isWhole: boolean
  readonly format: (value: number) => string
}

const optionsOf = (
  series: ReadonlyArray<Series>,
  { format, isStacked, isWhole, width }: Looks,
  onPointed: (at: number | undefined) => void
): UPlot.Options => {
  const grid = { stroke: colourOf("grid"), width: 1 }
  const axis = { stroke: colourOf("soft"), grid, ticks: { show: false }, font: "11px system-ui, sans-serif" }
  const shown = isStacked ? [...series].reverse() : series
  return {
    width,
    height: HEIGHT_PX,
    padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false }, sync: { key: "page" } },
    hooks: {
      setCursor: [({ cursor }) => onPointed(cursor.idx == null || (cursor.left ?? -1) < 0 ? undefined : cursor.idx)]
    },
    scales: {
      x: { range: (_plot, low, high) => [Math.min(low ?? 0, (high ?? 0) - SPAN_SECONDS), high ?? 0] },
      y: { range: (_plot, low, high) => [Math.min(0, low ?? 0), Math.max((high ?? 0) * 1.1, 1)] }
    },
    axes: [
      {
        ...axis,
        size: TIMES_PX,
        space: 80,
        incrs: STEPS_SECONDS,
        values: (_plot, splits) => splits.map((seconds) => clock(seconds * 1000))
      },
      {
        ...axis,
        ...(isWhole ? { incrs: WHOLE_STEPS } : {}),
        size: 62,
        gap: 6,
        values: (_plot, values) => values.map((value) => format(value))
      }
    ],
    series: [
      {},
      ...shown.map(({ colour, isFilled, name }) => ({
        label: name,
        stroke: colourOf(colour),
        width: 1.5,
        spanGaps: false,
        points: { show: false },
        ...(isStacked ? { fill: `${colourOf(colour)}b3` } : isFilled === true ? { fill: `${colourOf(colour)}22` } : {})
      }))
    ]
  }
}
