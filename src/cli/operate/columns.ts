/**
 * Tables of the operating commands: a column is a heading, a side and a text per row.
 *
 * Identifiers, topics and user names come from strangers: every cell is escaped, so that none of them can move the cursor
 * or forge a line of the terminal. Styles are painted after the widths are known.
 */
import { escaped } from "../../telemetry/log-entry.ts"
import { paint, type Style, type World } from "../world.ts"

export interface Column<Row> {
  readonly head: string
  readonly cell: (row: Row) => string
  /** Numbers: flush right. */
  readonly isRight?: boolean
  readonly style?: (row: Row) => Style | undefined
}

export const left = <Row>(head: string, cell: (row: Row) => string, style?: Column<Row>["style"]): Column<Row> => ({
  head,
  cell,
  ...(style === undefined ? {} : { style })
})

export const right = <Row>(head: string, cell: (row: Row) => string, style?: Column<Row>["style"]): Column<Row> => ({
  ...left(head, cell, style),
  isRight: true
})

/** Lines with a heading; without a row the heading alone. */
export function tableText<Row>(
  columns: ReadonlyArray<Column<Row>>,
  rows: ReadonlyArray<Row>,
  world: World
): ReadonlyArray<string> {
  // [OPERATE-2] nothing that a stranger wrote is obeyed by the terminal.
  const cells = rows.map((row) => columns.map((column) => escaped(column.cell(row))))
  const widths = columns.map(({ head }, i) =>
    cells.reduce((most, row) => Math.max(most, row[i]?.length ?? 0), head.length)
  )
  const heading = columns.map(({ head, isRight }, i) => padded(head, widths[i] ?? 0, isRight === true))
  const lines = cells.map((row, rowIndex) =>
    columns
      .map(({ isRight, style }, i) => {
        const text = padded(row[i] ?? "", widths[i] ?? 0, isRight === true)
        const painted = style?.(rows[rowIndex] as Row)
        const isLast = i === columns.length - 1
        const shown = isLast ? text.trimEnd() : text
        return painted === undefined ? shown : paint(world, world.stdout, painted, shown)
      })
      .join("  ")
      .trimEnd()
  )
  return [paint(world, world.stdout, "strong", heading.join("  ").trimEnd()), ...lines]
}

/** A value that is undefined leaves its line out. */
export type Fact = readonly [name: string, value: string | undefined, style?: Style | undefined]

/** Name and value per line. */
export function factsText(facts: ReadonlyArray<Fact>, world: World): ReadonlyArray<string> {
  const known = facts.filter(([, value]) => value !== undefined)
  const width = known.reduce((most, [name]) => Math.max(most, name.length), 0)
  return known.map(([name, value, style]) => {
    const text = escaped(value ?? "")
    const shown = style === undefined ? text : paint(world, world.stdout, style, text)
    return `${paint(world, world.stdout, "faint", name.padEnd(width))}  ${shown}`.trimEnd()
  })
}

function padded(text: string, width: number, isRight: boolean): string {
  return isRight ? text.padStart(width) : text.padEnd(width)
}
