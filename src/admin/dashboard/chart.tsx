/**
 * A time series: uPlot on a canvas, fed from signals. Described in words for who cannot see it: the last values.
 */
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
}

const HEIGHT_PX = 160
const TIMES_PX = 26
/** What is shown at least: a page just opened does not stretch three seconds over its whole width. */
const SPAN_SECONDS = 60
const STEPS_SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600]

export const Chart = ({ atSeconds, format, series, title }: ChartProps) => {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot | undefined>(undefined)
  const shape = `${series.map(({ name }) => name).join()} ${isDark.value}`
  useEffect(() => {
    const element = place.current
    if (element === null) return
    const made = new UPlot(optionsOf(element.clientWidth, series, format), dataOf(atSeconds, series), element)
    plot.current = made
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT_PX }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      made.destroy()
      plot.current = undefined
    }
  }, [shape])
  useEffect(() => plot.current?.setData(dataOf(atSeconds, series)), [atSeconds, series])
  const words = series.map(({ name, values }) => `${name} ${format(values.at(-1))}`).join(", ")
  return (
    <figure class="chart">
      <figcaption>
        <strong>{title}</strong>
        <span class="legend">
          {series.map(({ colour, name, values }) => (
            <span key={name}>
              <span class={`swatch ${colour}`} aria-hidden="true" /> {name} <b>{format(values.at(-1))}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={place} role="img" aria-label={`${title}: ${words}`} />
    </figure>
  )
}

const dataOf = (atSeconds: ReadonlyArray<number>, series: ReadonlyArray<Series>): UPlot.AlignedData =>
  [[...atSeconds], ...series.map(({ values }) => [...values])] as unknown as UPlot.AlignedData

const optionsOf = (width: number, series: ReadonlyArray<Series>, format: ChartProps["format"]): UPlot.Options => {
  const grid = { stroke: colourOf("line"), width: 1 }
  const axis = { stroke: colourOf("soft"), grid, ticks: { ...grid, size: 4 }, font: "11px system-ui, sans-serif" }
  return {
    width,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
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
      { ...axis, size: 64, values: (_plot, values) => values.map((value) => format(value)) }
    ],
    series: [
      {},
      ...series.map(({ colour, isFilled, name }) => ({
        label: name,
        stroke: colourOf(colour),
        width: 1.5,
        spanGaps: false,
        points: { show: false },
        ...(isFilled === true ? { fill: `${colourOf(colour)}22` } : {})
      }))
    ]
  }
}
