/**
 * A page of a list: what is asked of it (limit, offset, filter, sort), over items that lie in the broker's own maps.
 *
 *   columns   what is shown, one function per column. A filter looks at the columns that are `searched`, a sort at one:
 *             rows are made for the page alone
 *
 * Invariants
 * - At most `lookMax` items are looked at; where there are more, `isTotalExact` says so. Without filter and sort it ends
 *   with the page.
 * - null sorts last, whichever way.
 */
import { pageLimitDefault } from "../api/page-limits.ts"

export interface PageQuery {
  readonly limit?: number
  readonly offset?: number
  readonly filter?: string
  readonly sort?: string
}

export interface Page<Row> {
  readonly items: ReadonlyArray<Row>
  readonly total: number
  readonly isTotalExact: boolean
}

export type Columns<Item, Row> = { readonly [K in keyof Row]: (item: Item) => Row[K] }

export interface Listing<Item, Row> {
  readonly items: Iterable<Item>
  /** How many there are, where that is known without looking. */
  readonly count?: number | undefined
  readonly columns: Columns<Item, Row>
  readonly searched: ReadonlyArray<keyof Row & string>
}

/** Items looked at for one answer: about 50 ms of the loop, whatever is asked. The answer says when there are more. */
export const lookMax = 50_000

/** A `sort` that is no column is passed over. */
export const pageOf = <Item, Row>(listing: Listing<Item, Row>, query: PageQuery): Page<Row> => {
  const { limit = pageLimitDefault, offset = 0 } = query
  const wanted = (query.filter ?? "").toLowerCase()
  const column = sortColumn(listing, query.sort)
  if (wanted === "" && column === undefined && listing.count !== undefined) {
    const items = rowsOf(listing, slice(listing.items, offset, limit))
    return { items, total: listing.count, isTotalExact: true }
  }
  const { found, isWhole } = look(listing, wanted)
  const sorted = column === undefined ? found : sortBy(found, column.read, column.isFalling)
  return {
    items: rowsOf(listing, sorted.slice(offset, offset + limit)),
    total: found.length,
    isTotalExact: isWhole
  }
}

const look = <Item, Row>(
  { columns, items, searched }: Listing<Item, Row>,
  wanted: string
): { readonly found: Array<Item>; readonly isWhole: boolean } => {
  const found: Array<Item> = []
  let looked = 0
  for (const item of items) {
    if (++looked > lookMax) return { found, isWhole: false }
    if (wanted === "" || searched.some((name) => holds(columns[name](item), wanted))) found.push(item)
  }
  return { found, isWhole: true }
}

const holds = (value: unknown, wanted: string): boolean => {
  if (Array.isArray(value)) return value.some((each) => holds(each, wanted))
  return typeof value === "string" && value.toLowerCase().includes(wanted)
}

const sortColumn = <Item, Row>({ columns }: Listing<Item, Row>, sort: string | undefined) => {
  if (sort === undefined || sort === "") return undefined
  const isFalling = sort.startsWith("-")
  const name = isFalling ? sort.slice(1) : sort
  if (!Object.hasOwn(columns, name)) return undefined
  return { read: columns[name as keyof Row] as (item: Item) => unknown, isFalling }
}

/** Each value is read once. */
const sortBy = <Item>(items: ReadonlyArray<Item>, read: (item: Item) => unknown, isFalling: boolean): Array<Item> => {
  const keyed = items.map((item) => ({ item, key: read(item) }))
  const sign = isFalling ? -1 : 1
  keyed.sort((a, b) => {
    if (a.key === b.key) return 0
    if (a.key === null || a.key === undefined) return 1
    if (b.key === null || b.key === undefined) return -1
    return ((a.key as number) < (b.key as number) ? -1 : 1) * sign
  })
  return keyed.map(({ item }) => item)
}

const slice = <Item>(items: Iterable<Item>, offset: number, limit: number): Array<Item> => {
  const taken: Array<Item> = []
  let at = 0
  for (const item of items) {
    if (at++ < offset) continue
    if (taken.length >= limit) break
    taken.push(item)
  }
  return taken
}

const rowsOf = <Item, Row>({ columns }: Listing<Item, Row>, items: ReadonlyArray<Item>): Array<Row> =>
  items.map((item) => rowOf(columns, item))

export const rowOf = <Item, Row>(columns: Columns<Item, Row>, item: Item): Row => {
  const row: Record<string, unknown> = {}
  for (const name in columns) row[name] = columns[name](item)
  return row as Row
}

export const timeText = (ms: number): string => new Date(ms).toISOString()
