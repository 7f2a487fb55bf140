/** A line of a few pixels: how it went lately. What it says stands in numbers beside it. */
const WIDTH = 100
const HEIGHT = 24

export const Spark = ({
  colour,
  values
}: {
  readonly values: ReadonlyArray<number | null>
  readonly colour: string
}) => {
  const line = sparkPath(values)
  return (
    <svg
      class={`spark ${values.some((value) => (value ?? 0) > 0) ? colour : "flat"}`}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {line === "" ? null : <path d={line} />}
    </svg>
  )
}

/** From 0 at the foot to the highest at the top; a value that is not known breaks the line. */
export const sparkPath = (values: ReadonlyArray<number | null>): string => {
  if (values.length < 2) return ""
  const highest = Math.max(1e-9, ...values.map((value) => value ?? 0))
  let isDown = false
  return values
    .map((value, i) => {
      if (value === null) {
        isDown = false
        return ""
      }
      const x = ((i / (values.length - 1)) * WIDTH).toFixed(1)
      const y = (HEIGHT - 1.5 - (value / highest) * (HEIGHT - 3)).toFixed(1)
      const step = `${isDown ? "L" : "M"}${x} ${y}`
      isDown = true
      return step
    })
    .join("")
}
